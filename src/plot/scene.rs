//! A picture as shapes on a plane, without a word of what they mean.

use super::{
    colour::Colour,
    text::{self, Align},
};

/// A place: pixels from the left and from the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spot {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// Something to draw.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// A filled rectangle.
    Fill { area: Area, colour: Colour },
    /// A line through all spots.
    Path { spots: Vec<Spot>, width: f64, colour: Colour },
    /// A filled polygon.
    Polygon { spots: Vec<Spot>, colour: Colour },
    /// A filled circle.
    Disc { centre: Spot, radius: f64, colour: Colour },
    /// A line of text.
    Text(Text),
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    /// On the base line, at the begin, middle or end.
    pub(super) at: Spot,
    pub(super) align: Align,
    /// Font size in pixels.
    pub(super) size: f64,
    pub(super) colour: Colour,
    /// Whether it runs from the bottom to the top instead of from left to right.
    pub(super) is_upright: bool,
}

/// Shapes, of which later ones cover earlier ones, on white.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}

/// Lengths of a dash and of the gap behind it.
const DASH: [f64; 2] = [6.0, 4.0];

impl Area {
    pub(super) fn width(self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f64 {
        self.bottom - self.top
    }

    /// The spot at these shares of the width, from the left, and of the height, from the bottom.
    pub(super) fn spot(self, x: f64, y: f64) -> Spot {
        Spot { x: self.left + self.width() * x, y: self.bottom - self.height() * y }
    }
}

impl Scene {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, shapes: Vec::new() }
    }

    pub(super) fn fill(&mut self, area: Area, colour: Colour) {
        self.shapes.push(Shape::Fill { area, colour });
    }

    pub(super) fn line(&mut self, from: Spot, to: Spot, width: f64, colour: Colour) {
        self.path(vec![from, to], width, colour);
    }

    /// A line through `spots`, of which there should be two.
    pub(super) fn path(&mut self, spots: Vec<Spot>, width: f64, colour: Colour) {
        if spots.len() > 1 {
            self.shapes.push(Shape::Path { spots, width, colour });
        }
    }

    /// A dashed line through `spots`.
    pub(super) fn dashes(&mut self, spots: &[Spot], width: f64, colour: Colour) {
        for dash in dashes(spots) {
            self.path(dash, width, colour);
        }
    }

    pub(super) fn polygon(&mut self, spots: Vec<Spot>, colour: Colour) {
        if spots.len() > 2 {
            self.shapes.push(Shape::Polygon { spots, colour });
        }
    }

    pub(super) fn disc(&mut self, centre: Spot, radius: f64, colour: Colour) {
        self.shapes.push(Shape::Disc { centre, radius, colour });
    }

    /// The border of `area`.
    pub(super) fn frame(&mut self, area: Area, colour: Colour) {
        let Area { left, top, right, bottom } = area;
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        for (from, to) in corners.into_iter().zip(corners.into_iter().cycle().skip(1)) {
            self.line(Spot { x: from.0, y: from.1 }, Spot { x: to.0, y: to.1 }, 1.0, colour);
        }
    }

    /// Writes `text`, shortened until it is no wider than `room`.
    pub(super) fn text(&mut self, text: Text, room: f64) {
        let fitting = text::shortened(&text.text, text.size, room);
        if !fitting.is_empty() {
            self.shapes.push(Shape::Text(Text { text: fitting, ..text }));
        }
    }
}

/// Cuts the line through `spots` into dashes.
fn dashes(spots: &[Spot]) -> Vec<Vec<Spot>> {
    let mut dashes = Vec::new();
    let mut dash: Vec<Spot> = spots.first().copied().into_iter().collect();
    let (mut is_dash, mut rest) = (true, DASH[0]);
    for pair in spots.windows(2) {
        let [mut from, to] = [pair[0], pair[1]];
        loop {
            let length = (to.x - from.x).hypot(to.y - from.y);
            if length <= rest || !length.is_finite() {
                rest -= length;
                dash.extend(is_dash.then_some(to));
                break;
            }
            let share = rest / length;
            from =
                Spot { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
            dash.push(from);
            if is_dash {
                dashes.push(std::mem::take(&mut dash));
            }
            is_dash = !is_dash;
            rest = DASH[usize::from(!is_dash)];
        }
    }
    if is_dash {
        dashes.push(dash);
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_follow_corners() {
        let spots = [(0.0, 0.0), (13.0, 0.0), (13.0, 9.0)].map(|(x, y)| Spot { x, y });
        let dashes = dashes(&spots);
        let dashes: Vec<Vec<(f64, f64)>> =
            dashes.iter().map(|dash| dash.iter().map(|spot| (spot.x, spot.y)).collect()).collect();
        assert_eq!(
            dashes,
            [
                vec![(0.0, 0.0), (6.0, 0.0)],
                vec![(10.0, 0.0), (13.0, 0.0), (13.0, 3.0)],
                vec![(13.0, 7.0), (13.0, 9.0)]
            ]
        );
    }
}
