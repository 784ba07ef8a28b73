//! Statistics of times, apart from how they were measured and how they are shown.
//!
//! All functions take finite, non-negative numbers and give finite ones; what cannot be said of the
//! numbers at hand, such as the interval of a single one, is `None` and never NaN.

mod spread;
pub use spread::{OUTLIER_SCORE, Outlier, Spread, median, outliers, quantile};

mod bootstrap;
pub use bootstrap::{LEVEL, ratio};

mod scaling;
pub use scaling::{Amdahl, amdahl, karp_flatt};

use serde::Serialize;

/// A figure and how sure one may be of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure.
    pub point: f64,
    /// Where the true one lies with a confidence of 95 %. `None` if there is too little to say.
    pub interval: Option<Interval>,
    /// Standard deviation of the figure, likewise.
    pub standard_error: Option<f64>,
}

/// From `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Estimate {
    /// A figure of which nothing more is known.
    #[must_use]
    pub fn alone(point: f64) -> Self {
        Self { point, interval: None, standard_error: None }
    }

    /// A figure of which `resampled` are what it might have been.
    #[must_use]
    pub fn of_resampled(point: f64, mut resampled: Vec<f64>) -> Self {
        resampled.retain(|value| value.is_finite());
        if resampled.len() < 2 {
            return Self::alone(point);
        }
        resampled.sort_by(f64::total_cmp);
        let tail = (1.0 - LEVEL) / 2.0;
        let interval = quantile(&resampled, tail)
            .zip(quantile(&resampled, 1.0 - tail))
            .map(|(low, high)| Interval { low, high });
        Self { point, interval, standard_error: Some(standard_deviation(&resampled)) }
    }

    /// The figure multiplied by a positive `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let scale = |Interval { low, high }| Interval { low: low * factor, high: high * factor };
        Self {
            point: self.point * factor,
            interval: self.interval.map(scale),
            standard_error: self.standard_error.map(|error| error * factor),
        }
    }

    /// Whether all that is probable is above `limit`. Without an interval, nothing is known to be.
    #[must_use]
    pub fn is_surely_above(&self, limit: f64) -> bool {
        self.interval.is_some_and(|interval| limit < interval.low)
    }

    /// Whether all that is probable is at most `limit`.
    #[must_use]
    pub fn is_surely_at_most(&self, limit: f64) -> bool {
        self.interval.is_some_and(|interval| interval.high <= limit)
    }
}

fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_leaves_out_the_tails() {
        let estimate =
            Estimate::of_resampled(50.0, (0..=1000).map(|x| f64::from(x) / 10.0).collect());
        let interval = estimate.interval.unwrap();
        assert!((interval.low - 2.5).abs() < 1e-9 && (interval.high - 97.5).abs() < 1e-9);
        assert!((estimate.standard_error.unwrap() - 28.911).abs() < 0.01);
        assert!(estimate.is_surely_above(2.4) && !estimate.is_surely_above(2.6));
        assert!(estimate.is_surely_at_most(97.6) && !estimate.is_surely_at_most(97.4));
    }

    #[test]
    fn what_is_not_known_is_not_sure() {
        for estimate in [Estimate::alone(2.0), Estimate::of_resampled(2.0, vec![f64::NAN, 2.0])] {
            assert_eq!((estimate.interval, estimate.standard_error), (None, None));
            assert!(!estimate.is_surely_above(1.0) && !estimate.is_surely_at_most(3.0));
        }
    }
}
