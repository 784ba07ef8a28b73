//! Keeps who did what when.

use std::{collections::BTreeMap, process};

use super::Backend;
use crate::{
    bench::{self, Job, Worker},
    estimate::{Completed, Executor, Plan, Problem},
    pool::{Usage, WorkerUsage},
    report::timeline::{Group, Phase, PhaseTime, Run},
};

/// Everything that was seen of a run so far.
pub(super) struct Recorder<'a> {
    plan: Plan,
    widths: &'a [f64],
    jobs: Vec<Job>,
    /// The workers that were there when the first job was given out.
    first_workers: BTreeMap<u32, Worker>,
}

/// When one part of a run ended and the next began.
pub(super) struct Moments {
    pub(super) started_ns: u64,
    /// All input is read.
    pub(super) read_ns: u64,
    /// It is where workers can read it.
    pub(super) shared_ns: u64,
    /// All workers are ready.
    pub(super) ready_ns: u64,
    /// The last result is given.
    pub(super) done_ns: u64,
    /// All workers are gone.
    pub(super) stopped_ns: u64,
}

impl<'a> Recorder<'a> {
    /// Of `problem`, which `executor` is about to begin.
    pub(super) fn start(problem: &Problem<'a>, executor: &dyn Executor) -> Self {
        let (plan, widths) = (problem.plan(), problem.prepared.widths());
        let first_workers = match executor.usage() {
            Some(usage) => processes(&usage),
            None => threads(executor.workers()),
        };
        Self { plan, widths, jobs: Vec::new(), first_workers }
    }

    /// Keeps a finished job.
    pub(super) fn job(&mut self, completed: &Completed) {
        let part = self.plan.part(completed.job);
        let widths = &self.widths[part.widths];
        // Ascending, as the widths of a plan are.
        let (narrowest, widest) = (widths.first(), widths.last());
        self.jobs.push(Job {
            job: completed.job,
            worker: completed.worker,
            started_ns: completed.started_ns,
            finished_ns: completed.finished_ns,
            rows: (part.rows.start as u64, part.rows.len() as u64),
            widths: (widest.copied().unwrap_or(0.0), narrowest.copied().unwrap_or(0.0)),
            points: part.points.len() as u64,
        });
    }

    /// The timeline. `last_workers` are those that are there after the last job.
    pub(super) fn finish(
        self,
        backend: Backend,
        last_workers: Option<&Usage>,
        moments: &Moments,
    ) -> Group {
        let first = self.first_workers;
        let last = last_workers.map_or_else(|| first.clone(), processes);
        let is_lost = |number: &&u32| !last.contains_key(number);
        let lost: Vec<u32> = first.keys().filter(is_lost).copied().collect();
        let all: BTreeMap<u32, Worker> = first.into_iter().chain(last).collect();
        let workers: Vec<Worker> = all.into_values().collect();
        let name = format!("parzen estimate --backend {}", backend.name());
        let run = Run {
            name: &name,
            backend: backend.into(),
            coordinator: process::id(),
            phases: &phases(&self.jobs, moments),
            workers: &workers,
            lost: &lost,
            jobs: &self.jobs,
            has_all_jobs: true,
        };
        run.group()
    }
}

fn processes(usage: &Usage) -> BTreeMap<u32, Worker> {
    let worker = |used: &WorkerUsage| Worker {
        worker: used.worker,
        pid: Some(used.pid),
        launched_ns: Some(used.launched_ns),
        ready_ns: Some(used.ready_ns),
        ..Worker::default()
    };
    usage.workers.iter().map(|used| (used.worker, worker(used))).collect()
}

/// One may have no job, but it was there.
fn threads(n: u32) -> BTreeMap<u32, Worker> {
    (0..n).map(|worker| (worker, Worker { worker, ..Worker::default() })).collect()
}

fn phases(jobs: &[Job], moments: &Moments) -> [PhaseTime; 7] {
    let run = jobs.iter().filter(|job| job.started_ns != 0);
    let first_ns = run.clone().map(|job| job.started_ns).min().unwrap_or(moments.done_ns);
    let last_ns = run.map(|job| job.finished_ns).max().unwrap_or(moments.done_ns);
    let mut start_ns = moments.started_ns;
    [
        (Phase::Read, moments.read_ns),
        (Phase::Share, moments.shared_ns),
        (Phase::Start, moments.ready_ns),
        (Phase::Dispatch, first_ns),
        (Phase::Work, last_ns),
        (Phase::Collect, moments.done_ns),
        (Phase::Stop, moments.stopped_ns),
    ]
    .map(|(phase, end_ns)| {
        let time = PhaseTime { phase, start_ns, end_ns: end_ns.max(start_ns) };
        start_ns = time.end_ns;
        time
    })
}

impl From<Backend> for bench::Backend {
    fn from(backend: Backend) -> Self {
        match backend {
            Backend::Serial => Self::Serial,
            Backend::Threads => Self::Threads,
            Backend::Processes => Self::Processes,
        }
    }
}
