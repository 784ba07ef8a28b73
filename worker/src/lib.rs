//! What runs inside a worker process.
//!
//! A worker is a program that calls [`serve`](mod@serve) with a [`Registry`] of named tasks.
//! The coordinator (package `parzen`) starts such programs and sends them jobs; a name and bytes
//! cross the wire, never a function pointer.
//!
//! Reading order: [`task`] says what a task is, [`registry`] finds one by name,
//! [`serve`](mod@serve) runs them, [`protocol`] is what crosses the wire; [`shared`] and
//! [`samples`] are memory that all workers read in place; [`kernel`] is the mathematics and
//! [`tasks`] are the tasks that ship.

pub mod task;

pub mod registry;

pub mod panic;

pub mod serve;

pub mod startup;

pub mod protocol;

pub mod beacon;

pub mod clock;

mod mapping;
pub mod shared;

pub mod samples;

pub mod kernel;

pub mod tasks;

pub use registry::Registry;
pub use serve::serve;
pub use task::{Context, Task, TaskError};
