//! Lines over an axis.

use super::{
    EDGE, TITLE_ROOM,
    frame::{Frame, Ruler},
    legend::{ColourBar, Legend, Sample},
    series, title,
};
use crate::plot::{
    Axis, Key, Lines, Series, Side, Spacing, Stroke,
    colour::{self, Colour, INK, NEUTRAL},
    number,
    scale::Scale,
    scene::{Area, Scene},
};

/// Size of the picture, which is wider if the plane would be narrower than it may be.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 520.0;
const NARROWEST: f64 = 520.0;

/// From the plane to the legend.
const GAP: f64 = 18.0;

/// Up to so many levels are told apart by a legend.
const MOST_ENTRIES: usize = 12;

/// A colour bar is logarithmic if it spans more than this.
const WIDE: f64 = 20.0;

pub(super) fn scene(lines: &Lines) -> Scene {
    let (x, y) = (ruler(lines, Side::X), ruler(lines, Side::Y));
    let guide = Guide::new(lines);
    let (left, below) = Frame::room(&x, &y, HEIGHT - TITLE_ROOM);
    let bottom = HEIGHT - below;
    let beside = guide.width(bottom - TITLE_ROOM);
    let right = (WIDTH - beside - EDGE - 8.0).max(left + NARROWEST).round();
    let area = Area { left, top: TITLE_ROOM, right, bottom };
    let mut scene = Scene::new(right + beside + EDGE + 8.0, HEIGHT);

    title(&mut scene, &lines.title, area.spot(0.5, 0.0).x);
    Frame::draw(&mut scene, area, (&x, &y), |scene, frame| content(scene, lines, &frame, &guide));
    guide.draw(&mut scene, area);
    scene
}

fn content(scene: &mut Scene, lines: &Lines, frame: &Frame, guide: &Guide) {
    for reference in &lines.references {
        let at = match reference.side {
            Side::X => frame.place(Side::X, reference.at).map(|at| [(at, 0.0), (at, 1.0)]),
            Side::Y => frame.place(Side::Y, reference.at).map(|at| [(0.0, at), (1.0, at)]),
        };
        if let Some(ends) = at {
            scene.dashes(&ends.map(|(x, y)| frame.area.spot(x, y)), 1.5, REFERENCE);
        }
    }
    let all = || lines.series.iter().zip(&guide.colours);
    // Bands first, so that no line is behind one.
    all().for_each(|(series, colour)| series::draw_intervals(scene, series, frame, *colour));
    all().for_each(|(series, colour)| series::draw_line(scene, series, frame, *colour));
}

/// The colour of dashed lines across the picture.
const REFERENCE: Colour = NEUTRAL;

/// The axis that all of `lines` fits on.
fn ruler(lines: &Lines, side: Side) -> Ruler {
    let axis = match side {
        Side::X => &lines.x,
        Side::Y => &lines.y,
    };
    let numbers =
        lines.series.iter().flat_map(|series| &series.points).flat_map(|point| match side {
            Side::X => [point.x, point.x, point.x],
            Side::Y => {
                let interval = point.interval;
                [point.y, interval.map_or(point.y, |i| i.lo), interval.map_or(point.y, |i| i.hi)]
            }
        });
    let references = lines.references.iter().filter(|reference| reference.side == side);
    let scale = Scale::covering(axis.spacing, numbers.chain(references.map(|one| one.at)));
    let scale = if axis.from_zero { scale.with_zero() } else { scale };
    let scale = scale.padded();
    let ruler = Ruler::new(scale, &axis.label);
    match axis {
        Axis { ticks, .. } if ticks.is_empty() => ruler,
        Axis { ticks, .. } => ruler.ticks(scale.ticks_at(ticks)),
    }
}

/// Which line is which.
struct Guide {
    /// One for each series.
    colours: Vec<Colour>,
    legend: Legend,
    /// In place of the names in the legend.
    bar: Option<ColourBar>,
}

impl Guide {
    fn new(lines: &Lines) -> Self {
        let mut guide = match &lines.key {
            Key::Names => Self::of_names(&lines.series),
            Key::Levels { label, values } => Self::of_levels(&lines.series, label, values),
        };
        for reference in &lines.references {
            guide.legend.entries.push((Sample::Dashes(REFERENCE), reference.name.clone()));
        }
        guide
    }

    fn of_names(series: &[Series]) -> Self {
        let mut n_solid = 0;
        let mut colours = Vec::new();
        let mut legend = Legend::default();
        for one in series {
            let (colour, sample) = match one.stroke {
                Stroke::Dashed => (INK, Sample::Dashes(INK)),
                Stroke::Solid => {
                    let colour = colour::series(n_solid);
                    n_solid += 1;
                    (colour, sample(one, colour))
                }
            };
            colours.push(colour);
            legend.entries.push((sample, one.name.clone()));
        }
        // A lone line is what the title says it is.
        if series.len() == 1 {
            legend.entries.clear();
        }
        Self { colours, legend, bar: None }
    }

    fn of_levels(series: &[Series], label: &str, values: &[f64]) -> Self {
        let positive = values.iter().copied().filter(|value| *value > 0.0);
        let is_wide =
            positive.clone().fold(0.0, f64::max) > WIDE * positive.fold(f64::INFINITY, f64::min);
        let spacing = if is_wide { Spacing::Log } else { Spacing::Linear };
        let scale = Scale::covering(spacing, values.iter().copied());
        let place = |idx| values.get(idx).and_then(|&value| scale.place(value));
        let colours: Vec<Colour> =
            (0..series.len()).map(|idx| place(idx).map_or(NEUTRAL, colour::level)).collect();
        if series.len() > MOST_ENTRIES {
            let bar = Some(ColourBar::of_levels(scale, label));
            return Self { colours, legend: Legend::default(), bar };
        }
        let entries = series.iter().zip(values).zip(&colours);
        let entries = entries
            .map(|((series, &value), &colour)| (sample(series, colour), number::compact(value)));
        let legend = Legend { title: label.to_owned(), entries: entries.collect() };
        Self { colours, legend, bar: None }
    }

    /// How much room it needs beside a plane of this height, with the gap before it.
    fn width(&self, height: f64) -> f64 {
        let bar = self.bar.as_ref().map_or(0.0, |bar| bar.width(height));
        let width = self.legend.width().max(bar);
        if width > 0.0 { width + GAP } else { 0.0 }
    }

    fn draw(&self, scene: &mut Scene, beside: Area) {
        let left = beside.right + GAP;
        let mut top = beside.top;
        if self.bar.is_some() && !self.legend.entries.is_empty() {
            self.legend.draw_below(scene, left, top, beside.bottom);
            top += 24.0 * self.legend.entries.len().min(4) as f64;
        }
        match &self.bar {
            Some(bar) => bar.draw(scene, left, top, beside.bottom),
            None => self.legend.draw_below(scene, left, top, beside.bottom),
        }
    }
}

fn sample(series: &Series, colour: Colour) -> Sample {
    if series::has_dots(series) { Sample::LineWithDots(colour) } else { Sample::Line(colour) }
}
