//! Parzen-window density estimation in separate worker processes.

pub mod estimate;
pub mod input;
pub mod pool;
