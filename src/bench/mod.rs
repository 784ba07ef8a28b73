//! Serial, threads and processes, measured side by side on the same jobs.

mod record;
pub use record::{Backend, Case, Job, Machine, Parts, PoolState, Round, Sharing, Traffic, Worker};
