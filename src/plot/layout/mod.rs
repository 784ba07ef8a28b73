//! From charts to scenes: where everything goes.

mod bars;
mod frame;
mod legend;
mod lines;
mod maps;
mod series;
mod window;

use super::{
    Chart,
    colour::INK,
    scene::{Scene, Spot, Text},
    text::{self, Align},
};

/// Font sizes, in pixels.
const TITLE: f64 = 17.0;
const LABEL: f64 = 14.0;
const SMALL: f64 = 12.0;

/// From the edge of the picture to anything in it.
const EDGE: f64 = 14.0;

/// Height of what [`title`] draws, and the gap below it.
const TITLE_ROOM: f64 = EDGE + TITLE + 14.0;

/// The scene that shows `chart`.
pub(super) fn scene(chart: &Chart) -> Scene {
    match chart {
        Chart::Bars(bars) => bars::scene(bars),
        Chart::Lines(lines) => lines::scene(lines),
        Chart::Maps(maps) => maps::scene(maps),
        Chart::Window(window) => window::scene(window),
    }
}

/// Writes a title above a picture: in the middle of it, smaller if it is long.
fn title(scene: &mut Scene, title: &str, middle: f64) {
    let room = scene.width - 2.0 * EDGE;
    let wanted = text::width(title, TITLE);
    let size = if wanted > room { (TITLE * room / wanted).max(SMALL) } else { TITLE };
    let width = text::width(title, size).min(room);
    // Not beyond the picture's edge.
    let middle = middle.clamp(EDGE + width / 2.0, scene.width - EDGE - width / 2.0);
    let at = Spot { x: middle, y: EDGE + TITLE };
    write(scene, title, at, Align::Middle, size, room);
}

/// Writes from left to right, no further than `room` pixels.
fn write(scene: &mut Scene, words: &str, at: Spot, align: Align, size: f64, room: f64) {
    let text = Text { text: words.to_owned(), at, align, size, colour: INK, is_upright: false };
    scene.text(text, room);
}

/// Writes from the bottom to the top, around the middle `at`.
fn write_upright(scene: &mut Scene, words: &str, at: Spot, size: f64, room: f64) {
    let align = Align::Middle;
    let text = Text { text: words.to_owned(), at, align, size, colour: INK, is_upright: true };
    scene.text(text, room);
}
