//! Points as they are typed.

use std::{num::NonZeroUsize, str::FromStr};

use super::{
    points::{MAX_NUMBERS, PointError, Points},
    spacing::linspace,
};

/// One point, typed as `X1,X2,..`: at least one number, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Point(Vec<f64>);

impl Point {
    /// Its numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// This point, among samples of `d` numbers.
    ///
    /// # Errors
    ///
    /// Fails if it has another number of numbers.
    pub fn points(&self, d: NonZeroUsize) -> Result<Points, PointError> {
        if self.0.len() != d.get() {
            return Err(PointError::Dimension { found: self.0.len(), expected: d.get() });
        }
        Points::new(self.0.clone(), d)
    }
}

impl FromStr for Point {
    type Err = PointError;

    fn from_str(typed: &str) -> Result<Self, PointError> {
        if typed.trim().is_empty() {
            return Err(PointError::Nothing { accepted: "a point such as `0.5,-1`" });
        }
        let numbers = typed.split(',').map(|text| number(text, typed)).collect::<Result<_, _>>()?;
        Ok(Self(numbers))
    }
}

/// A grid of points, typed as `LO:HI:COUNT[,LO:HI:COUNT..]`: along each axis COUNT numbers from LO
/// to HI, both included, as `np.linspace` spaces them.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid(Vec<Axis>);

/// One axis of a [`Grid`]; `lo` and `hi` are finite and so is their difference.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    lo: f64,
    hi: f64,
    count: NonZeroUsize,
}

impl Grid {
    /// The points, the last axis running fastest. A single axis serves all `d` dimensions.
    ///
    /// # Errors
    ///
    /// Fails if there are several axes but not `d`, or if the points would be too many.
    pub fn points(&self, d: NonZeroUsize) -> Result<Points, PointError> {
        let axes = match self.0.as_slice() {
            // More dimensions than this are too many whatever their counts.
            [_] if MAX_NUMBERS < d.get() => return Err(PointError::TooMany { d }),
            [axis] => vec![*axis; d.get()],
            axes if axes.len() == d.get() => axes.to_vec(),
            axes => return Err(PointError::Axes { found: axes.len(), expected: d.get() }),
        };
        let m = axes.iter().try_fold(1usize, |m, axis| m.checked_mul(axis.count.get()));
        let Some(total) = m.and_then(|m| m.checked_mul(d.get())).filter(|&n| n <= MAX_NUMBERS)
        else {
            return Err(PointError::TooMany { d });
        };
        let ticks: Vec<Vec<f64>> = axes.iter().map(Axis::ticks).collect();
        Points::new(product(&ticks, total), d)
    }

    /// How many numbers lie along each axis, as typed: one axis may stand for all dimensions.
    pub fn counts(&self) -> impl ExactSizeIterator<Item = usize> {
        self.0.iter().map(|axis| axis.count.get())
    }
}

/// All combinations of `ticks`, the last running fastest; `total` numbers.
fn product(ticks: &[Vec<f64>], total: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(total);
    let mut counters = vec![0; ticks.len()];
    while values.len() < total {
        values.extend(ticks.iter().zip(&counters).map(|(ticks, &idx): (&Vec<f64>, _)| ticks[idx]));
        for (counter, ticks) in counters.iter_mut().zip(ticks).rev() {
            *counter = (*counter + 1) % ticks.len();
            if *counter != 0 {
                break;
            }
        }
    }
    values
}

impl Axis {
    fn ticks(&self) -> Vec<f64> {
        linspace(self.lo, self.hi, self.count.get()).collect()
    }

    fn parse(text: &str, typed: &str) -> Result<Self, PointError> {
        let mut fields = text.split(':');
        let (Some(lo), Some(hi), Some(count), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(PointError::Axis { text: text.to_owned(), typed: typed.to_owned() });
        };
        let (lo, hi) = (number(lo, typed)?, number(hi, typed)?);
        if !(hi - lo).is_finite() {
            return Err(PointError::Span { text: text.to_owned() });
        }
        let count = count.trim();
        match count.parse() {
            Ok(n) if NonZeroUsize::get(n) <= MAX_NUMBERS => Ok(Self { lo, hi, count: n }),
            Ok(_) | Err(_) => {
                Err(PointError::Count { text: count.to_owned(), typed: typed.to_owned() })
            }
        }
    }
}

impl FromStr for Grid {
    type Err = PointError;

    fn from_str(typed: &str) -> Result<Self, PointError> {
        if typed.trim().is_empty() {
            return Err(PointError::Nothing { accepted: "a grid such as `-1:1:5,0:1:3`" });
        }
        let axes =
            typed.split(',').map(|text| Axis::parse(text, typed)).collect::<Result<_, _>>()?;
        Ok(Self(axes))
    }
}

