//! The hypercube window: how many samples lie in the cube of side `h` around a point.
//!
//! A sample s counts at a point x when `max_j |x_j - s_j| / h <= 1/2`, computed in IEEE doubles as
//! it stands here; [`reach`] takes the division out of the loops without changing any count. A
//! difference that overflows is infinite, and outside every window.
//!
//! [`count_direct`] and [`count_shared`] give the same counts. They differ in cost only.

use super::{
    Width,
    block::{self, Block},
};

/// The largest double t with `t / h <= 1/2`, the division rounded: how far the window reaches.
///
/// This is h/2 unless h is subnormal and h/2 falls between two doubles; then it is the lower one.
///
/// Nothing larger passes. Let u be the spacing of doubles at h/2. For a normal h/2, 2^-54 h < u, so
/// `(h/2 + u) / h` exceeds 1/2 by more than 2^-54, half the spacing of doubles there, and is not
/// rounded down to 1/2. For a subnormal h/2, u is 2^-1074, and even u/2 is more than 2^-54 h.
///
/// ```
/// use parzen_worker::kernel::{Width, hypercube::reach};
///
/// assert_eq!(reach(Width::try_from(0.3)?), 0.15);
/// # Ok::<(), parzen_worker::kernel::WidthError>(())
/// ```
#[must_use]
pub fn reach(width: Width) -> f64 {
    let half = width.h() / 2.0;
    if half / width.h() <= 0.5 { half } else { half.next_down() }
}

/// Adds, for each width and each point, how many of `rows` lie in the window, with one pass over
/// the samples for each width, as the notebook does.
///
/// `rows` and `points` are rows of `d` finite numbers; `widths` are in ascending order, and may be
/// repeated. `counts` is width-major: the count of width w at point p is
/// `counts[w * n_points + p]`.
///
/// Time: `O(n_rows * d * n_points * n_widths)`.
///
/// # Panics
///
/// If `d` is 0, if `rows` or `points` are not whole rows, or if `counts` has another length.
///
/// # Examples
///
/// ```
/// use parzen_worker::kernel::{Width, hypercube::count_direct};
///
/// let widths = [Width::try_from(1.0)?, Width::try_from(2.0)?];
/// let mut counts = [0; 4];
/// // The samples 0, 1/2 and 1, at the points 0 and 3/4.
/// count_direct(&[0.0, 0.5, 1.0], 1, &[0.0, 0.75], &widths, &mut counts);
/// assert_eq!(counts, [2, 2, 3, 3]);
/// # Ok::<(), parzen_worker::kernel::WidthError>(())
/// ```
pub fn count_direct(rows: &[f64], d: usize, points: &[f64], widths: &[Width], counts: &mut [u64]) {
    let Some(n_points) = shape(rows, d, points, widths, counts) else { return };
    let reaches: Vec<f64> = widths.iter().copied().map(reach).collect();
    block::for_each(rows, d, |block, distances| {
        for (&reach, counts) in reaches.iter().zip(counts.chunks_exact_mut(n_points)) {
            for (point, count) in points.chunks_exact(d).zip(counts) {
                *count += block.count_within(point, reach, distances);
            }
        }
    });
}

