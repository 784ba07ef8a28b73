//! Two axes around a plane.

use super::{EDGE, LABEL, SMALL, write, write_upright};
use crate::plot::{
    Side,
    colour::{GRID, INK},
    scale::{Scale, Tick},
    scene::{Area, Scene, Spot},
    text::{self, Align},
};

/// Length of the line at a tick.
const MARK: f64 = 4.0;

/// From the end of a tick's line to its label.
const GAP: f64 = 4.0;

/// From the labels of the ticks to the label of the axis.
const LABEL_GAP: f64 = 10.0;

/// Room for each label of the vertical axis, and the gap between two of the horizontal one.
const TICK_HEIGHT: f64 = 38.0;
const TICK_GAP: f64 = 14.0;

/// The widest that labels of ticks may be.
const WIDEST: f64 = 180.0;

/// An axis, as it will be drawn.
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    pub(super) scale: Scale,
    pub(super) label: String,
    /// Where the ticks are to be; at round numbers if `None`.
    pub(super) ticks: Option<Vec<Tick>>,
    pub(super) has_grid: bool,
}

/// A plane with axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) area: Area,
    x: Scale,
    y: Scale,
}

impl Ruler {
    pub(super) fn new(scale: Scale, label: &str) -> Self {
        Self { scale, label: label.to_owned(), ticks: None, has_grid: true }
    }

    pub(super) fn ticks(self, ticks: Vec<Tick>) -> Self {
        Self { ticks: Some(ticks), ..self }
    }

    /// Ticks of a vertical axis of this height.
    fn vertical(&self, height: f64) -> Vec<Tick> {
        self.ticks.clone().unwrap_or_else(|| self.scale.ticks(count(height / TICK_HEIGHT)))
    }

    /// Ticks of a horizontal axis of this width, as many as have room.
    fn horizontal(&self, width: f64) -> Vec<Tick> {
        if let Some(ticks) = &self.ticks {
            return apart(ticks, width);
        }
        let fits = |ticks: &Vec<Tick>| {
            let widest =
                ticks.iter().map(|tick| text::width(&tick.label, SMALL)).fold(0.0, f64::max);
            ticks
                .windows(2)
                .all(|pair| widest + TICK_GAP <= (pair[1].place - pair[0].place) * width)
        };
        let all = (2..=11).rev().map(|most| self.scale.ticks(most));
        all.into_iter().find(fits).unwrap_or_else(|| apart(&self.scale.ticks(2), width))
    }
}

impl Frame {
    /// How much room the axes need at the left and below, for a plane about `height` high.
    pub(super) fn room(x: &Ruler, y: &Ruler, height: f64) -> (f64, f64) {
        let label = |ruler: &Ruler| if ruler.label.is_empty() { 0.0 } else { LABEL_GAP + LABEL };
        let ticks = y.vertical(height);
        let widths = ticks.iter().map(|tick| text::width(&tick.label, SMALL));
        let widest = widths.fold(0.0, f64::max).min(WIDEST);
        let left = EDGE + label(y) + widest + GAP + MARK;
        let bottom = MARK + GAP + SMALL + label(x) + EDGE;
        (left, bottom)
    }

    /// Draws grid, ticks and labels around `area`, and then whatever `content` does, and the frame
    /// over it.
    pub(super) fn draw(
        scene: &mut Scene,
        area: Area,
        (x, y): (&Ruler, &Ruler),
        content: impl FnOnce(&mut Scene, Self),
    ) {
        let frame = Self { area, x: x.scale, y: y.scale };
        let (x_ticks, y_ticks) = (x.horizontal(area.width()), y.vertical(area.height()));
        for tick in x_ticks.iter().filter(|_| x.has_grid) {
            scene.line(area.spot(tick.place, 0.0), area.spot(tick.place, 1.0), 1.0, GRID);
        }
        for tick in y_ticks.iter().filter(|_| y.has_grid) {
            scene.line(area.spot(0.0, tick.place), area.spot(1.0, tick.place), 1.0, GRID);
        }
        content(scene, frame);
        scene.frame(area, INK);
        frame.below(scene, &x_ticks, &x.label);
        frame.beside(scene, &y_ticks, &y.label);
    }

    fn below(&self, scene: &mut Scene, ticks: &[Tick], label: &str) {
        let area = self.area;
        for tick in ticks {
            let from = area.spot(tick.place, 0.0);
            scene.line(from, Spot { y: from.y + MARK, ..from }, 1.0, INK);
            let at = Spot { y: from.y + MARK + GAP + SMALL, ..from };
            write(scene, &tick.label, at, Align::Middle, SMALL, WIDEST);
        }
        let y = area.bottom + MARK + GAP + SMALL + LABEL_GAP + LABEL;
        let at = Spot { x: area.spot(0.5, 0.0).x, y };
        write(scene, label, at, Align::Middle, LABEL, area.width() + 2.0 * EDGE);
    }

    fn beside(&self, scene: &mut Scene, ticks: &[Tick], label: &str) {
        let area = self.area;
        let mut widest = 0.0;
        for tick in ticks {
            let from = area.spot(0.0, tick.place);
            scene.line(from, Spot { x: from.x - MARK, ..from }, 1.0, INK);
            let at = Spot { x: from.x - MARK - GAP, y: from.y + text::below_middle(SMALL) };
            write(scene, &tick.label, at, Align::End, SMALL, WIDEST);
            widest = text::width(&tick.label, SMALL).min(WIDEST).max(widest);
        }
        let x = area.left - MARK - GAP - widest - LABEL_GAP;
        let at = Spot { x, y: area.spot(0.0, 0.5).y };
        write_upright(scene, label, at, LABEL, area.height() + EDGE);
    }

    /// Where `value` is along one axis, from 0 to 1, if it has a place.
    pub(super) fn place(&self, side: Side, value: f64) -> Option<f64> {
        match side {
            Side::X => self.x.place(value),
            Side::Y => self.y.place(value),
        }
    }

    /// Where `(x, y)` is, if it has a place.
    pub(super) fn spot(&self, x: f64, y: f64) -> Option<Spot> {
        Some(self.area.spot(self.x.place(x)?, self.y.place(y)?))
    }
}

/// Those of `ticks`, from the first on, whose labels do not touch.
fn apart(ticks: &[Tick], width: f64) -> Vec<Tick> {
    let mut end = f64::NEG_INFINITY;
    let mut kept = Vec::new();
    for tick in ticks {
        let half = text::width(&tick.label, SMALL).min(WIDEST) / 2.0;
        let middle = tick.place * width;
        if end + TICK_GAP / 2.0 <= middle - half {
            end = middle + half;
            kept.push(tick.clone());
        }
    }
    kept
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a picture has no more ticks than pixels"
)]
fn count(n: f64) -> usize {
    n.max(2.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_would_touch_are_left_out() {
        let tick = |place| Tick { place, label: "0000".to_owned() };
        let ticks = [0.0, 0.1, 0.5, 0.55, 1.0].map(tick);
        let places: Vec<f64> = apart(&ticks, 200.0).iter().map(|tick| tick.place).collect();
        assert_eq!(places, [0.0, 0.5, 1.0]);
    }
}
