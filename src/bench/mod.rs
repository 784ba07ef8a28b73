//! Serial, threads and processes, measured side by side on the same jobs.

mod record;
pub use record::{
    Backend, Case, Job, MAX_DEVIATION, MAX_JOBS, Machine, Parts, PoolState, Round, Sharing,
    Traffic, Worker,
};

mod plan;
pub use plan::{Decision, Plan, Repetition, Turn, Verdict};

pub mod stats;

mod busy;
pub use busy::Meter;

mod machine;

mod subject;
pub use subject::{Outline, Subject};

mod session;
pub use session::{Error, Progress, Repeated, Runner, Session, Settings, measure};

mod recorder;

mod run;
pub use run::Local;

mod summary;
pub use summary::{Benchmark, CaseSummary, Measurement, Scaling};

mod sweep;
pub use sweep::{Axis, BreakEven, Crossing, NEAR, Sweep, SweepError, SweepSpec};
