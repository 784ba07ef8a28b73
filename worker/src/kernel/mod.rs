//! The mathematics: kernels and their hot loops. Knows nothing of processes.
//!
//! Samples and points come as rows of d numbers, one after the other, all of them finite.

pub mod hypercube;

mod block;
mod width;

pub use width::{Width, WidthError};
