//! Worker processes.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use parzen_worker::tasks::density::{DensityTile, Tile};

use super::{Completed, Error, Executor, JobError, Work, window::Window};
use crate::pool::{self, Pool, Usage};

/// Time that running jobs have when the estimate is stopped.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Runs jobs in the worker processes of a pool.
#[derive(Debug)]
pub struct Processes {
    pool: Pool,
}

impl Processes {
    /// The workers of `pool`, which must know [`DensityTile`].
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The pool, for whoever wants to know its processes.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

impl Executor for Processes {
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let stopper = self.pool.stopper();
        let _on_stop = work.stop.on_raise(move |_| stopper.stop(STOP_GRACE));
        let gate = RefCell::new(Gate::new(work, todo));
        let inputs = std::iter::from_fn(|| gate.borrow_mut().next());
        let results = self.pool.stream::<DensityTile, _>(inputs).map_err(pool_error)?;
        for completed in results {
            let Some(job) = gate.borrow_mut().job_of(completed.index) else {
                debug_assert!(false, "a result for input {}", completed.index);
                continue;
            };
            let outcome = match completed.result {
                Ok(partial) => Ok(partial),
                Err(error) if error.is_cancelled() => {
                    gate.borrow_mut().was_stopped = true;
                    continue;
                }
                Err(error) if error.start_error().is_some() => return Err(pool_error(error)),
                Err(error) => Err(job_error(error)),
            };
            let (started_ns, finished_ns) = (completed.started_ns, completed.finished_ns);
            let worker = completed.worker.unwrap_or_default();
            sink(Completed { job, outcome, worker, started_ns, finished_ns })?;
            gate.borrow_mut().window.finish(job);
        }
        if gate.borrow_mut().has_left_any() { Err(Error::Stopped) } else { Ok(()) }
    }

    fn workers(&self) -> u32 {
        self.pool.workers()
    }

    fn usage(&self) -> Option<Usage> {
        Some(self.pool.usage())
    }
}

fn pool_error(error: pool::Error) -> Error {
    Error::Pool(Box::new(error))
}

fn job_error(error: pool::Error) -> JobError {
    match error.task_error() {
        Some(error) => JobError::Task(error.clone()),
        None => JobError::Pool(Box::new(error)),
    }
}

/// Gives the pool the jobs it may begin.
struct Gate<'a> {
    work: Work<'a>,
    todo: &'a mut (dyn Iterator<Item = u64> + Send),
    /// Taken from `todo`, but too far ahead as yet.
    held_back: Option<u64>,
    window: Window,
    /// Jobs by their number as inputs of the pool.
    jobs: BTreeMap<u64, u64>,
    next_index: u64,
    was_stopped: bool,
}

impl<'a> Gate<'a> {
    fn new(work: Work<'a>, todo: &'a mut (dyn Iterator<Item = u64> + Send)) -> Self {
        let (window, jobs) = (Window::new(work.window), BTreeMap::new());
        Self { work, todo, held_back: None, window, jobs, next_index: 0, was_stopped: false }
    }

    /// The next job as an input, if one may be begun now.
    fn next(&mut self) -> Option<Tile> {
        let job = self.held_back.take().or_else(|| self.todo.next())?;
        if self.work.stop.is_raised() || !self.window.begin(job) {
            self.held_back = Some(job);
            return None;
        }
        self.jobs.insert(self.next_index, job);
        self.next_index += 1;
        let Work { inputs, method, plan, .. } = self.work;
        Some(Tile { inputs: inputs.clone(), method, part: plan.part(job) })
    }

    /// Which job was input `index`. It is asked once.
    fn job_of(&mut self, index: u64) -> Option<u64> {
        self.jobs.remove(&index)
    }

    /// Whether jobs were not run because of a stop.
    fn has_left_any(&mut self) -> bool {
        self.was_stopped || self.held_back.is_some() || self.todo.next().is_some()
    }
}
