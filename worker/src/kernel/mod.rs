//! The mathematics: kernels and their hot loops. Knows nothing of processes.

pub mod hypercube;

mod width;

pub use width::{Width, WidthError};
