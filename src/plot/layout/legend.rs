//! What colours mean.

use super::{LABEL, SMALL, write, write_upright};
use crate::plot::{
    colour::{self, Colour, INK},
    scale::{Scale, Tick},
    scene::{Area, Scene, Spot},
    text::{self, Align},
};

/// Height of a line of the legend.
const LINE: f64 = 20.0;

/// Width of a sample of what is named, and the gap behind it.
const SAMPLE: f64 = 26.0;
const GAP: f64 = 8.0;

/// The widest that names may be.
const WIDEST: f64 = 280.0;

/// Width of the bar of colours, and its steps.
const BAR: f64 = 18.0;
const STEPS: u32 = 128;

/// How what is named looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    Line(Colour),
    LineWithDots(Colour),
    Dashes(Colour),
    Block(Colour),
    Triangle(Colour),
    Dot(Colour),
}

/// A list of samples and names.
#[derive(Clone, Debug, Default)]
pub(super) struct Legend {
    /// Above the list; nothing if empty.
    pub(super) title: String,
    pub(super) entries: Vec<(Sample, String)>,
}

impl Legend {
    /// How much room it needs, without anything around it.
    pub(super) fn width(&self) -> f64 {
        let names = self.entries.iter().map(|(_, name)| SAMPLE + GAP + text::width(name, SMALL));
        names
            .chain([text::width(&self.title, SMALL)])
            .fold(0.0, f64::max)
            .min(SAMPLE + GAP + WIDEST)
    }

    /// Draws it from `top`, one entry below the other, no further than `bottom`.
    pub(super) fn draw_below(&self, scene: &mut Scene, left: f64, top: f64, bottom: f64) {
        let mut y = top + LINE / 2.0;
        if !self.title.is_empty() {
            let at = Spot { x: left, y: y + text::below_middle(SMALL) };
            write(scene, &self.title, at, Align::Begin, SMALL, SAMPLE + GAP + WIDEST);
            y += LINE;
        }
        for (idx, (sample, name)) in self.entries.iter().enumerate() {
            let rest = self.entries.len() - idx;
            if y + LINE > bottom && rest > 1 {
                let at = Spot { x: left, y: y + text::below_middle(SMALL) };
                write(scene, &format!("and {rest} more"), at, Align::Begin, SMALL, WIDEST);
                return;
            }
            entry(scene, *sample, name, Spot { x: left, y });
            y += LINE;
        }
    }

    /// Draws it around `middle`, one entry beside the other.
    pub(super) fn draw_beside(&self, scene: &mut Scene, middle: Spot) {
        const BETWEEN: f64 = 24.0;
        let widths: Vec<f64> = self.entries.iter().map(|(_, name)| width(name) + BETWEEN).collect();
        let mut x = middle.x - (widths.iter().sum::<f64>() - BETWEEN) / 2.0;
        for ((sample, name), width) in self.entries.iter().zip(widths) {
            entry(scene, *sample, name, Spot { x, ..middle });
            x += width;
        }
    }
}

fn width(name: &str) -> f64 {
    SAMPLE + GAP + text::width(name, SMALL).min(WIDEST)
}

/// Draws one entry, `at` its begin and the middle of its line.
fn entry(scene: &mut Scene, sample: Sample, name: &str, at: Spot) {
    let (end, middle) = (Spot { x: at.x + SAMPLE, ..at }, Spot { x: at.x + SAMPLE / 2.0, ..at });
    match sample {
        Sample::Line(colour) => scene.line(at, end, 2.0, colour),
        Sample::LineWithDots(colour) => {
            scene.line(at, end, 2.0, colour);
            scene.disc(middle, 3.5, colour);
        }
        Sample::Dashes(colour) => scene.dashes(&[at, end], 1.5, colour),
        Sample::Block(colour) => {
            let area =
                Area { left: at.x, top: at.y - 6.0, right: at.x + SAMPLE, bottom: at.y + 6.0 };
            scene.fill(area, colour);
        }
        Sample::Triangle(colour) => scene.polygon(triangle(middle, 6.0), colour),
        Sample::Dot(colour) => scene.disc(middle, 4.5, colour),
    }
    let at = Spot { x: at.x + SAMPLE + GAP, y: at.y + text::below_middle(SMALL) };
    write(scene, name, at, Align::Begin, SMALL, WIDEST);
}

/// A triangle that points up, in a circle of `radius`.
pub(super) fn triangle(middle: Spot, radius: f64) -> Vec<Spot> {
    let (x, y) = (radius * 0.866, radius * 0.5);
    vec![
        Spot { x: middle.x, y: middle.y - radius },
        Spot { x: middle.x + x, y: middle.y + y },
        Spot { x: middle.x - x, y: middle.y + y },
    ]
}

/// A bar that shows which colour is which number.
#[derive(Clone, Debug)]
pub(super) struct ColourBar {
    pub(super) scale: Scale,
    pub(super) label: String,
    /// The colour of each place on the scale.
    pub(super) colour: fn(f64) -> Colour,
}

impl ColourBar {
    /// How much room it needs, if it is `height` high.
    pub(super) fn width(&self, height: f64) -> f64 {
        let ticks = self.ticks(height);
        let widest = ticks.iter().map(|tick| text::width(&tick.label, SMALL)).fold(0.0, f64::max);
        BAR + 8.0 + widest + 10.0 + LABEL
    }

    fn ticks(&self, height: f64) -> Vec<Tick> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a picture has no more ticks than pixels"
        )]
        self.scale.ticks((height / 40.0).max(2.0) as usize)
    }

    /// Draws it from `left` on, between `top` and `bottom`.
    pub(super) fn draw(&self, scene: &mut Scene, left: f64, top: f64, bottom: f64) {
        let area = Area { left, top, right: left + BAR, bottom };
        for step in 0..STEPS {
            let place = f64::from(step) / f64::from(STEPS - 1);
            let below = area.spot(0.0, f64::from(step) / f64::from(STEPS)).y;
            scene.fill(Area { top, bottom: below, ..area }, (self.colour)(place));
        }
        scene.frame(area, INK);
        let mut widest = 0.0;
        for tick in self.ticks(bottom - top) {
            let from = area.spot(1.0, tick.place);
            scene.line(from, Spot { x: from.x + 4.0, ..from }, 1.0, INK);
            let at = Spot { x: from.x + 8.0, y: from.y + text::below_middle(SMALL) };
            write(scene, &tick.label, at, Align::Begin, SMALL, f64::INFINITY);
            widest = text::width(&tick.label, SMALL).max(widest);
        }
        let x = area.right + 8.0 + widest + 10.0 + LABEL * 0.8;
        let at = Spot { x, y: area.spot(0.0, 0.5).y };
        write_upright(scene, &self.label, at, LABEL, area.height());
    }

    /// A bar of colours for lines.
    pub(super) fn of_levels(scale: Scale, label: &str) -> Self {
        Self { scale, label: label.to_owned(), colour: colour::level }
    }
}
