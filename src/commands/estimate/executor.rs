//! Finds the executor of a backend.

use std::num::NonZeroU32;

use super::{Backend, Error, ProcessSettings, Request};
use crate::{
    commands::Control,
    estimate::{self, Completed, Executor, Processes, Registration, Serial, Threads, Work},
    pool::{Pool, Usage, WorkerProgram},
};

/// Starts the workers that `request` asks for, enough for `n_jobs` jobs.
pub(super) fn start(
    request: &Request,
    n_jobs: u64,
    control: &Control,
) -> Result<Box<dyn Executor>, Error> {
    let workers = request.workers.for_jobs(n_jobs);
    match request.backend {
        Backend::Serial => Ok(Box::new(Serial)),
        Backend::Threads => Ok(Box::new(Threads::new(workers))),
        Backend::Processes => start_processes(&request.processes, workers, control),
    }
}

/// Starts worker processes, which are killed when `control.kill` is raised.
fn start_processes(
    settings: &ProcessSettings,
    workers: NonZeroU32,
    control: &Control,
) -> Result<Box<dyn Executor>, Error> {
    let program = settings.worker_program.clone();
    let launch = Pool::builder()
        .workers(workers.get())
        .worker_program(program.map_or(WorkerProgram::Find, WorkerProgram::Path))
        .start_timeout(settings.start_timeout)
        .job_timeout(settings.job_timeout)
        .max_crashes(settings.max_crashes)
        .launch()
        .map_err(Error::Start)?;
    let stopper = launch.stopper();
    let on_kill = control.kill.on_raise(move |_| {
        stopper.kill();
        stopper.wait();
    });
    let pool = launch.ready().map_err(Error::Start)?;
    Ok(Box::new(Guarded { executor: Processes::new(pool), _on_kill: on_kill }))
}

/// Worker processes that do not outlive the program, however it ends.
struct Guarded {
    executor: Processes,
    _on_kill: Registration,
}

impl Executor for Guarded {
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), estimate::Error>,
    ) -> Result<(), estimate::Error> {
        self.executor.run(work, todo, sink)
    }

    fn workers(&self) -> u32 {
        self.executor.workers()
    }

    fn usage(&self) -> Option<Usage> {
        self.executor.usage()
    }
}
