//! Writing down who ran which job when.

use parzen_worker::clock;

use super::{Job, record::MAX_JOBS};
use crate::estimate::{Completed, Error, Executor, Plan, Prepared, Work};

/// An executor that notes when each job ran, and how long merging its partial took.
pub(super) struct Recorder<'a> {
    executor: &'a mut dyn Executor,
    log: &'a mut Log,
}

/// What was noted.
#[derive(Debug, Default)]
pub(super) struct Log {
    jobs: Vec<Ran>,
    n_jobs: u64,
    pub(super) first_ns: Option<u64>,
    pub(super) last_ns: Option<u64>,
    pub(super) merge_ns: u64,
    /// Time in jobs, by worker.
    pub(super) compute_ns: Vec<(u32, u64)>,
    latest: Option<Ran>,
}

/// A job, who ran it, when it began and ended.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ran {
    job: u64,
    worker: u32,
    started_ns: u64,
    finished_ns: u64,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(executor: &'a mut dyn Executor, log: &'a mut Log) -> Self {
        Self { executor, log }
    }
}

impl Executor for Recorder<'_> {
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let log = &mut *self.log;
        self.executor.run(work, todo, &mut |completed| {
            log.note(&completed);
            let before_ns = clock::now_ns();
            let result = sink(completed);
            log.merge_ns += clock::now_ns().saturating_sub(before_ns);
            result
        })
    }

    fn workers(&self) -> u32 {
        self.executor.workers()
    }
}

impl Log {
    /// Makes room for so many jobs, before the clock runs.
    pub(super) fn with_room(n_jobs: u64) -> Self {
        let room = usize::try_from(n_jobs).unwrap_or(MAX_JOBS).min(MAX_JOBS);
        Self { jobs: Vec::with_capacity(room), ..Self::default() }
    }

    fn note(&mut self, completed: &Completed) {
        let &Completed { job, worker, started_ns, finished_ns, .. } = completed;
        // A job that failed without having been run has no times.
        if finished_ns == 0 {
            return;
        }
        let ran = Ran { job, worker, started_ns, finished_ns };
        self.n_jobs += 1;
        self.first_ns = Some(self.first_ns.map_or(started_ns, |first| first.min(started_ns)));
        self.last_ns = Some(self.last_ns.map_or(finished_ns, |last| last.max(finished_ns)));
        // Jobs that shared a message have the times of all of them: they count once.
        let shares_message = self.latest.is_some_and(|latest| latest.shares_message(&ran));
        if !shares_message {
            let took_ns = finished_ns.saturating_sub(started_ns);
            match self.compute_ns.iter_mut().find(|(known, _)| *known == worker) {
                Some((_, sum)) => *sum += took_ns,
                None => self.compute_ns.push((worker, took_ns)),
            }
        }
        self.latest = Some(ran);
        if self.jobs.len() < MAX_JOBS {
            self.jobs.push(ran);
        }
    }

    /// The jobs as they are reported.
    pub(super) fn jobs(&self, plan: &Plan, prepared: &Prepared) -> Vec<Job> {
        let widths = prepared.widths();
        let job = |ran: &Ran| {
            let part = plan.part(ran.job);
            let of = |idx: usize| widths.get(idx).copied().unwrap_or_default();
            Job {
                job: ran.job,
                worker: ran.worker,
                started_ns: ran.started_ns,
                finished_ns: ran.finished_ns,
                rows: (part.rows.start as u64, part.rows.len() as u64),
                widths: (of(part.widths.end.saturating_sub(1)), of(part.widths.start)),
                points: part.points.len() as u64,
            }
        };
        self.jobs.iter().map(job).collect()
    }
}

impl Ran {
    fn shares_message(&self, other: &Self) -> bool {
        (self.worker, self.started_ns, self.finished_ns)
            == (other.worker, other.started_ns, other.finished_ns)
    }
}

#[cfg(test)]
mod tests {
    use parzen_worker::tasks::density::Partial;

    use super::*;

    #[test]
    fn jobs_that_share_a_message_count_once() {
        let mut log = Log::with_room(4);
        for (job, worker, started_ns, finished_ns) in
            [(0, 1, 10, 30), (1, 1, 10, 30), (2, 0, 5, 25), (3, 1, 30, 31), (4, 0, 0, 0)]
        {
            let outcome = Ok(Partial::NotFinite);
            log.note(&Completed { job, outcome, worker, started_ns, finished_ns });
        }
        assert_eq!(log.compute_ns, [(1, 21), (0, 20)]);
        assert_eq!((log.first_ns, log.last_ns, log.n_jobs), (Some(5), Some(31), 4));
        assert_eq!(log.jobs.len(), 4);
    }
}