fn number(text: &str, typed: &str) -> Result<f64, PointError> {
    let text = text.trim();
    text.parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or_else(|| PointError::NotANumber { text: text.to_owned(), typed: typed.to_owned() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn d(d: usize) -> NonZeroUsize {
        NonZeroUsize::new(d).unwrap()
    }

    fn point(typed: &str, dimension: usize) -> Result<Vec<f64>, String> {
        let read = || typed.parse::<Point>()?.points(d(dimension));
        read()
            .map(|points| points.as_slice().to_vec())
            .map_err(|error: PointError| error.to_string())
    }

    fn grid(typed: &str, dimension: usize) -> Result<Vec<f64>, String> {
        let read = || typed.parse::<Grid>()?.points(d(dimension));
        read()
            .map(|points| points.as_slice().to_vec())
            .map_err(|error: PointError| error.to_string())
    }

    #[test]
    fn a_point_is_a_list_of_numbers() {
        let check = |typed: &str, expected: &[f64]| {
            assert_eq!(point(typed, expected.len()).as_deref(), Ok(expected), "{typed}");
        };
        check("0", &[0.0]);
        check("-1.5, 2e3", &[-1.5, 2000.0]);
    }

    #[test]
    fn a_grid_runs_fastest_along_its_last_axis() {
        let check = |typed: &str, dimension: usize, expected: &[f64]| {
            assert_eq!(grid(typed, dimension).as_deref(), Ok(expected), "{typed}");
        };
        check("0:1:3", 1, &[0.0, 0.5, 1.0]);
        check("0:1:2,5:6:1", 2, &[0.0, 5.0, 1.0, 5.0]);
        check("0:1:2", 2, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]);
        check("1:2:2,3:5:3", 2, &[1.0, 3.0, 1.0, 4.0, 1.0, 5.0, 2.0, 3.0, 2.0, 4.0, 2.0, 5.0]);
        check("2: 1 :2", 1, &[2.0, 1.0]);
        assert_eq!("0:1:2,5:6:1".parse::<Grid>().unwrap().counts().collect::<Vec<_>>(), [2, 1]);
        assert_eq!(grid("-3:3:1000", 2).unwrap().len(), 2_000_000);
        // One number on each of a million axes is one point.
        assert_eq!(grid("0:1:1", 1_000_000).unwrap().len(), 1_000_000);
    }

    #[test]
    fn a_bad_point_says_what_is_wrong() {
        let check = |typed: &str, message: &str| {
            assert_eq!(point(typed, 2), Err(message.to_owned()), "{typed}");
        };
        check("", "nothing is there; accepted is a point such as `0.5,-1`");
        check("1,2,3", "a point here has 3 numbers, but each sample has 2");
        check("1,x", "`x` in `1,x` is not a finite number");
        check("1,nan", "`nan` in `1,nan` is not a finite number");
        check("1,", "`` in `1,` is not a finite number");
    }

    #[test]
    fn a_bad_grid_says_what_is_wrong() {
        let check = |typed: &str, dimension: usize, begin: &str| {
            let message = grid(typed, dimension).unwrap_err();
            assert!(message.starts_with(begin), "{typed}: {message}");
        };
        check("", 2, "nothing is there; accepted is a grid such as `-1:1:5,0:1:3`");
        check("0:1", 2, "`0:1` in `0:1` is not of the form `LO:HI:COUNT`");
        check("0:1:2:3", 2, "`0:1:2:3` in `0:1:2:3` is not of the form");
        check("0:1:2,", 2, "`` in `0:1:2,` is not of the form");
        check("a:1:2", 2, "`a` in `a:1:2` is not a finite number");
        check("0:inf:2", 2, "`inf` in `0:inf:2` is not a finite number");
        check("0:1:0", 2, "COUNT `0` in `0:1:0` is not a whole number from 1 to 67108864");
        check("0:1:-2", 2, "COUNT `-2`");
        check("0:1:99999999999999999999", 2, "COUNT `99999999999999999999`");
        check("-1e308:1e308:3", 2, "`-1e308:1e308:3` is too long an axis");
        check("0:1:2,0:1:2", 3, "a grid here has 2 axes, but each sample has 3 numbers; accepted");
        check("0:1:10000", 2, "there are too many points: at most 33554432 of 2 numbers");
        check("0:1:2", 60, "there are too many points: at most 1118481 of 60 numbers");
        check("0:1:2", 64, "there are too many points");
        check("0:1:1", usize::MAX, "there are too many points");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(typed in ".*", dimension in 1usize..100) {
            let _ = point(&typed, dimension);
            let _ = grid(&typed, dimension);
        }

        #[test]
        fn any_grid_is_read_or_refused(
            typed in "-?[0-9]{1,3}:-?[0-9]{1,3}:[0-9]{1,2}(,[0-9]:[0-9]:[0-9]{0,2}){0,3}",
            dimension in 1usize..5
        ) {
            if let Ok(values) = grid(&typed, dimension) {
                prop_assert!(values.len() % dimension == 0);
            }
        }
    }
}
