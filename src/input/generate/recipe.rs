//! Which samples to make.

use std::num::{NonZeroU64, NonZeroUsize};

use rand::{RngExt, SeedableRng, rngs::ChaCha12Rng};
use rand_distr::StandardNormal;

use super::Covariance;
use crate::input::MAX_NUMBERS;

/// What samples are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Normal, with mean 0.
    Gauss(Covariance),
    /// Two round blobs: N(0, I) with probability 2/3, else 0.4·N(0, I) + 2 in each of `d` numbers.
    Mixture {
        /// Numbers in a sample.
        d: NonZeroUsize,
    },
    /// Uniform on [0, 1)^d.
    Uniform {
        /// Numbers in a sample.
        d: NonZeroUsize,
    },
}

impl Distribution {
    /// Numbers in a sample.
    #[must_use]
    pub fn d(&self) -> NonZeroUsize {
        match self {
            Self::Gauss(covariance) => covariance.d(),
            Self::Mixture { d } | Self::Uniform { d } => *d,
        }
    }

    fn fill(&self, row: &mut [f64], generator: &mut ChaCha12Rng) {
        match self {
            Self::Gauss(covariance) => {
                normals(row, generator);
                covariance.apply(row);
            }
            Self::Mixture { .. } => {
                let is_small = generator.random::<f64>() < 1.0 / 3.0;
                normals(row, generator);
                if is_small {
                    row.iter_mut().for_each(|number| *number = 0.4 * *number + 2.0);
                }
            }
            Self::Uniform { .. } => row.iter_mut().for_each(|number| *number = generator.random()),
        }
    }
}

fn normals(row: &mut [f64], generator: &mut ChaCha12Rng) {
    row.iter_mut().for_each(|number| *number = generator.sample(StandardNormal));
}

/// Why samples cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// A single sample would be too large.
    #[error("samples of {d} numbers are too large; at most {MAX_NUMBERS} numbers are accepted")]
    TooWide {
        /// Numbers in a sample.
        d: NonZeroUsize,
    },
}

/// `n` samples of a distribution: the same ones whenever they are made.
///
/// # Examples
///
/// ```
/// use std::num::{NonZeroU64, NonZeroUsize};
/// use parzen::input::generate::{Distribution, Recipe};
///
/// let d = NonZeroUsize::new(2).unwrap();
/// let n = NonZeroU64::new(100).unwrap();
/// let recipe = Recipe::new(Distribution::Uniform { d }, n, 7)?;
/// let mut rows = 0;
/// recipe.each_row(|row| {
///     assert!(row.iter().all(|number| (0.0..1.0).contains(number)));
///     rows += 1;
///     Ok::<(), std::convert::Infallible>(())
/// })?;
/// assert_eq!(rows, 100);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    distribution: Distribution,
    n: NonZeroU64,
    seed: u64,
}

impl Recipe {
    /// Says what to make; nothing is made yet.
    ///
    /// # Errors
    ///
    /// Fails if a single sample would have more than [`MAX_NUMBERS`] numbers.
    pub fn new(distribution: Distribution, n: NonZeroU64, seed: u64) -> Result<Self, RecipeError> {
        let d = distribution.d();
        if MAX_NUMBERS < d.get() {
            return Err(RecipeError::TooWide { d });
        }
        Ok(Self { distribution, n, seed })
    }

    /// Numbers in a sample.
    #[must_use]
    pub fn d(&self) -> NonZeroUsize {
        self.distribution.d()
    }

    /// How many samples there will be.
    #[must_use]
    pub fn n(&self) -> NonZeroU64 {
        self.n
    }