/// As [`count_direct`], with one pass over the samples for all widths: the distance of each sample
/// from each point is found once, and sorted into the smallest window that it lies in.
///
/// Time: `O(n_rows * d * n_points)`, and `O(log n_widths)` for each distance within the largest
/// window. Memory: as much as `counts`.
///
/// # Panics
///
/// As [`count_direct`].
///
/// # Examples
///
/// ```
/// use parzen_worker::kernel::{Width, hypercube::count_shared};
///
/// let widths = [Width::try_from(1.0)?, Width::try_from(2.0)?];
/// let mut counts = [0; 4];
/// count_shared(&[0.0, 0.5, 1.0], 1, &[0.0, 0.75], &widths, &mut counts);
/// assert_eq!(counts, [2, 2, 3, 3]);
/// # Ok::<(), parzen_worker::kernel::WidthError>(())
/// ```
pub fn count_shared(rows: &[f64], d: usize, points: &[f64], widths: &[Width], counts: &mut [u64]) {
    let Some(n_points) = shape(rows, d, points, widths, counts) else { return };
    let reaches: Vec<f64> = widths.iter().copied().map(reach).collect();
    // Point-major, unlike `counts`: what one point and one block touch lies side by side.
    let mut bins = vec![0; counts.len()];
    block::for_each(rows, d, |block, distances| {
        for (point, bins) in points.chunks_exact(d).zip(bins.chunks_exact_mut(reaches.len())) {
            bin(block, point, &reaches, distances, bins);
        }
    });
    for (point_idx, bins) in bins.chunks_exact(reaches.len()).enumerate() {
        let mut within = 0;
        for (bin, counts) in bins.iter().zip(counts.chunks_exact_mut(n_points)) {
            within += bin;
            counts[point_idx] += within;
        }
    }
}

/// Checks what the callers promise. The number of points, or `None` if there is nothing to count.
fn shape(
    rows: &[f64],
    d: usize,
    points: &[f64],
    widths: &[Width],
    counts: &[u64],
) -> Option<usize> {
    assert!(d != 0, "samples have at least one column");
    assert!(rows.len().is_multiple_of(d), "{} numbers are not rows of {d}", rows.len());
    assert!(points.len().is_multiple_of(d), "{} numbers are not points of {d}", points.len());
    let n_points = points.len() / d;
    assert_eq!(counts.len(), n_points * widths.len(), "one count for each width and point");
    debug_assert!(widths.is_sorted(), "widths are ascending");
    (!counts.is_empty()).then_some(n_points)
}

/// Adds each row of `block` to the bin of the smallest reach that it is within, if there is one.
fn bin(block: &Block<'_>, point: &[f64], reaches: &[f64], distances: &mut [f64], bins: &mut [u64]) {
    let Some(&farthest) = reaches.last() else { return };
    block.distances(point, distances);
    for &distance in keep_within(farthest, distances) {
        bins[reaches.partition_point(|&reach| reach < distance)] += 1;
    }
}

