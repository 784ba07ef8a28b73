//! Parzen-window density estimation in separate worker processes.

pub mod bench;

pub mod cli;

pub mod commands;

pub mod demo;

pub mod estimate;

pub mod input;

mod number;

#[cfg(feature = "plot")]
pub mod plot;

pub mod pool;

pub mod report;

mod atomic_file;

mod cgroup;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