    /// Makes the samples from the first to the last, and calls `sink` with each.
    ///
    /// # Errors
    ///
    /// Ends at the first error of `sink`.
    pub fn each_row<E>(&self, mut sink: impl FnMut(&[f64]) -> Result<(), E>) -> Result<(), E> {
        let mut generator = ChaCha12Rng::seed_from_u64(self.seed);
        let mut row = vec![0.0; self.d().get()];
        for _ in 0..self.n.get() {
            self.distribution.fill(&mut row, &mut generator);
            sink(&row)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn d(d: usize) -> NonZeroUsize {
        NonZeroUsize::new(d).unwrap()
    }

    fn samples(distribution: Distribution, n: u64, seed: u64) -> Vec<f64> {
        let recipe = Recipe::new(distribution, NonZeroU64::new(n).unwrap(), seed).unwrap();
        let mut samples = Vec::new();
        let Ok(()) = recipe.each_row(|row| {
            samples.extend_from_slice(row);
            Ok::<(), Infallible>(())
        });
        samples
    }

    fn gauss(covariance: Covariance) -> Distribution {
        Distribution::Gauss(covariance)
    }

    #[test]
    fn a_seed_gives_the_same_numbers_always() {
        // Printed once and kept: whoever changes the generator changes everybody's samples.
        let check = |distribution: Distribution, expected: [f64; 4]| {
            assert_eq!(samples(distribution.clone(), 2, 123), expected, "{distribution:?}");
        };
        check(
            gauss(Covariance::identity(d(2))),
            [-0.4578760050435659, -0.8470889096151871, 0.4886580749425242, -0.2547728027145272],
        );
        check(
            Distribution::Mixture { d: d(2) },
            [1.661164436153925, 2.1954632299770096, 0.41218150151280114, -1.7643844280193324],
        );
        check(
            Distribution::Uniform { d: d(2) },
            [0.17325464426155657, 0.15229643060221798, 0.9306584906609464, 0.41439721606063973],
        );
    }

    #[test]
    fn more_samples_begin_with_fewer_and_another_seed_gives_others() {
        let one = samples(Distribution::Mixture { d: d(3) }, 10, 1);
        assert_eq!(samples(Distribution::Mixture { d: d(3) }, 20, 1)[..30], one);
        assert_ne!(samples(Distribution::Mixture { d: d(3) }, 10, 2), one);
    }

    /// Means and covariances of two columns.
    fn moments(samples: &[f64]) -> ([f64; 2], [f64; 3]) {
        let (rows, _) = samples.as_chunks::<2>();
        let mean =
            |of: &dyn Fn(&[f64; 2]) -> f64| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
        let means = [mean(&|row| row[0]), mean(&|row| row[1])];
        let moment = |a: usize, b: usize| mean(&|row| (row[a] - means[a]) * (row[b] - means[b]));
        (means, [moment(0, 0), moment(0, 1), moment(1, 1)])
    }

    #[test]
    fn samples_have_the_moments_of_their_distribution() {
        let n = 40_000;
        let check = |distribution: Distribution, means: [f64; 2], covariance: [f64; 3]| {
            let (found_means, found_covariance) = moments(&samples(distribution.clone(), n, 5));
            let found = found_means.iter().chain(&found_covariance);
            for (found, expected) in found.zip(means.iter().chain(&covariance)) {
                // No standard error here exceeds 3.5/√n.
                assert!(
                    (found - expected).abs() < 5.0 * 3.5 / (n as f64).sqrt(),
                    "{distribution:?}"
                );
            }
        };
        check(gauss(Covariance::identity(d(2))), [0.0; 2], [1.0, 0.0, 1.0]);
        let correlated = Covariance::equicorrelated(-0.7, d(2)).unwrap();
        check(gauss(correlated), [0.0; 2], [1.0, -0.7, 1.0]);
        let matrix = Covariance::from_matrix(&[2.0, 0.5, 0.5, 1.0], d(2)).unwrap();
        check(gauss(matrix), [0.0; 2], [2.0, 0.5, 1.0]);
        // 2/3·1 + 1/3·0.16 inside the blobs, 2/9·4 between them.
        let (inside, between) = ((2.0 + 0.16) / 3.0, 8.0 / 9.0);
        let variance = inside + between;
        check(Distribution::Mixture { d: d(2) }, [2.0 / 3.0; 2], [variance, between, variance]);
        check(Distribution::Uniform { d: d(2) }, [0.5; 2], [1.0 / 12.0, 0.0, 1.0 / 12.0]);
    }

    #[test]
    fn an_error_of_the_sink_ends_the_making() {
        let n = NonZeroU64::MAX;
        let recipe = Recipe::new(Distribution::Uniform { d: d(1) }, n, 0).unwrap();
        assert_eq!(recipe.each_row(|_| Err("full")), Err("full"));
    }

    #[test]
    fn a_sample_too_large_for_memory_is_refused() {
        let wide = Distribution::Uniform { d: d(usize::MAX) };
        assert!(Recipe::new(wide, NonZeroU64::MIN, 0).is_err());
    }
}