/// Moves the numbers up to `farthest` to the front, without a branch: most samples are outside of
/// most windows, but which ones cannot be predicted.
fn keep_within(farthest: f64, distances: &mut [f64]) -> &[f64] {
    let mut n_kept = 0;
    for row_idx in 0..distances.len() {
        let distance = distances[row_idx];
        distances[n_kept] = distance;
        n_kept += usize::from(distance <= farthest);
    }
    &distances[..n_kept]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn width(h: f64) -> Width {
        Width::try_from(h).unwrap()
    }

    /// Rounding is monotonic, so one step on either side says all.
    fn check_reach(h: f64) {
        let reach = reach(width(h));
        assert!(reach / h <= 0.5, "{reach:e} is within the window of {h:e}");
        assert!(reach.next_up() / h > 0.5, "{reach:e} is the last within the window of {h:e}");
    }

    #[test]
    fn reach_is_the_last_double_within_the_window() {
        for bits in 1..5000 {
            check_reach(f64::from_bits(bits));
        }
        for near in [f64::MIN_POSITIVE, 2.0 * f64::MIN_POSITIVE, 0.1, 1.0, 3.0, f64::MAX] {
            let bits = near.to_bits();
            (bits - 500..(bits + 500).min(f64::MAX.to_bits() + 1))
                .for_each(|bits| check_reach(f64::from_bits(bits)));
        }
    }

    #[test]
    fn half_of_an_odd_subnormal_width_is_rounded_down() {
        assert_eq!(reach(width(f64::from_bits(1))), 0.0);
        assert_eq!(reach(width(f64::from_bits(3))), f64::from_bits(1));
        assert_eq!(reach(width(f64::from_bits(7))), f64::from_bits(3));
    }

    #[test]
    fn a_difference_that_overflows_is_outside() {
        let mut counts = [0; 2];
        let widths = [width(1.0), width(f64::MAX)];
        for count in [count_direct, count_shared] {
            count(&[-f64::MAX, f64::MAX], 1, &[f64::MAX], &widths, &mut counts);
        }
        assert_eq!(counts, [2, 2]);
    }

    #[test]
    fn counts_are_added() {
        let mut counts = [5];
        count_direct(&[0.0], 1, &[0.0], &[width(1.0)], &mut counts);
        count_shared(&[0.0, 9.0], 1, &[0.0], &[width(1.0)], &mut counts);
        assert_eq!(counts, [7]);
    }

    #[test]
    fn nothing_to_count_is_no_error() {
        for count in [count_direct, count_shared] {
            count(&[1.0], 1, &[], &[width(1.0)], &mut []);
            count(&[1.0], 1, &[1.0], &[], &mut []);
            let mut counts = [0];
            count(&[], 1, &[1.0], &[width(1.0)], &mut counts);
            assert_eq!(counts, [0]);
        }
    }

    type Count = fn(&[f64], usize, &[f64], &[Width], &mut [u64]);

    #[derive(Debug)]
    struct Case {
        d: usize,
        rows: Vec<f64>,
        points: Vec<f64>,
        widths: Vec<Width>,
    }

    impl Case {
        /// Word for word: each difference divided by each width.
        fn naive(&self) -> Vec<u64> {
            let points = |&h: &Width| self.points.chunks(self.d).map(move |point| (h.h(), point));
            self.widths.iter().flat_map(points).map(|(h, x)| self.naive_at(h, x)).collect()
        }

        fn naive_at(&self, h: f64, x: &[f64]) -> u64 {
            let within = |s: &&[f64]| x.iter().zip(*s).all(|(x, s)| (x - s).abs() / h <= 0.5);
            self.rows.chunks(self.d).filter(within).count() as u64
        }

        fn by(&self, count: Count) -> Vec<u64> {
            let mut counts = vec![0; self.points.len() / self.d * self.widths.len()];
            count(&self.rows, self.d, &self.points, &self.widths, &mut counts);
            counts
        }
    }

    /// A few numbers of one kind, so that ties are frequent.
    fn number() -> impl Strategy<Value = fn(i16) -> f64> {
        prop::sample::select(vec![
            (|i| f64::from(i) / 8.0) as fn(i16) -> f64,
            |i| f64::from(i) * 0.1,
            |i| f64::from(i) / 10.0,
            |i| f64::from(i).sin() * 3.0,
            |i| f64::from_bits(u64::from(i.unsigned_abs())) * f64::from(i.signum()),
            |i| f64::from(i) * (f64::MAX / 40.0),
        ])
    }

    fn case() -> impl Strategy<Value = Case> {
        let sizes = (1..6_usize, 0..2500_usize, 0..5_usize, 0..20_usize, number());
        sizes.prop_flat_map(|(d, n, n_points, n_widths, number)| {
            let numbers = move |len| prop::collection::vec((-40..41_i16).prop_map(number), len);
            let sizes = (1..81_i16).prop_map(move |i| number(i).abs());
            let widths = prop::collection::vec(sizes, n_widths).prop_map(|mut widths| {
                widths.sort_by(f64::total_cmp);
                widths.into_iter().filter_map(|h| Width::try_from(h).ok()).collect()
            });
            (Just(d), numbers(n * d), numbers(n_points * d), widths)
                .prop_map(|(d, rows, points, widths)| Case { d, rows, points, widths })
        })
    }

    proptest! {
        #[test]
        fn both_ways_count_as_the_division_does(case in case()) {
            let naive = case.naive();
            prop_assert_eq!(case.by(count_direct), &naive[..]);
            prop_assert_eq!(case.by(count_shared), &naive[..]);
        }

        #[test]
        fn reach_is_the_last_double_for_any_width(
            h in prop::num::f64::POSITIVE | prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL
        ) {
            check_reach(h);
        }
    }
}
