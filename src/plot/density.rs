//! Charts of densities.

use super::{
    Axis, Chart, Key, Lines, Maps, Point, Reference, Series, Side, Spacing, number::compact,
};
use crate::{estimate::Density, input::Points};

/// Most points whose densities are drawn against the width, one line each.
pub const MAX_POINTS: usize = 8;

/// Most widths whose densities are drawn over a line, one line each.
pub const MAX_LINES: usize = 100;

/// Most widths whose densities are drawn over a grid, one map each.
pub const MAX_MAPS: usize = 6;

/// An axis of widths is logarithmic if they span more than this.
const WIDE: f64 = 20.0;

/// How far points may be from a line to be on it, relative to their distance from one another.
const STRAIGHT: f64 = 1e-9;

/// Why densities cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsuitable {
    /// Nothing to see.
    #[error("one point and one width give one number, which is no picture; {DRAWN}")]
    OneNumber,
    /// Points that are on no line and no grid, for one width.
    #[error(
        "{m} points that are neither on a line nor on a grid of two axes cannot be drawn for one \
         width; {DRAWN}"
    )]
    Scattered {
        /// How many points.
        m: usize,
    },
    /// Too many of them for any widths.
    #[error("{m} points are neither on a line nor on a grid of two axes; {DRAWN}")]
    TooManyPoints {
        /// How many points.
        m: usize,
    },
    /// Too many maps.
    #[error(
        "a grid of two axes is drawn for at most {MAX_MAPS} widths, not {n_widths}; choose some of \
         them"
    )]
    TooManyMaps {
        /// How many widths.
        n_widths: usize,
    },
    /// Too many lines.
    #[error(
        "a line of points is drawn for at most {MAX_LINES} widths, not {n_widths}; choose some of \
         them"
    )]
    TooManyLines {
        /// How many widths.
        n_widths: usize,
    },
}

const DRAWN: &str = "what can be drawn is up to 8 points for several widths, any number of points \
                     on a line, and a grid of two axes";

/// Densities on their way to a picture.
///
/// What is drawn follows from the points and widths alone: a grid of two axes as maps, points on a
/// line as a line for each width, and a few points as a line each against the width. If more than
/// one is possible, it is the one that has most to show along its axes.
#[derive(Clone, Debug)]
pub struct DensityPlot {
    shape: Shape,
    widths: Vec<f64>,
    /// What the points are called, if each gets a line.
    names: Vec<String>,
    /// Where the points are along the axes that are not in the picture.
    place: String,
    /// `densities[width_idx * m + point_idx]`; NaN where there is none yet.
    densities: Vec<f64>,
    m: usize,
}

/// How points lie.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    /// Anyhow: densities are drawn against the width.
    Any,
    /// On a line.
    Line {
        /// Which axis it is along, if it is.
        axis: Option<usize>,
        /// What is measured along it.
        label: String,
        /// Each point's place on it.
        positions: Vec<f64>,
    },
    /// On a grid of two axes.
    Grid {
        /// Which.
        axes: [usize; 2],
        /// Columns, ascending.
        x: Vec<f64>,
        /// Rows, ascending.
        y: Vec<f64>,
        /// Each point's index into a map.
        cells: Vec<usize>,
    },
}

impl DensityPlot {
    /// Finds out how densities at `points` for `widths` are to be drawn.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be; the message says what can.
    pub fn new(points: &Points, widths: &[f64]) -> Result<Self, Unsuitable> {
        let (m, n_widths) = (points.m(), widths.len());
        let shape = match Shape::of(points) {
            Shape::Grid { x, y, .. } if MAX_MAPS < n_widths && !is_few(m, x.len().min(y.len())) => {
                return Err(Unsuitable::TooManyMaps { n_widths });
            }
            Shape::Line { .. } if MAX_LINES < n_widths && MAX_POINTS < m => {
                return Err(Unsuitable::TooManyLines { n_widths });
            }
            Shape::Grid { x, y, .. } if n_widths > 1 && is_few(m, x.len().min(y.len())) => {
                Shape::Any
            }
            Shape::Line { .. } if n_widths > 1 && m <= MAX_POINTS && m < n_widths => Shape::Any,
            Shape::Any if m == 1 && n_widths == 1 => return Err(Unsuitable::OneNumber),
            Shape::Any if n_widths == 1 => return Err(Unsuitable::Scattered { m }),
            Shape::Any if MAX_POINTS < m => return Err(Unsuitable::TooManyPoints { m }),
            shape => shape,
        };
        let names = match shape {
            Shape::Any => points.iter().map(name).collect(),
            Shape::Line { .. } | Shape::Grid { .. } => Vec::new(),
        };
        let place = place(points, &shape);
        let densities = vec![f64::NAN; m * n_widths];
        Ok(Self { shape, widths: widths.to_vec(), names, place, densities, m })
    }

