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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{
        Axis, Key, Lines, Maps, Point, Series, Window, against_width, break_even, scene::Shape,
        speed_up, times,
    };

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series::new(name, points.iter().map(|&point| point.into()).collect::<Vec<Point>>())
    }

    /// Lines over a line, one for each of `n` widths.
    fn over_line(n: u32) -> Chart {
        let widths: Vec<f64> = (1..=n).map(|idx| f64::from(idx) / 10.0).collect();
        let one = |h: &f64| series("", &[(-3.0, *h), (3.0, 2.0 * h)]);
        Chart::Lines(Lines {
            title: "Density (n=10000, d=1, hypercube)".to_owned(),
            x: Axis::linear("x1"),
            y: Axis::from_zero("density"),
            series: widths.iter().map(one).collect(),
            references: Vec::new(),
            key: Key::Levels { label: "width h".to_owned(), values: widths },
        })
    }

    fn maps(n: usize, columns: &[f64], rows: &[f64]) -> Chart {
        let values = vec![0.125; columns.len() * rows.len()];
        Chart::Maps(Maps {
            title: "Density (n=10000, d=2, hypercube)".to_owned(),
            x_label: "x1".to_owned(),
            y_label: "x2".to_owned(),
            value_label: "density".to_owned(),
            x: columns.to_vec(),
            y: rows.to_vec(),
            maps: (0..n).map(|idx| (format!("h=0.{idx}"), values.clone())).collect(),
        })
    }

    /// Charts as they are, and as bad as they can be.
    fn charts() -> Vec<Chart> {
        let long = "a name that goes on and on ".repeat(20);
        let processes = series("processes", &[(2.0, 38.2), (3.0, 33.9), (4.0, 37.0), (6.0, 43.1)]);
        let threads = series("threads", &[(2.0, 36.0), (8.0, 0.001), (1e6, 71.0)]);
        let unsure = vec![Point::from((2.0, 38.0)).between(1.0, 500.0)];
        vec![
            times(10_000, (1.0, 70.0).into(), std::slice::from_ref(&processes)),
            times(10_000, (1.0, 70.0).into(), &[processes.clone(), threads.clone()]),
            times(10_000, (1.0, 1e-9).into(), &[series(&long, &[(2.0, 1e9), (3.0, 2.0)])]),
            times(usize::MAX, (1.0, 70.0).into(), &[Series::new("processes", unsure)]),
            times(1, (1.0, 0.0).into(), &[]),
            speed_up(10_000, vec![series("processes", &[(2.0, 1.9), (3.0, 2.5), (64.0, 30.0)])]),
            speed_up(1, vec![series(&long, &[(1.0, 1e-7)]); 60]),
            break_even(
                vec![processes.clone(), threads],
                &[("processes beat serial".to_owned(), 230_000.0), (long.clone(), 3.0)],
            ),
            against_width("Density", vec![series("(0, 0)", &[(0.1, 0.016)])], Some(0.159)),
            against_width(&long, vec![series("(0, 0)", &[(0.01, 1e-30), (10.0, 9e-30)]); 8], None),
            over_line(1),
            over_line(12),
            over_line(100),
            maps(1, &[0.0, 1.0, 2.0], &[-1e6, 0.0, 1e6]),
            maps(1, &[0.0], &[0.0]),
            maps(4, &[0.0, 1.0, 2.0], &[0.0, 1.0]),
            maps(6, &[-3.0, 0.0, 3.0], &[-3.0, 0.0, 3.0]),
            maps(6, &[0.001, 0.0011], &[1.0, 2.0, 300.0]),
            Chart::Window(Window::new("A window of width 1", 1.0, [[0.8, -0.82, -0.9]])),
            Chart::Window(Window::new("A window of width 4000", 4000.0, [[0.0; 3]])),
        ]
    }

    /// Left, top, right and bottom of what `text` covers.
    fn cover(text: &Text) -> [f64; 4] {
        let width = text::width(&text.text, text.size);
        let before = match text.align {
            Align::Begin => 0.0,
            Align::Middle => width / 2.0,
            Align::End => width,
        };
        let (above, below) = (text.size * 0.75, text.size * 0.2);
        let Spot { x, y } = text.at;
        if text.is_upright {
            return [x - above, y + before - width, x + below, y + before];
        }
        [x - before, y - above, x - before + width, y + below]
    }

    #[test]
    fn no_text_is_cut_or_covers_another() {
        for chart in charts() {
            let scene = scene(&chart);
            let texts = scene.shapes.iter().filter_map(|shape| match shape {
                Shape::Text(text) => Some((text, cover(text))),
                _ => None,
            });
            let texts: Vec<(&Text, [f64; 4])> = texts.collect();
            for (idx, (text, [left, top, right, bottom])) in texts.iter().enumerate() {
                let is_inside = 0.0 <= *left
                    && 0.0 <= *top
                    && *right <= scene.width + 0.5
                    && *bottom <= scene.height;
                assert!(is_inside, "{text:?} in {} × {}", scene.width, scene.height);
                for (other, cover) in &texts[..idx] {
                    let is_apart = *right <= cover[0]
                        || cover[2] <= *left
                        || *bottom <= cover[1]
                        || cover[3] <= *top;
                    assert!(is_apart, "{text:?}\n{other:?}");
                }
            }
        }
    }
}
