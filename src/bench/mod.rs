//! Serial, threads and processes, measured side by side on the same jobs.

mod record;
pub use record::{Backend, Case, Job, Machine, Parts, PoolState, Round, Sharing, Traffic, Worker};

mod plan;
pub use plan::{Decision, Plan, Repetition, Turn, Verdict};

pub mod stats;

mod busy;
pub use busy::Meter;

mod machine;

mod cgroup;
