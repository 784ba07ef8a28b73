//! What a picture shows, as data.

use super::Window;

/// Something to draw.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Horizontal bars.
    Bars(Bars),
    /// Lines over an axis.
    Lines(Lines),
    /// Numbers on grids, as colours.
    Maps(Maps),
    /// Points in space, and a cube.
    Window(Window),
}

/// Horizontal bars from zero, in groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bars {
    /// Above the picture.
    pub title: String,
    /// What a bar's length is.
    pub x_label: String,
    /// What tells groups apart.
    pub y_label: String,
    /// Names of the kinds of bars, each of which has a colour; shown if there are several.
    pub kinds: Vec<String>,
    /// From the bottom to the top.
    pub groups: Vec<BarGroup>,
    /// Where a dashed line stands.
    pub mark: Option<f64>,
}

/// Bars side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarGroup {
    /// To the left of the bars.
    pub label: String,
    /// From the bottom to the top.
    pub bars: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bar {
    /// Its length. Not drawn if it is negative, infinite or NaN.
    pub value: f64,
    /// Drawn as whiskers.
    pub interval: Option<Interval>,
    /// Index into [`Bars::kinds`]; grey if `None`.
    pub kind: Option<usize>,
    /// Written behind the bar's end.
    pub note: String,
}

/// A confidence interval, or another statement of how sure a number is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

/// Lines over a common axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lines {
    /// Above the picture.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines. Later ones are drawn over earlier ones.
    pub series: Vec<Series>,
    /// Dashed lines across the picture.
    pub references: Vec<Reference>,
    /// How lines are told apart.
    pub key: Key,
}

/// An axis. It is as long as what is shown needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is measured, with its unit.
    pub label: String,
    /// How numbers are spaced.
    pub spacing: Spacing,
    /// Whether a linear axis has zero on it.
    pub from_zero: bool,
    /// Where the ticks are; at round numbers if empty.
    pub ticks: Vec<f64>,
}

/// How numbers are spaced on an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spacing {
    /// Equal differences are equal lengths.
    #[default]
    Linear,
    /// Equal ratios are equal lengths; only positive numbers have a place.
    Log,
}

/// A line, from point to point in the order given. Where a point cannot be placed it has a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What it is.
    pub name: String,
    /// Its points.
    pub points: Vec<Point>,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// In the colour of its series, with dots at its points unless they are many.
    #[default]
    Solid,
    /// Dashed, dark and without dots: something to compare with.
    Dashed,
}

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// How sure `y` is: drawn as a band along the line, or as whiskers where the next points have
    /// none.
    pub interval: Option<Interval>,
}

/// A dashed line across the picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// What it is.
    pub name: String,
    /// The axis that `at` is on; the line is perpendicular to it.
    pub side: Side,
    /// Where it crosses that axis.
    pub at: f64,
}

/// One of two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The horizontal one.
    X,
    /// The vertical one.
    Y,
}

/// How lines are told apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Key {
    /// By colours that are as different as can be, with a legend.
    #[default]
    Names,
    /// By a number that each has, with colours that follow it: as a legend if lines are few, or
    /// else as a colour bar.
    Levels {
        /// What the number is.
        label: String,
        /// The number of each series.
        values: Vec<f64>,
    },
}

/// Numbers on a grid, as colours; several grids that share axes and colours side by side.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Maps {
    /// Above the picture.
    pub title: String,
    /// Below the horizontal axis.
    pub x_label: String,
    /// Beside the vertical axis.
    pub y_label: String,
    /// What the colours are.
    pub value_label: String,
    /// Columns of the grid, ascending.
    pub x: Vec<f64>,
    /// Rows of the grid, ascending.
    pub y: Vec<f64>,
    /// For each grid what it is and its numbers: `values[row * x.len() + column]`. Missing numbers
    /// are drawn as NaN is: grey.
    pub maps: Vec<(String, Vec<f64>)>,
}

impl Axis {
    /// A linear axis with zero on it.
    #[must_use]
    pub fn from_zero(label: impl Into<String>) -> Self {
        Self { label: label.into(), from_zero: true, ..Self::default() }
    }

    /// A linear axis.
    #[must_use]
    pub fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// A logarithmic axis.
    #[must_use]
    pub fn log(label: impl Into<String>) -> Self {
        Self { label: label.into(), spacing: Spacing::Log, ..Self::default() }
    }

    /// The same axis with its ticks at `ticks`.
    #[must_use]
    pub fn ticks(self, ticks: impl Into<Vec<f64>>) -> Self {
        Self { ticks: ticks.into(), ..self }
    }
}

impl Series {
    /// A solid line.
    #[must_use]
    pub fn new(name: impl Into<String>, points: impl Into<Vec<Point>>) -> Self {
        Self { name: name.into(), points: points.into(), stroke: Stroke::Solid }
    }

    /// A dashed line.
    #[must_use]
    pub fn dashed(name: impl Into<String>, points: impl Into<Vec<Point>>) -> Self {
        Self { name: name.into(), points: points.into(), stroke: Stroke::Dashed }
    }
}

/// A point at `(x, y)`.
impl From<(f64, f64)> for Point {
    fn from((x, y): (f64, f64)) -> Self {
        Self { x, y, interval: None }
    }
}

impl Point {
    /// The same point, with an interval from `lo` to `hi`.
    #[must_use]
    pub fn between(self, lo: f64, hi: f64) -> Self {
        Self { interval: Some(Interval { lo, hi }), ..self }
    }
}
