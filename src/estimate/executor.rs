//! What every backend must do.

use std::{
    error,
    num::NonZeroU64,
    panic::{AssertUnwindSafe, catch_unwind},
};

use parzen_worker::{
    TaskError,
    clock::now_ns,
    tasks::density::{Inputs, Method, Opened, Partial, compute},
};

use super::{Error, Plan, Stop};
use crate::pool::Usage;

/// A job that has been run.
#[derive(Debug)]
pub struct Completed {
    /// Its number in the [`Plan`].
    pub job: u64,
    /// What it gave, or why it never will. The others go on.
    pub outcome: Result<Partial, JobError>,
    /// Who ran it: a worker process's number, a thread's index, or 0.
    pub worker: u32,
    /// When it began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
    /// When it ended.
    pub finished_ns: u64,
}

/// Why one job failed for good.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The job says so itself.
    #[error("{0}")]
    Task(TaskError),
    /// It panicked in this process.
    #[error("panicked: {0}")]
    Panicked(String),
    /// The pool gave it up: it crashed too many workers, or ran too long.
    #[error(transparent)]
    Pool(Box<dyn error::Error + Send + Sync>),
}

/// Everything an executor needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// What the jobs read.
    pub inputs: &'a Inputs,
    /// How they count.
    pub method: Method,
    /// The jobs.
    pub plan: &'a Plan,
    /// Raised when no more jobs should be begun.
    pub stop: &'a Stop,
    /// No job may be begun whose number is the oldest unfinished job's plus this, or more: what is
    /// finished out of order waits in memory. A job is finished when the sink has it.
    pub window: NonZeroU64,
}

impl Work<'_> {
    /// Runs job `job` here and now, as worker `worker`. A panic is the job's own failure.
    pub(super) fn run_here(&self, opened: &Opened, job: u64, worker: u32) -> Completed {
        let started_ns = now_ns();
        let part = self.plan.part(job);
        // What a panic could leave half done is dropped with it: the inputs are only read.
        let run = AssertUnwindSafe(|| compute(opened, self.method, &part));
        let outcome = match catch_unwind(run) {
            Ok(outcome) => outcome.map_err(JobError::Task),
            Err(panic) => Err(JobError::Panicked(message_of(panic.as_ref()).to_owned())),
        };
        Completed { job, outcome, worker, started_ns, finished_ns: now_ns() }
    }
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref().copied()).unwrap_or("no message")
}

/// A backend: runs jobs, each once, in any order.
pub trait Executor {
    /// Runs every job in `todo`, whose numbers ascend, and calls `sink` on this thread once for
    /// each, in completion order. Jobs are taken from `todo` only as they can be run, and only
    /// within `work.window`, so it may be endless in effect.
    ///
    /// # Errors
    ///
    /// Ends at the first error, its own or `sink`'s. A job that fails is not one: it goes to the
    /// sink. [`Error::Stopped`] if `work.stop` is raised before all is done.
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Workers it uses.
    fn workers(&self) -> u32;

    /// What its worker processes have used so far; `None` if it has none.
    fn usage(&self) -> Option<Usage> {
        None
    }
}
