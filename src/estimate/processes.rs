//! Worker processes.

use std::{cell::RefCell, collections::BTreeMap, io, mem, sync::Arc, time::Duration};

use parzen_worker::{
    samples::Source,
    shared::Segment,
    tasks::density::{DensityTile, Inputs, Tile},
};

use super::{Completed, Error, Executor, JobError, Stop, Work, window::Window};
use crate::pool::{self, Builder, Pool, StartError, Stopper, Usage};

/// Time that running jobs have when the estimate is stopped.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Runs jobs in the worker processes of a pool.
#[derive(Debug)]
pub struct Processes {
    pool: Pool,
    copied: Option<Arc<[f64]>>,
}

impl Processes {
    /// The workers of `pool`, which must know [`DensityTile`].
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool, copied: None }
    }

    /// Starts the pool that `builder` describes. When `stop` is raised, workers that start are
    /// killed and the others leave; when `kill` is raised, all of them are killed. This takes the
    /// place of what `builder` does [`on_launch`](Builder::on_launch).
    ///
    /// # Errors
    ///
    /// As [`Builder::start`]; [`StartError::Stopped`] if it was one of these.
    pub fn start(builder: Builder, stop: &Stop, kill: &Stop) -> Result<Self, StartError> {
        let (stop, kill) = (stop.clone(), kill.clone());
        let on_launch = move |stopper: Stopper| {
            let on_kill = kill.kills(stopper.clone());
            (on_kill, stop.on_raise(move |_| stopper.stop(STOP_GRACE)))
        };
        builder.on_launch(on_launch).start().map(Self::new)
    }

    /// Has `samples`, all rows one after another, copied anew for every job, as the notebook has
    /// them sent with every job. Only good for showing what that costs.
    #[must_use]
    pub fn copying_per_job(self, samples: Arc<[f64]>) -> Self {
        Self { copied: Some(samples), ..self }
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
        let gate = RefCell::new(Gate::new(work, todo, self.copied.as_deref()));
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
            gate.borrow_mut().finish(job);
        }
        if let Some(error) = mem::take(&mut gate.borrow_mut().copy_error) {
            return Err(Error::Share(error));
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
    /// What is copied for each job, if anything is.
    copied: Option<&'a [f64]>,
    /// The copies of jobs in flight.
    copies: BTreeMap<u64, Segment>,
    copy_error: Option<io::Error>,
}

impl<'a> Gate<'a> {
    fn new(
        work: Work<'a>,
        todo: &'a mut (dyn Iterator<Item = u64> + Send),
        copied: Option<&'a [f64]>,
    ) -> Self {
        Self {
            work,
            todo,
            held_back: None,
            window: Window::new(work.window),
            jobs: BTreeMap::new(),
            next_index: 0,
            was_stopped: false,
            copied,
            copies: BTreeMap::new(),
            copy_error: None,
        }
    }

    /// The next job as an input, if one may be begun now.
    fn next(&mut self) -> Option<Tile> {
        let job = self.held_back.take().or_else(|| self.todo.next())?;
        if self.work.stop.is_raised() || !self.window.begin(job) {
            self.held_back = Some(job);
            return None;
        }
        let inputs = match self.inputs(job) {
            Ok(inputs) => inputs,
            Err(error) => {
                self.held_back = Some(job);
                self.copy_error = Some(error);
                return None;
            }
        };
        self.jobs.insert(self.next_index, job);
        self.next_index += 1;
        let Work { method, plan, .. } = self.work;
        Some(Tile { inputs, method, part: plan.part(job) })
    }

    /// What `job` reads.
    fn inputs(&mut self, job: u64) -> io::Result<Inputs> {
        let mut inputs = self.work.inputs.clone();
        if let Some(samples) = self.copied {
            let segment = Segment::from_bytes(bytemuck::cast_slice(samples))?;
            let Source { n, d, .. } = inputs.samples;
            inputs.samples = Source::in_segment(segment.reference(), n, d);
            self.copies.insert(job, segment);
        }
        Ok(inputs)
    }

    /// Says that the sink has `job`.
    fn finish(&mut self, job: u64) {
        self.window.finish(job);
        self.copies.remove(&job);
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
