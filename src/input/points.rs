//! Points: where densities are asked.

use std::num::NonZeroUsize;

use super::quote::Quoted;

/// Most numbers that all points of one estimate may have together: 512 MiB of them.
pub const MAX_NUMBERS: usize = 1 << 26;

/// m ≥ 1 points of d ≥ 1 finite numbers.
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
/// use parzen::input::{Grid, Point, Points};
///
/// let two = NonZeroUsize::new(2).unwrap();
/// let grid: Grid = "0:1:2".parse()?;
/// let mut points = grid.points(two)?;
/// let point: Point = "0.5,-0.5".parse()?;
/// points.append(point.points(two)?)?;
/// assert_eq!(points.as_slice(), [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.5, -0.5]);
/// # Ok::<(), parzen::input::PointError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    values: Vec<f64>,
    d: NonZeroUsize,
}

fn numbers(n: usize) -> String {
    if n == 1 { "1 number".to_owned() } else { format!("{n} numbers") }
}

/// Why points cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PointError {
    /// There are none.
    #[error("there are no points")]
    Empty,
    /// Nothing was typed.
    #[error("nothing is there; accepted is {accepted}")]
    Nothing {
        /// What would be one.
        accepted: &'static str,
    },
    /// Another number of numbers than a sample has.
    #[error("a point here has {}, but each sample has {expected}", numbers(*found))]
    Dimension {
        /// Numbers in the point.
        found: usize,
        /// Numbers in a sample.
        expected: usize,
    },
    /// A word, a NaN or an infinity where a number belongs.
    #[error("{} in {} is not a finite number", Quoted(text), Quoted(typed))]
    NotANumber {
        /// The word.
        text: String,
        /// All that was typed.
        typed: String,
    },
    /// NaN or infinity.
    #[error("point {point} has {value} as its number {axis}, but points are finite")]
    NotFinite {
        /// Which point, from 1.
        point: usize,
        /// Which of its numbers, from 1.
        axis: usize,
        /// The value.
        value: f64,
    },
    /// A grid's axis that is not LO:HI:COUNT.
    #[error("{} in {} is not of the form `LO:HI:COUNT`", Quoted(text), Quoted(typed))]
    Axis {
        /// What stands for the axis.
        text: String,
        /// All that was typed.
        typed: String,
    },
    /// A grid's axis whose length overflows.
    #[error("{} is too long an axis: HI - LO should be finite", Quoted(text))]
    Span {
        /// The axis.
        text: String,
    },
    /// COUNT is 0 or no whole number.
    #[error(
        "COUNT {} in {} is not a whole number from 1 to {MAX_NUMBERS}",
        Quoted(text),
        Quoted(typed)
    )]
    Count {
        /// What stands for COUNT.
        text: String,
        /// All that was typed.
        typed: String,
    },
    /// A grid with several axes, but not one for each dimension.
    #[error(
        "a grid here has {found} axes, but each sample has {expected} numbers; accepted are one \
         `LO:HI:COUNT` for all dimensions, or {expected} of them"
    )]
    Axes {
        /// Axes of the grid.
        found: usize,
        /// Numbers in a sample.
        expected: usize,
    },
    /// More than [`MAX_NUMBERS`].
    #[error("there are too many points: at most {} of {d} numbers are accepted", MAX_NUMBERS / *d)]
    TooMany {
        /// Numbers in a point.
        d: NonZeroUsize,
    },
}

impl Points {
    /// Takes `values`, point after point.
    ///
    /// # Errors
    ///
    /// Fails if there are none, too many, not a whole number of points, or if one is not finite.
    pub fn new(values: Vec<f64>, d: NonZeroUsize) -> Result<Self, PointError> {
        if values.is_empty() {
            return Err(PointError::Empty);
        }
        if MAX_NUMBERS < values.len() {
            return Err(PointError::TooMany { d });
        }
        let rest = values.len() % d;
        if rest != 0 {
            return Err(PointError::Dimension { found: rest, expected: d.get() });
        }
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(Self { values, d }),
            Some(idx) => Err(PointError::NotFinite {
                point: idx / d + 1,
                axis: idx % d + 1,
                value: values[idx],
            }),
        }
    }

    /// The origin: the point asked about when none is given.
    ///
    /// # Errors
    ///
    /// Fails if `d` is larger than [`MAX_NUMBERS`].
    pub fn origin(d: NonZeroUsize) -> Result<Self, PointError> {
        if MAX_NUMBERS < d.get() {
            return Err(PointError::TooMany { d });
        }
        Self::new(vec![0.0; d.get()], d)
    }

    /// Adds `other` behind.
    ///
    /// # Errors
    ///
    /// Fails if they differ in dimension or are too many together; `self` is unchanged then.
    pub fn append(&mut self, other: Self) -> Result<(), PointError> {
        if other.d != self.d {
            return Err(PointError::Dimension { found: other.d.get(), expected: self.d.get() });
        }
        if MAX_NUMBERS - self.values.len() < other.values.len() {
            return Err(PointError::TooMany { d: self.d });
        }
        self.values.extend(other.values);
        Ok(())
    }

    /// Number of points.
    #[must_use]
    pub fn m(&self) -> usize {
        self.values.len() / self.d
    }

    /// Numbers in a point.
    #[must_use]
    pub fn d(&self) -> NonZeroUsize {
        self.d
    }

    /// All numbers, point after point.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.values
    }

    /// The points, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.values.chunks_exact(self.d.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(d: usize) -> NonZeroUsize {
        NonZeroUsize::new(d).unwrap()
    }

    #[test]
    fn points_are_rectangular_finite_and_not_empty() {
        let check = |values: &[f64], expected: Result<usize, &str>| {
            let points = Points::new(values.to_vec(), d(2));
            let m = points.map(|points| points.m()).map_err(|error| error.to_string());
            assert_eq!(m, expected.map_err(str::to_owned), "{values:?}");
        };
        check(&[1.0, 2.0], Ok(1));
        check(&[1.0, 2.0, 3.0, 4.0], Ok(2));
        check(&[], Err("there are no points"));
        check(&[1.0, 2.0, 3.0], Err("a point here has 1 number, but each sample has 2"));
        check(
            &[1.0, 2.0, f64::NAN, 4.0],
            Err("point 2 has NaN as its number 1, but points are finite"),
        );
        check(&[1.0, f64::INFINITY], Err("point 1 has inf as its number 2, but points are finite"));
    }

    #[test]
    fn the_origin_is_one_point_of_zeros() {
        let origin = Points::origin(d(3)).unwrap();
        assert_eq!((origin.m(), origin.d(), origin.as_slice()), (1, d(3), &[0.0; 3][..]));
        let error = Points::origin(d(usize::MAX)).unwrap_err();
        assert!(error.to_string().starts_with("there are too many points: at most 0 of"));
    }

    #[test]
    fn only_points_of_the_same_dimension_are_appended() {
        let mut points = Points::new(vec![1.0, 2.0], d(2)).unwrap();
        points.append(Points::new(vec![3.0, 4.0], d(2)).unwrap()).unwrap();
        let error = points.append(Points::origin(d(3)).unwrap()).unwrap_err();
        assert_eq!(error, PointError::Dimension { found: 3, expected: 2 });
        assert_eq!(points.iter().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]]);
    }
}
