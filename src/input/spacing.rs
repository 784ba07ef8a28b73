//! NumPy's evenly spaced numbers, as NumPy computes them.
//!
//! The order of the operations matters: a width that differs in its last bit may count another
//! sample. Each function repeats the steps of NumPy 2 in IEEE doubles, without fused operations.

/// How many numbers `np.arange(start, stop, step)` has: ⌈(stop − start) / step⌉, as a float
/// because it may be larger than any integer type. Not positive, or NaN, if there are none.
pub(crate) fn arange_len(start: f64, stop: f64, step: f64) -> f64 {
    let delta = stop - start;
    let quotient = delta / step;
    if quotient == 0.0 && delta != 0.0 {
        // The quotient underflowed; NumPy then decides by its sign.
        return if quotient.is_sign_negative() { 0.0 } else { 1.0 };
    }
    quotient.ceil()
}

/// The first `len` numbers of `np.arange(start, _, step)`.
///
/// NumPy stores `start` and `start + step`, and fills the rest from the difference of these two,
/// which is not `step` if the sum was rounded.
pub(crate) fn arange(start: f64, step: f64, len: usize) -> impl Iterator<Item = f64> {
    let second = start + step;
    let delta = second - start;
    (0..len).map(move |idx| match idx {
        0 => start,
        1 => second,
        _ => start + idx as f64 * delta,
    })
}

/// `np.linspace(start, stop, count)`: both ends included, the last one exactly `stop`.
pub(crate) fn linspace(start: f64, stop: f64, count: usize) -> impl Iterator<Item = f64> {
    let delta = stop - start;
    let last = count.saturating_sub(1);
    let step = delta / last as f64;
    (0..count).map(move |idx| {
        let idx_f = idx as f64;
        if last == 0 {
            idx_f * delta + start
        } else if idx == last {
            stop
        } else if step == 0.0 {
            // `step` underflowed (or both ends are equal): divide first.
            idx_f / last as f64 * delta + start
        } else {
            idx_f * step + start
        }
    })
}

