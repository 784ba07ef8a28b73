//! Parzen-window density estimation in separate worker processes.

pub mod bench;

pub mod cli;

pub mod commands;

pub mod estimate;

pub mod input;

#[cfg(feature = "plot")]
pub mod plot;

pub mod pool;
