//! The notebook's own samples, replayed.
//!
//! The notebook draws them with `np.random.seed(123)` and
//! `np.random.multivariate_normal([0, 0], [[1, 0], [0, 1]], 10000)`. That is NumPy's legacy
//! generator: the 32-bit Mersenne Twister, seeded as its authors do for an integer, and Marsaglia's
//! polar method for normal numbers. For the identity matrix, `multivariate_normal` multiplies by
//! the identity and adds 0, so the normal numbers are the samples.

use rand_mt::Mt;

/// Samples the notebook draws.
pub const NOTEBOOK_N: usize = 10_000;

/// Numbers in each of them.
pub const NOTEBOOK_D: usize = 2;

/// What the notebook passes to `np.random.seed`.
const SEED: u32 = 123;

/// NumPy's legacy stream of normal numbers, from the notebook's seed.
///
/// The same on every machine whose C library rounds `log` as glibc does; elsewhere a number may
/// differ in its last bit.
///
/// # Examples
///
/// ```
/// let mut stream = parzen::input::NotebookStream::new();
/// let samples = stream.samples(10_000); // the ones the notebook looks at
/// assert_eq!(samples[..2], [-1.0856306033005612, 0.9973454465835858]);
/// let timed = stream.samples(10_000); // the ones it times
/// assert_eq!(timed[..2], [1.03159348067227, 1.3319448833783412]);
/// ```
#[derive(Clone, Debug)]
pub struct NotebookStream {
    generator: Mt,
    /// Each round of the polar method gives two numbers; this is the second.
    spare: Option<f64>,
}

impl NotebookStream {
    /// The stream from its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self { generator: Mt::new(SEED), spare: None }
    }

    /// The next `n` samples of [`NOTEBOOK_D`] numbers, row after row.
    #[must_use]
    pub fn samples(&mut self, n: usize) -> Vec<f64> {
        std::iter::repeat_with(|| self.normal()).take(n * NOTEBOOK_D).collect()
    }

    /// NumPy's `legacy_gauss`.
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let x1 = 2.0 * self.uniform() - 1.0;
            let x2 = 2.0 * self.uniform() - 1.0;
            let r2 = x1 * x1 + x2 * x2;
            if 0.0 < r2 && r2 < 1.0 {
                let factor = (-2.0 * r2.ln() / r2).sqrt();
                self.spare = Some(factor * x1);
                return factor * x2;
            }
        }
    }

    /// NumPy's `mt19937_next_double`: 53 random bits below 1.
    fn uniform(&mut self) -> f64 {
        let high = f64::from(self.generator.next_u32() >> 5);
        let low = f64::from(self.generator.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }
}

impl Default for NotebookStream {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use sha2::{Digest, Sha256};

    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        first: Draw,
        second: Draw,
    }

    #[derive(Deserialize)]
    struct Draw {
        sha256_le_f64_row_major: String,
        first_rows: Vec<[f64; NOTEBOOK_D]>,
        last_row: [f64; NOTEBOOK_D],
    }

    #[test]
    fn both_draws_are_the_notebooks_to_the_bit() {
        let golden: Golden = serde_json::from_str(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/golden/tutorial.json"
        )))
        .unwrap();
        let mut stream = NotebookStream::new();
        for draw in [golden.first, golden.second] {
            let samples = stream.samples(NOTEBOOK_N);
            let (rows, rest) = samples.as_chunks::<NOTEBOOK_D>();
            assert!(rest.is_empty());
            assert_eq!(rows[..draw.first_rows.len()], draw.first_rows);
            assert_eq!(rows.last(), Some(&draw.last_row));
            let mut digest = Sha256::new();
            samples.iter().for_each(|number| digest.update(number.to_le_bytes()));
            assert_eq!(format!("{:x}", digest.finalize()), draw.sha256_le_f64_row_major);
        }
    }
}
