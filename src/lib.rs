//! Parzen-window density estimation in separate worker processes.

pub mod pool;