    /// Takes a result. Those that come in another order are as welcome.
    pub fn push(&mut self, density: &Density) {
        let idx = density.width_idx * self.m + density.point_idx;
        if let Some(place) = self.densities.get_mut(idx) {
            *place = density.density;
        }
    }

    /// What is to be drawn. `data` says in a few words what the densities are of, such as
    /// `n=10000, d=2, hypercube`.
    #[must_use]
    pub fn chart(&self, data: &str) -> Chart {
        match &self.shape {
            Shape::Any => self.over_widths(data),
            Shape::Line { label, positions, .. } => self.over_line(data, label, positions),
            Shape::Grid { axes, x, y, cells } => self.over_grid(data, *axes, [x, y], cells),
        }
    }

    fn over_widths(&self, data: &str) -> Chart {
        let series = |(idx, name): (usize, &String)| {
            let densities = self.densities.iter().skip(idx).step_by(self.m);
            let points = self.widths.iter().copied().zip(densities.copied()).map(Point::from);
            Series::new(name.clone(), points.collect::<Vec<_>>())
        };
        let series = self.names.iter().enumerate().map(series).collect();
        against_width(format!("Density{} against width ({data})", self.place), series, None)
    }

    fn over_line(&self, data: &str, label: &str, positions: &[f64]) -> Chart {
        let mut order: Vec<usize> = (0..self.m).collect();
        order.sort_by(|&left, &right| positions[left].total_cmp(&positions[right]));
        let series = |(h, densities): (&f64, &[f64])| {
            let points = order.iter().map(|&idx| Point::from((positions[idx], densities[idx])));
            Series::new(format!("h={}", compact(*h)), points.collect::<Vec<_>>())
        };
        Chart::Lines(Lines {
            title: format!("Density{} ({data})", self.place),
            x: Axis::linear(label),
            y: Axis::from_zero("density"),
            series: self.by_width().map(series).collect(),
            references: Vec::new(),
            key: Key::Levels { label: "width h".to_owned(), values: self.widths.clone() },
        })
    }

    fn over_grid(&self, data: &str, axes: [usize; 2], grid: [&[f64]; 2], cells: &[usize]) -> Chart {
        let map = |(h, densities): (&f64, &[f64])| {
            let mut values = vec![f64::NAN; self.m];
            cells.iter().zip(densities).for_each(|(&cell, &density)| values[cell] = density);
            (format!("h={}", compact(*h)), values)
        };
        Chart::Maps(Maps {
            title: format!("Density{} ({data})", self.place),
            x_label: axis_name(axes[0]),
            y_label: axis_name(axes[1]),
            value_label: "density".to_owned(),
            x: grid[0].to_vec(),
            y: grid[1].to_vec(),
            maps: self.by_width().map(map).collect(),
        })
    }

    /// Each width with the densities at all points.
    fn by_width(&self) -> impl Iterator<Item = (&f64, &[f64])> {
        self.widths.iter().zip(self.densities.chunks_exact(self.m))
    }
}

/// Density against the width, a line for each point, and a dashed line at `truth`, the density that
/// is estimated, where it is known.
///
/// The series have densities over widths. The axis of widths is logarithmic if they span more than
/// 20 times the smallest.
#[must_use]
pub fn against_width(title: impl Into<String>, series: Vec<Series>, truth: Option<f64>) -> Chart {
    let widths = || series.iter().flat_map(|series| &series.points).map(|point| point.x);
    let smallest = widths().fold(f64::INFINITY, f64::min);
    let is_wide = smallest > 0.0 && widths().fold(0.0, f64::max) > WIDE * smallest;
    let spacing = if is_wide { Spacing::Log } else { Spacing::Linear };
    let truth = truth.map(|at| Reference {
        name: format!("true density {}", compact(at)),
        side: Side::Y,
        at,
    });
    Chart::Lines(Lines {
        title: title.into(),
        x: Axis { spacing, ..Axis::linear("width h") },
        y: Axis::from_zero("density"),
        series,
        references: truth.into_iter().collect(),
        key: Key::Names,
    })
}

/// Whether `m` points on a grid that is so thin are few enough to be drawn against the width.
fn is_few(m: usize, thin: usize) -> bool {
    m <= MAX_POINTS && thin < 3
}

