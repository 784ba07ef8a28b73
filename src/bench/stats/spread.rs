//! Middle, spread and outliers, by order statistics that a few odd values do not move.

use serde::Serialize;

/// From this modified z-score on, a value is called an outlier.
pub const OUTLIER_SCORE: f64 = 3.5;

/// How values are spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many there are.
    pub n: usize,
    /// The middle one.
    pub median: f64,
    /// Median of the distances from the median, not scaled.
    pub mad: f64,
    /// A quarter of the values are below.
    pub lower_quartile: f64,
    /// A quarter of the values are above.
    pub upper_quartile: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// How `values` are spread; `None` if there are none. Time: `O(n log n)`.
    #[must_use]
    pub fn of(values: &[f64]) -> Option<Self> {
        let sorted = sorted(values);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let median = quantile(&sorted, 0.5)?;
        Some(Self {
            n: sorted.len(),
            median,
            mad: deviation(values, median)?,
            lower_quartile: quantile(&sorted, 0.25)?,
            upper_quartile: quantile(&sorted, 0.75)?,
            min,
            max,
        })
    }

    /// Distance between the quartiles.
    #[must_use]
    pub fn iqr(&self) -> f64 {
        self.upper_quartile - self.lower_quartile
    }
}

/// The middle value, or half-way between the two middle ones; `None` if there are none.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

/// The value below which the share `p` of the ascending `sorted` lies, with straight lines between
/// them: Hyndman and Fan's type 7, as in NumPy and R. `None` if there are none.
#[must_use]
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = p.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to the last index")]
    let below = (place.floor() as usize).min(last);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(low + (high - low) * (place - below as f64))
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Median of the distances from `center`.
fn deviation(values: &[f64], center: f64) -> Option<f64> {
    let distances: Vec<f64> = values.iter().map(|value| (value - center).abs()).collect();
    median(&distances)
}

/// A value far from the others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outlier {
    /// Its index.
    pub index: usize,
    /// The value.
    pub value: f64,
    /// Its modified z-score: how far from the median, in what would be standard deviations if the
    /// values were normal; negative below.
    pub score: f64,
}

/// The values whose modified z-score `0.6745 (x - median) / MAD` is beyond ±3.5.
///
/// Source: Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993. Where more than half of
/// the values are equal, MAD is 0, and the mean distance takes its place as `1.253314 mean`, as in
/// IBM's SPSS. If that is 0 too, all values are equal and none is an outlier.
#[must_use]
pub fn outliers(values: &[f64]) -> Vec<Outlier> {
    let Some(center) = median(values) else { return Vec::new() };
    let mad = deviation(values, center).unwrap_or(0.0) / 0.6745;
    let mean = values.iter().map(|value| (value - center).abs()).sum::<f64>() / values.len() as f64;
    let scale = if 0.0 < mad { mad } else { 1.253_314 * mean };
    if scale <= 0.0 {
        return Vec::new();
    }
    let scored = values.iter().enumerate().map(|(index, &value)| Outlier {
        index,
        value,
        score: (value - center) / scale,
    });
    scored.filter(|outlier| OUTLIER_SCORE < outlier.score.abs()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys() {
        // numpy.percentile([1, 2, 4, 8], [0, 25, 50, 75, 100])
        let sorted = [1.0, 2.0, 4.0, 8.0];
        for (p, expected) in [(0.0, 1.0), (0.25, 1.75), (0.5, 3.0), (0.75, 5.0), (1.0, 8.0)] {
            assert_eq!(quantile(&sorted, p), Some(expected), "{p}");
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[7.0], 0.9), Some(7.0));
    }

    #[test]
    fn the_spread_of_known_values() {
        let spread = Spread::of(&[8.0, 1.0, 4.0, 2.0]).unwrap();
        assert_eq!((spread.n, spread.median, spread.mad), (4, 3.0, 1.5));
        assert_eq!((spread.min, spread.max, spread.iqr()), (1.0, 8.0, 3.25));
    }

    #[test]
    fn degenerate_spreads() {
        assert_eq!(Spread::of(&[]), None);
        for values in [&[5.0][..], &[5.0, 5.0], &[5.0; 9]] {
            let spread = Spread::of(values).unwrap();
            assert_eq!((spread.median, spread.mad, spread.iqr()), (5.0, 0.0, 0.0));
            assert_eq!(outliers(values), []);
        }
        let zero = Spread::of(&[0.0, 0.0]).unwrap();
        assert_eq!((zero.median, zero.mad, zero.min, zero.max), (0.0, 0.0, 0.0, 0.0));
        assert_eq!(Spread::of(&[1.0, 3.0]).unwrap().median, 2.0);
    }

    #[test]
    fn a_value_far_off_is_an_outlier() {
        let check = |values: &[f64], expected: &[usize]| {
            let found: Vec<usize> = outliers(values).iter().map(|outlier| outlier.index).collect();
            assert_eq!(found, expected, "{values:?}");
        };
        check(&[], &[]);
        check(&[1.0], &[]);
        check(&[1.0, 100.0], &[]);
        check(&[10.0, 11.0, 9.0, 10.5, 9.5], &[]);
        check(&[10.0, 11.0, 90.0, 10.5, 9.5], &[2]);
        check(&[1.0, 11.0, 10.0, 10.5, 9.9, 10.1, 9.8], &[0]);
        // More than half are equal: the mean distance decides.
        check(&[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 9.0], &[6]);
    }
}
