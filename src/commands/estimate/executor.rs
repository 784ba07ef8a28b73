//! Finds the executor of a backend.

use std::num::NonZeroU32;

use super::{Backend, Error, ProcessSettings, Request};
use crate::{
    commands::Control,
    estimate::{self, Completed, Executor, Processes, Serial, Threads, Work},
    pool::{Pool, WorkerProgram},
};

/// Starts the workers that `request` asks for, enough for `n_jobs` jobs; none for none.
pub(super) fn start(
    request: &Request,
    n_jobs: u64,
    control: &Control,
) -> Result<Box<dyn Executor>, Error> {
    let workers = request.workers.for_jobs(n_jobs);
    match request.backend {
        _ if n_jobs == 0 => Ok(Box::new(Nobody)),
        Backend::Serial => Ok(Box::new(Serial)),
        Backend::Threads => Ok(Box::new(Threads::new(workers))),
        Backend::Processes => start_processes(&request.processes, workers, control),
    }
}

/// Starts worker processes, which end when `control` says so.
fn start_processes(
    settings: &ProcessSettings,
    workers: NonZeroU32,
    control: &Control,
) -> Result<Box<dyn Executor>, Error> {
    let program = settings.worker_program.clone();
    let builder = Pool::builder()
        .workers(workers.get())
        .worker_program(program.map_or(WorkerProgram::Find, WorkerProgram::Path))
        .start_timeout(settings.start_timeout)
        .job_timeout(settings.job_timeout)
        .max_crashes(settings.max_crashes)
        .chaos(settings.chaos);
    Ok(Box::new(Processes::start(builder, &control.stop, &control.kill)?))
}

/// Who runs no jobs.
struct Nobody;

impl Executor for Nobody {
    fn run(
        &mut self,
        _: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        _: &mut dyn FnMut(Completed) -> Result<(), estimate::Error>,
    ) -> Result<(), estimate::Error> {
        debug_assert_eq!(todo.next(), None);
        Ok(())
    }

    fn workers(&self) -> u32 {
        0
    }
}
