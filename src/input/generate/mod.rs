//! Samples made to order: a distribution, a number and a seed.
//!
//! The same seed gives the same numbers on every machine, for one version of this program: the
//! generator is ChaCha with 12 rounds, and everything else is arithmetic that IEEE 754 fixes. The
//! one exception is a normal number beyond 3.65 standard deviations, one in 4000, which is the
//! logarithm of something, and whose last bit may depend on the C library.

mod covariance;
pub use covariance::{Covariance, CovarianceError};

mod recipe;
pub use recipe::{Distribution, Recipe, RecipeError};

mod write;
pub use write::{write_npy, write_text};