impl Shape {
    fn of(points: &Points) -> Self {
        let first = points.iter().next().unwrap_or_default();
        let varies = |&axis: &usize| points.iter().any(|point| point[axis] != first[axis]);
        let varying: Vec<usize> = (0..points.d().get()).filter(varies).take(3).collect();
        let shape = match varying[..] {
            [] => None,
            [axis] => Some(Self::Line {
                axis: Some(axis),
                label: axis_name(axis),
                positions: points.iter().map(|point| point[axis]).collect(),
            }),
            [x, y] => Self::grid(points, [x, y]).or_else(|| Self::line(points)),
            _ => Self::line(points),
        };
        shape.unwrap_or(Self::Any)
    }

    /// The grid that the points are on, if there is each of its points just once.
    fn grid(points: &Points, axes: [usize; 2]) -> Option<Self> {
        let [x, y] = axes.map(|axis| {
            let mut all: Vec<f64> = points.iter().map(|point| point[axis] + 0.0).collect();
            all.sort_by(f64::total_cmp);
            all.dedup();
            all
        });
        if x.len().checked_mul(y.len()) != Some(points.m()) {
            return None;
        }
        let mut is_taken = vec![false; points.m()];
        let cell = |point: &[f64]| {
            let find = |all: &[f64], axis: usize| {
                all.binary_search_by(|value| value.total_cmp(&(point[axis] + 0.0))).ok()
            };
            let cell = find(&y, axes[1])? * x.len() + find(&x, axes[0])?;
            (!std::mem::replace(&mut is_taken[cell], true)).then_some(cell)
        };
        let cells = points.iter().map(cell).collect::<Option<Vec<usize>>>()?;
        Some(Self::Grid { axes, x, y, cells })
    }

    /// The line that three or more points are on, in any direction.
    fn line(points: &Points) -> Option<Self> {
        let first = points.iter().next()?;
        let from_first = |point: &[f64]| -> Vec<f64> {
            point.iter().zip(first).map(|(x, first)| x - first).collect()
        };
        let length = |vector: &[f64]| vector.iter().fold(0.0, |sum: f64, x| sum.hypot(*x));
        let all = points.iter().map(from_first);
        let farthest = all.max_by(|left, right| length(left).total_cmp(&length(right)))?;
        let span = length(&farthest);
        let along = |vector: &[f64]| -> f64 {
            vector.iter().zip(&farthest).map(|(x, far)| x * (far / span)).sum()
        };
        let is_on = |vector: &[f64]| {
            let position = along(vector);
            let aside = vector.iter().zip(&farthest).map(|(x, far)| x - position * (far / span));
            length(&aside.collect::<Vec<_>>()) <= span * STRAIGHT
        };
        let is_line = points.m() > 2 && points.iter().all(|point| is_on(&from_first(point)));
        is_line.then(|| Self::Line {
            axis: None,
            label: format!("distance from {} along the line", name(first)),
            positions: points.iter().map(|point| along(&from_first(point))).collect(),
        })
    }
}

/// Where points of this shape are along all axes that the picture does not have: ` at (0, 0)`, or
/// ` at x2=0`; nothing if there are none, or too many.
fn place(points: &Points, shape: &Shape) -> String {
    const MOST: usize = 3;
    let Some(first) = points.iter().next() else { return String::new() };
    let shown = match shape {
        Shape::Any if points.m() == 1 => return format!(" at {}", name(first)),
        Shape::Any | Shape::Line { axis: None, .. } => return String::new(),
        Shape::Line { axis: Some(axis), .. } => vec![*axis],
        Shape::Grid { axes, .. } => axes.to_vec(),
    };
    let fixed = first.iter().enumerate().filter(|(axis, _)| !shown.contains(axis));
    let fixed = fixed.map(|(axis, x)| format!("{}={}", axis_name(axis), compact(*x)));
    let fixed: Vec<String> = fixed.take(MOST + 1).collect();
    if fixed.is_empty() || MOST < fixed.len() {
        return String::new();
    }
    format!(" at {}", fixed.join(", "))
}

fn axis_name(axis: usize) -> String {
    format!("x{}", axis + 1)
}

