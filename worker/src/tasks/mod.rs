//! The tasks that ship with the worker.

pub mod density;
