//! Parzen-window density estimation in separate worker processes.

pub mod bench;

pub mod cli;

pub mod commands;

pub mod estimate;

pub mod input;

pub mod pool;

pub mod report;