/// A point, as far as it is not too long.
fn name(point: &[f64]) -> String {
    const MOST: usize = 4;
    let mut numbers: Vec<String> = point.iter().take(MOST).map(|&x| compact(x)).collect();
    if MOST < point.len() {
        numbers.push("…".to_owned());
    }
    format!("({})", numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn points(d: usize, values: &[f64]) -> Points {
        Points::new(values.to_vec(), NonZeroUsize::new(d).unwrap()).unwrap()
    }

    fn grid(typed: &str, d: usize) -> Points {
        let grid: crate::input::Grid = typed.parse().unwrap();
        grid.points(NonZeroUsize::new(d).unwrap()).unwrap()
    }

    fn widths(n: usize) -> Vec<f64> {
        (1..=n).map(|idx| idx as f64 / 10.0).collect()
    }

    /// Checks what is drawn: `any`, `line`, `grid` or the begin of an error.
    fn check(points: &Points, n_widths: usize, expected: &str) {
        let drawn = DensityPlot::new(points, &widths(n_widths));
        let found = match drawn.map(|plot| plot.shape) {
            Ok(Shape::Any) => "any".to_owned(),
            Ok(Shape::Line { label, .. }) => format!("line {label}"),
            Ok(Shape::Grid { .. }) => "grid".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(found.starts_with(expected), "{points:?}, {n_widths} widths: {found}");
    }

    #[test]
    fn a_point_is_drawn_against_the_width() {
        check(&points(2, &[0.0, 0.0]), 12, "any");
        check(&points(2, &[0.0, 0.0]), 1, "one point and one width give one number");
        check(&points(2, &[0.0, 0.0, 1.0, 2.0, 5.0, 3.0]), 12, "any");
        check(&points(2, &[0.0, 0.0, 1.0, 2.0, 5.0, 3.0]), 1, "3 points that are neither");
        check(&points(3, &[0.0; 6]), 2, "any");
    }

    #[test]
    fn points_on_a_line_are_drawn_along_it() {
        check(&grid("-3:3:61", 1), 1, "line x1");
        check(&grid("-3:3:61", 1), 100, "line x1");
        check(&grid("-3:3:61", 1), 101, "a line of points is drawn for at most 100 widths");
        check(&grid("0:0:1,-3:3:61", 2), 3, "line x2");
        check(&grid("-3:3:5", 1), 2, "line x1");
        check(&grid("-3:3:5", 1), 12, "any");
        check(&points(2, &[0.0, 0.0, 2.0, 2.0, 1.0, 1.0]), 1, "line distance from (0, 0) along");
        check(&points(3, &[0.0, 0.1, 0.2, 0.3, 0.4, 0.5]), 1, "2 points that are neither");
    }

    #[test]
    fn a_grid_of_two_axes_is_a_map() {
        check(&grid("-3:3:61,-2:2:31", 2), 1, "grid");
        check(&grid("-3:3:3,-2:2:3", 2), 6, "grid");
        check(&grid("-3:3:3,-2:2:3", 2), 7, "a grid of two axes is drawn for at most 6 widths");
        check(&grid("0:0:1,-3:3:9,-2:2:9", 3), 1, "grid");
        check(&grid("-3:3:2,-2:2:2", 2), 1, "grid");
        check(&grid("-3:3:2,-2:2:2", 2), 12, "any");
        check(&grid("-3:3:3,-2:2:3,0:1:2", 3), 1, "18 points that are neither");
        check(&grid("-3:3:3,-2:2:3,0:1:2", 3), 2, "18 points are neither");
        let with_one_more = points(2, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        check(&with_one_more, 1, "4 points that are neither");
    }

    #[test]
    fn densities_find_their_places_in_any_order() {
        let points = points(2, &[1.0, 0.0, -0.0, 5.0, 0.0, 0.0, 1.0, 5.0]);
        let mut plot = DensityPlot::new(&points, &[0.5]).unwrap();
        for point_idx in [3, 0, 1, 2] {
            plot.push(&Density {
                h: 0.5,
                width_idx: 0,
                point_idx,
                count: 0,
                density: point_idx as f64,
                seq: 0,
                worker: 0,
                started_ns: 0,
                finished_ns: 0,
            });
        }
        let Chart::Maps(maps) = plot.chart("n=1") else { panic!() };
        assert_eq!((&maps.x[..], &maps.y[..]), (&[0.0, 1.0][..], &[0.0, 5.0][..]));
        assert_eq!(maps.maps, [("h=0.5".to_owned(), vec![2.0, 0.0, 1.0, 3.0])]);
    }

    #[test]
    fn far_widths_are_spaced_by_their_ratios() {
        let chart = |last: f64| {
            let points = [0.1, last].map(|x| Point::from((x, 1.0)));
            against_width("", vec![Series::new("", points)], None)
        };
        let spacing = |chart| match chart {
            Chart::Lines(lines) => lines.x.spacing,
            other => panic!("{other:?}"),
        };
        assert_eq!(spacing(chart(2.0)), Spacing::Linear);
        assert_eq!(spacing(chart(2.1)), Spacing::Log);
        assert_eq!(spacing(against_width("", Vec::new(), Some(1.0))), Spacing::Linear);
    }
}
