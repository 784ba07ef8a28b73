//! Horizontal bars.

use super::{
    EDGE, SMALL, TITLE_ROOM,
    frame::{Frame, Ruler},
    legend::{Legend, Sample},
    title, write,
};
use crate::plot::{
    Bar, Bars, Spacing,
    colour::{self, BLACK, WHITE},
    scale::{Scale, Tick},
    scene::{Area, Scene, Spot},
    text::{self, Align},
};

const WIDTH: f64 = 800.0;

/// Height of a group: what all have if there is room, of each bar more, and never less than this.
const GROUP: f64 = 78.0;
const BAR: f64 = 24.0;
const THINNEST: f64 = 2.0;

/// Highest plane.
const HIGHEST: f64 = 2400.0;

/// Share of a group's height that its bars take.
const FILLED: f64 = 0.8;

/// matplotlib's bars in the notebook are this opaque.
const OPACITY: f64 = 0.4;

/// From a bar's end to its note, and from there to the frame.
const GAP: f64 = 6.0;

pub(super) fn scene(bars: &Bars) -> Scene {
    let has_legend = bars.kinds.len() > 1;
    let top = TITLE_ROOM + if has_legend { 26.0 } else { 0.0 };
    let height = height(bars);
    let y = groups(bars);
    // Its length is known only when its width is.
    let label = Ruler::new(Scale::covering(Spacing::Linear, []), &bars.x_label);
    let (left, below) = Frame::room(&label, &y, height);
    let area = Area { left, top, right: WIDTH - EDGE - 8.0, bottom: top + height };
    let mut scene = Scene::new(WIDTH, area.bottom + below);

    title(&mut scene, &bars.title, area.spot(0.5, 0.0).x);
    if has_legend {
        legend(bars).draw_beside(&mut scene, Spot { y: top - 18.0, ..area.spot(0.5, 0.0) });
    }
    let x = Ruler { scale: scale(bars, area.width()), ..label };
    Frame::draw(&mut scene, area, (&x, &y), |scene, frame| content(scene, bars, &frame));
    scene
}

/// Height of the plane.
fn height(bars: &Bars) -> f64 {
    let heights = bars.groups.iter().map(|group| GROUP.max(BAR * group.bars.len() as f64 / FILLED));
    heights.sum::<f64>().clamp(2.0 * GROUP, HIGHEST)
}

fn legend(bars: &Bars) -> Legend {
    let entry = |(idx, name): (usize, &String)| {
        (Sample::Block(colour::kind(Some(idx)).with_alpha(OPACITY)), name.clone())
    };
    Legend { title: String::new(), entries: bars.kinds.iter().enumerate().map(entry).collect() }
}

/// The vertical axis: a label at the middle of each group.
fn groups(bars: &Bars) -> Ruler {
    let n = bars.groups.len().max(1) as f64;
    let tick = |(idx, label): (usize, &String)| Tick {
        place: (idx as f64 + 0.5) / n,
        label: text::shortened(label, SMALL, 170.0),
    };
    // No more labels than have room.
    let stride = (n * SMALL * 1.5 / HIGHEST).ceil().max(1.0);
    let labels = bars.groups.iter().map(|group| &group.label);
    let ticks = labels.enumerate().map(tick);
    let ticks = ticks.enumerate().filter(|(idx, _)| *idx as f64 % stride == 0.0);
    let ticks = ticks.map(|(_, tick)| tick).collect();
    let scale = Scale::covering(Spacing::Linear, [0.0, 1.0]);
    Ruler::new(scale, &bars.y_label).ticks(ticks)
}

/// The horizontal axis: so long that all bars, whiskers and notes fit into `width`.
fn scale(bars: &Bars, width: f64) -> Scale {
    let all = bars.groups.iter().flat_map(|group| &group.bars);
    let ends = all.map(|bar| (end(bar), &bar.note[..])).chain(bars.mark.map(|mark| (mark, "")));
    let needed = |(end, note): (f64, &str)| {
        let room = width - 3.0 * GAP - text::width(note, SMALL).min(width / 2.0);
        end * width / room
    };
    let hi = ends.map(needed).filter(|hi| hi.is_finite()).fold(0.0, f64::max);
    Scale::covering(Spacing::Linear, [0.0, hi]).up_to(hi)
}

/// Where the bar and its whiskers end.
fn end(bar: &Bar) -> f64 {
    let whisker = bar.interval.map_or(0.0, |interval| interval.hi);
    if is_shown(bar) { bar.value.max(whisker) } else { 0.0 }
}

fn is_shown(bar: &Bar) -> bool {
    bar.value.is_finite() && 0.0 <= bar.value
}

fn content(scene: &mut Scene, bars: &Bars, frame: &Frame) {
    let pitch = frame.area.height() / bars.groups.len().max(1) as f64;
    let mut notes = Vec::new();
    for (idx, group) in bars.groups.iter().enumerate() {
        // A lone bar is no thicker than one of the notebook's.
        let thickness = (pitch * FILLED / group.bars.len().max(1) as f64).max(THINNEST);
        let middle = frame.area.bottom - (idx as f64 + 0.5) * pitch;
        let first = middle + thickness * (group.bars.len() as f64 - 1.0) / 2.0;
        for (idx, bar) in group.bars.iter().enumerate().filter(|(_, bar)| is_shown(bar)) {
            let y = first - idx as f64 * thickness;
            draw_bar(scene, bar, frame, y, thickness);
            notes.push((bar, y));
        }
    }
    if let Some(spot) = bars.mark.and_then(|mark| frame.spot(mark, 0.0)) {
        scene.dashes(&[spot, Spot { y: frame.area.top, ..spot }], 1.5, BLACK);
    }
    for (bar, y) in notes {
        draw_note(scene, bar, frame, y);
    }
}

fn draw_bar(scene: &mut Scene, bar: &Bar, frame: &Frame, y: f64, thickness: f64) {
    let Some(end) = frame.spot(bar.value, 0.0) else { return };
    let (top, bottom) = (y - thickness / 2.0, y + thickness / 2.0);
    let area = Area { left: frame.area.left, top, right: end.x, bottom };
    let colour = colour::kind(bar.kind);
    scene.fill(area, colour.with_alpha(OPACITY));
    scene.frame(area, colour);

    let Some(interval) = bar.interval else { return };
    let ends = [interval.lo, interval.hi].map(|end| frame.spot(end, 0.0));
    let [Some(lo), Some(hi)] = ends else { return };
    scene.line(Spot { y, ..lo }, Spot { y, ..hi }, 1.5, BLACK);
    let cap = (thickness / 5.0).min(6.0);
    for x in [lo.x, hi.x] {
        scene.line(Spot { x, y: y - cap }, Spot { x, y: y + cap }, 1.5, BLACK);
    }
}

/// Writes the note on a patch of white, so that neither grid nor dashes cross it.
fn draw_note(scene: &mut Scene, bar: &Bar, frame: &Frame, y: f64) {
    let Some(end) = frame.spot(end(bar), 0.0) else { return };
    let room = frame.area.right - end.x - 2.0 * GAP;
    let note = text::shortened(&bar.note, SMALL, room);
    if note.is_empty() {
        return;
    }
    let left = end.x + GAP;
    let right = left + text::width(&note, SMALL);
    let half = SMALL * 0.75;
    let patch = Area { left: left - 2.0, top: y - half, right: right + 2.0, bottom: y + half };
    scene.fill(patch, WHITE);
    let at = Spot { x: left, y: y + text::below_middle(SMALL) };
    write(scene, &note, at, Align::Begin, SMALL, room);
}
