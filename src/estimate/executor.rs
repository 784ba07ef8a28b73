//! What every backend must do.

use parzen_worker::tasks::density::{Inputs, Method, Partial};

use super::{Error, Plan, Stop};

/// A finished job.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    /// Its number in the [`Plan`].
    pub job: u64,
    /// What it gave.
    pub partial: Partial,
    /// Who ran it: a worker process's number, a thread's index, or 0.
    pub worker: u32,
    /// When it began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
    /// When it ended.
    pub finished_ns: u64,
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
}

/// A backend: runs jobs, each once, in any order.
pub trait Executor {
    /// Runs every job in `todo`, and calls `sink` on this thread once for each, in completion
    /// order. Jobs are taken from `todo` only as they can be run, so it may be endless in effect.
    ///
    /// # Errors
    ///
    /// Ends at the first error, its own or `sink`'s. [`Error::Stopped`] if `work.stop` is raised
    /// before all is done.
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Workers it uses.
    fn workers(&self) -> u32;
}
