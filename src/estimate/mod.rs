//! Densities at points, for many widths: plan, executors, merge.
//!
//! [`Plan`] cuts the work into jobs from the data's shape alone. An [`Executor`] runs jobs in any
//! order, anywhere. [`run()`] merges their partials in chunk order and emits each tagged density as
//! soon as it is complete, so every executor gives the same bits. [`resume()`] does the same with a
//! [`Journal`], which keeps finished partials for the next time.

mod plan;
pub use plan::{Block, MAX_PARTIAL, Plan, Shape};

mod merge;
pub use merge::Mismatch;

mod density;
pub use density::{Density, Volume};

mod by_width;
pub use by_width::ByWidth;

mod stop;
pub use stop::{Reason, Registration, Stop};

mod executor;
pub use executor::{Completed, Executor, JobError, Work};

mod window;

mod serial;
pub use serial::Serial;

mod threads;
pub use threads::Threads;

mod processes;
pub use processes::Processes;

mod observed;
pub use observed::Observed;

mod prepared;
pub use prepared::Prepared;

mod run;
pub use run::{Problem, Summary, resume, run};

mod journal;
pub use journal::{Journal, JournalError, JournalFile};

mod error;
pub use error::Error;
