//! Parzen-window density estimation in separate worker processes.

pub mod bench;

pub mod cli;

pub mod commands;

pub mod estimate;

pub mod input;

pub mod pool;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