/// `np.geomspace(start, stop, count)` for positive ends: powers of ten of evenly spaced
/// logarithms, the ends exactly as given.
///
/// Bit for bit NumPy's where both use the same C library's `pow` and `log10`. NumPy itself differs
/// between machines: where there is AVX-512 it takes another `pow`, and one number in 20 inside
/// differs by its last bit.
pub(crate) fn geomspace(start: f64, stop: f64, count: usize) -> impl Iterator<Item = f64> {
    linspace(start.log10(), stop.log10(), count).enumerate().map(move |(idx, exponent)| {
        if idx == 0 {
            start
        } else if idx + 1 == count {
            stop
        } else {
            10f64.powf(exponent)
        }
    })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    // All expected values are what NumPy 2.4 gives.

    #[test]
    fn arange_is_numpys() {
        let check = |(start, stop, step): (f64, f64, f64), expected: &[f64]| {
            let len = arange_len(start, stop, step);
            assert_eq!(len, expected.len() as f64, "arange({start}, {stop}, {step})");
            let numbers: Vec<f64> = arange(start, step, expected.len()).collect();
            assert_eq!(numbers, expected, "arange({start}, {stop}, {step})");
        };
        check(
            (0.1, 1.3, 0.1),
            &[
                0.1,
                0.2,
                0.30000000000000004,
                0.4,
                0.5,
                0.6,
                0.7000000000000001,
                0.8,
                0.9,
                1.0,
                1.1,
                1.2000000000000002,
            ],
        );
        check((0.1, 1.0, 0.3), &[0.1, 0.4, 0.7000000000000001]);
        check((1e-3, 5.5e-3, 1e-3), &[0.001, 0.002, 0.003, 0.004, 0.005]);
        // `1.1 - 1` is not 0.1, and the difference adds up.
        check(
            (1.0, 2.0, 0.1),
            &[
                1.0,
                1.1,
                1.2000000000000002,
                1.3000000000000003,
                1.4000000000000004,
                1.5000000000000004,
                1.6000000000000005,
                1.7000000000000006,
                1.8000000000000007,
                1.9000000000000008,
            ],
        );
        check(
            (3.0, 1.0, -0.3),
            &[
                3.0,
                2.7,
                2.4000000000000004,
                2.1000000000000005,
                1.8000000000000007,
                1.5000000000000009,
                1.200000000000001,
            ],
        );
        // The step is rounded to 2 here, so the last numbers are beyond the end.
        check(
            (1e16, 1e16 + 8.0, 1.5),
            &[1e16, 1e16 + 2.0, 1e16 + 4.0, 1e16 + 6.0, 1e16 + 8.0, 1e16 + 10.0],
        );
        check((0.3, 0.30000000000000004, 1.0), &[0.3]);
        check((5e-324, 1e-323, 1e300), &[5e-324]);
        check((1e-323, 5e-324, 1e300), &[]);
        check((1.0, 1.0, 0.5), &[]);
    }

    #[test]
    fn linspace_is_numpys() {
        let check = |(start, stop, count): (f64, f64, usize), expected: &[f64]| {
            let numbers: Vec<f64> = linspace(start, stop, count).collect();
            assert_eq!(numbers, expected, "linspace({start}, {stop}, {count})");
        };
        check((0.05, 0.95, 7), &[0.05, 0.2, 0.35, 0.49999999999999994, 0.65, 0.8, 0.95]);
        check((1.0, 1.2, 4), &[1.0, 1.0666666666666667, 1.1333333333333333, 1.2]);
        check((2.0, 1.0, 4), &[2.0, 1.6666666666666667, 1.3333333333333335, 1.0]);
        check((-2.5, 2.5, 4), &[-2.5, -0.8333333333333333, 0.8333333333333335, 2.5]);
        check((0.3, 0.7, 1), &[0.3]);
        check((0.3, 0.3, 3), &[0.3, 0.3, 0.3]);
        check((0.3, 0.7, 0), &[]);
        check((5e-324, 1.5e-323, 6), &[5e-324, 5e-324, 1e-323, 1e-323, 1.5e-323, 1.5e-323]);
    }

    #[test]
    fn geomspace_is_numpys_up_to_the_last_bits() {
        let check = |(start, stop, count): (f64, f64, usize), expected: &[f64]| {
            let numbers: Vec<f64> = geomspace(start, stop, count).collect();
            assert_eq!(numbers.len(), expected.len());
            assert_eq!(numbers.first(), expected.first());
            assert_eq!(numbers.last(), expected.last());
            for (number, expected) in numbers.iter().zip(expected) {
                let error = (number - expected).abs() / expected;
                assert!(error < 1e-15, "{number} for {expected} in {start}, {stop}, {count}");
            }
        };
        check(
            (0.05, 1.0, 5),
            &[0.05, 0.1057371263440564, 0.22360679774997896, 0.47287080450158786, 1.0],
        );
        check((0.001, 1000.0, 7), &[0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]);
        check((1.0, 0.01, 3), &[1.0, 0.1, 0.01]);
        check((0.3, 0.3, 3), &[0.3, 0.29999999999999993, 0.3]);
        check((0.7, 1.9, 1), &[0.7]);
        check((1e-300, 1e300, 4), &[1e-300, 1e-100, 1e100, 1e300]);
    }

    #[test]
    fn long_runs_are_numpys_to_the_bit() {
        let check = |numbers: Vec<f64>, sha256: &str| {
            let mut digest = Sha256::new();
            numbers.iter().for_each(|number| digest.update(number.to_le_bytes()));
            assert_eq!(format!("{:x}", digest.finalize()), sha256);
        };
        assert_eq!(arange_len(0.01, 777.7, 0.0123), 63227.0);
        check(
            arange(0.01, 0.0123, 63227).collect(),
            "752d41e20b3691712b563a0b380f6cfb879209e54088b435d3929e98eb95298b",
        );
        check(
            linspace(0.01, 7.3, 100_000).collect(),
            "575b176b6ea3cf5c2737d83557c9ed31d079b759e2b010a7e33d2ae831441aa6",
        );
    }
}
