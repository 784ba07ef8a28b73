//! Densities at points, for many widths: plan, executors, merge.
//!
//! [`Plan`] cuts the work into jobs from the data's shape alone. An [`Executor`] runs jobs in any
//! order, anywhere. [`run`] merges their partials in chunk order and emits each tagged density as
//! soon as it is complete, so every executor gives the same bits.

mod plan;
pub use plan::{Plan, Shape};

mod merge;

mod density;
pub use density::{Density, Volume};

mod stop;
pub use stop::Stop;

mod executor;
pub use executor::{Completed, Executor};

mod serial;
pub use serial::Serial;

mod threads;
pub use threads::Threads;

mod run;
pub use run::{Error, Problem, Summary, run};
