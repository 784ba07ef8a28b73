//! How sure a ratio of medians is, found by drawing again from what was measured.

use rand::{Rng, RngExt, SeedableRng, rngs::ChaCha12Rng};

use super::{Estimate, median};

/// Confidence of every interval.
pub const LEVEL: f64 = 0.95;

/// Times that is drawn again: the ends of the interval then stay within a percent or so of its
/// length.
pub(super) const DRAWS: usize = 2000;

/// The ratio of the median of `over` to that of `under`, with its percentile bootstrap interval.
///
/// If `over` and `under` are of equal length they are taken as pairs, the two times of one round
/// each, and rounds are drawn: what slowed down both then does not widen the interval. Else both
/// are drawn by themselves. Equal seeds give equal intervals. `None` if there are no values, or the
/// median of `under` is 0. With one value on either side there is no interval.
///
/// Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. Intervals of
/// fewer than ten or so values come out too short: there is no more in them. Time: 2000 `O(n log n)`.
#[must_use]
pub fn ratio(over: &[f64], under: &[f64], seed: u64) -> Option<Estimate> {
    let point = quotient(over, under)?;
    if over.len() < 2 || under.len() < 2 {
        return Some(Estimate::alone(point));
    }
    let mut generator = ChaCha12Rng::seed_from_u64(seed);
    let resampled = (0..DRAWS).filter_map(|_| {
        let over_idx = draw(over.len(), &mut generator);
        let drawn_over = pick(over, &over_idx);
        if over.len() == under.len() {
            quotient(&drawn_over, &pick(under, &over_idx))
        } else {
            quotient(&drawn_over, &pick(under, &draw(under.len(), &mut generator)))
        }
    });
    Some(Estimate::of_resampled(point, resampled.collect()))
}

fn quotient(over: &[f64], under: &[f64]) -> Option<f64> {
    let quotient = median(over)? / median(under)?;
    quotient.is_finite().then_some(quotient)
}

/// `n` indices below `n`, each as likely as any other.
pub(super) fn draw(n: usize, generator: &mut impl Rng) -> Vec<usize> {
    (0..n).map(|_| generator.random_range(0..n)).collect()
}

/// The values at `indices`.
pub(super) fn pick(values: &[f64], indices: &[usize]) -> Vec<f64> {
    indices.iter().map(|&idx| values[idx]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ratio_of_equal_spreads_is_one() {
        let values: Vec<f64> = (0..30).map(|x| 100.0 + f64::from(x % 7)).collect();
        let estimate = ratio(&values, &values, 1).unwrap();
        let interval = estimate.interval.unwrap();
        // Paired, what is equal in each round leaves no doubt at all.
        assert_eq!((estimate.point, interval.low, interval.high), (1.0, 1.0, 1.0));
        assert_eq!(estimate.standard_error, Some(0.0));
    }

    #[test]
    fn pairs_shorten_the_interval() {
        let slow: Vec<f64> = (0..20).map(|x| 100.0 + 10.0 * f64::from(x)).collect();
        let fast: Vec<f64> = slow.iter().map(|time| time / 2.0).collect();
        let length = |under: &[f64]| {
            let interval = ratio(&slow, under, 1).unwrap().interval.unwrap();
            assert!(interval.low <= 2.0 && 2.0 <= interval.high, "{interval:?}");
            interval.high - interval.low
        };
        assert_eq!(length(&fast), 0.0);
        assert!(0.1 < length(&[fast.clone(), vec![97.5]].concat()));
    }

    #[test]
    fn equal_seeds_give_equal_intervals() {
        let (over, under) = ([3.0, 4.0, 5.0, 9.0], [1.0, 2.0, 2.5, 2.0]);
        assert_eq!(ratio(&over, &under, 7), ratio(&over, &under, 7));
    }

    #[test]
    fn degenerate_ratios() {
        assert_eq!(ratio(&[], &[1.0], 0), None);
        assert_eq!(ratio(&[1.0], &[], 0), None);
        assert_eq!(ratio(&[1.0], &[0.0], 0), None, "a zero time");
        assert_eq!(ratio(&[6.0], &[2.0], 0), Some(Estimate::alone(3.0)), "one round");
        assert_eq!(ratio(&[0.0, 0.0], &[1.0, 1.0], 0).unwrap().point, 0.0);
        let two = ratio(&[4.0, 6.0], &[2.0, 2.0], 0).unwrap();
        let interval = two.interval.unwrap();
        assert_eq!((two.point, interval.low, interval.high), (2.5, 2.0, 3.0), "two rounds");
        let flat = ratio(&[4.0, 4.0, 4.0], &[2.0, 2.0, 2.0], 0).unwrap();
        assert_eq!((flat.point, flat.standard_error), (2.0, Some(0.0)), "zero spread");
    }

    proptest! {
        #[test]
        fn intervals_hold_their_point_and_no_nan(
            over in prop::collection::vec(0.0..1e12_f64, 1..12),
            under in prop::collection::vec(0.0..1e12_f64, 1..12),
            seed: u64,
        ) {
            let Some(estimate) = ratio(&over, &under, seed) else { return Ok(()) };
            prop_assert!(estimate.point.is_finite());
            if let Some(interval) = estimate.interval {
                prop_assert!(interval.low.is_finite() && interval.low <= interval.high);
            }
            prop_assert!(estimate.standard_error.is_none_or(f64::is_finite));
        }
    }
}
