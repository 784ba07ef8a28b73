//! From what was measured to tracks.

use super::{Group, Phase, Place, Slice, Track, What};
use crate::bench::{Backend, Job, MAX_JOBS, Round, Worker};

/// Begin and end of a part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseTime {
    /// Which part.
    pub phase: Phase,
    /// When it began.
    pub start_ns: u64,
    /// When it ended.
    pub end_ns: u64,
}

/// One run, as it was measured.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What was run.
    pub name: &'a str,
    /// Who ran the jobs.
    pub backend: Backend,
    /// The coordinator's process id.
    pub coordinator: u32,
    /// What the coordinator did, one after another.
    pub phases: &'a [PhaseTime],
    /// The workers that are known, also of jobs that are not.
    pub workers: &'a [Worker],
    /// Numbers of the workers that did not live to the end.
    pub lost: &'a [u32],
    /// The jobs, in any order.
    pub jobs: &'a [Job],
    /// Whether there were no others. If there were, nobody can be said to have waited after the
    /// last of these.
    pub has_all_jobs: bool,
}

impl Run<'_> {
    /// The tracks of it.
    #[must_use]
    pub fn group(&self) -> Group {
        let tracks = match self.backend {
            Backend::Serial => vec![self.coordinator_with_jobs()],
            Backend::Threads | Backend::Processes => {
                let workers = self.numbers().into_iter().map(|number| self.worker(number));
                std::iter::once(self.coordinator()).chain(workers).collect()
            }
        };
        Group { name: self.name.to_owned(), tracks }
    }

    fn coordinator(&self) -> Track {
        let slices = self.phases.iter().filter_map(PhaseTime::slice).collect();
        Track::new("coordinator", Place::Process(Some(self.coordinator)), slices)
    }

    /// The coordinator runs the jobs itself: they are the work, and between them it merges.
    fn coordinator_with_jobs(&self) -> Track {
        let others = self.phases.iter().filter(|time| time.phase != Phase::Work);
        let jobs = self.jobs.iter().filter(|job| has_run(job)).map(job_slice);
        let slices = others.filter_map(PhaseTime::slice).chain(jobs).collect();
        let track = Track::new("coordinator", Place::Process(Some(self.coordinator)), slices);
        let merging = What::Phase(Phase::Collect);
        let work = self.phases.iter().find(|time| time.phase == Phase::Work);
        let last_ns = self.jobs.iter().map(|job| job.finished_ns).max().unwrap_or(0);
        match work {
            Some(work) if self.has_all_jobs => track.filled(work.start_ns, work.end_ns, &merging),
            Some(work) => track.filled(work.start_ns, last_ns, &merging),
            None => track,
        }
    }

    /// Numbers of all workers, ascending.
    fn numbers(&self) -> Vec<u32> {
        let with_jobs = self.jobs.iter().filter(|job| has_run(job)).map(|job| job.worker);
        let mut numbers: Vec<u32> =
            self.workers.iter().map(|worker| worker.worker).chain(with_jobs).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn worker(&self, number: u32) -> Track {
        let known = self.workers.iter().find(|worker| worker.worker == number);
        let jobs = self.jobs.iter().filter(|job| has_run(job) && job.worker == number);
        let jobs: Vec<Slice> = jobs.map(job_slice).collect();
        let begin_ns = self.phases.first().map_or(0, |first| first.start_ns);
        let ready_ns = known.and_then(|worker| worker.ready_ns).map(|ready| ready.max(begin_ns));
        let ready_ns = ready_ns.unwrap_or_else(|| self.dispatch_ns());
        let last_ns = jobs.iter().map(|slice| slice.end_ns).max().unwrap_or(ready_ns);
        let (leaves_ns, gone_ns) = match self.phases.last() {
            // When it died is not known; it lived at least until here.
            _ if self.lost.contains(&number) => (last_ns, last_ns),
            Some(last) if last.phase == Phase::Stop => (last.start_ns, last.end_ns),
            Some(last) => (last.end_ns, last.end_ns),
            None => (ready_ns, ready_ns),
        };

        let stop = PhaseTime { phase: Phase::Stop, start_ns: leaves_ns, end_ns: gone_ns };
        let slices = self.starting(known, begin_ns).into_iter().chain([stop]);
        let slices = slices.filter_map(|time| time.slice()).chain(jobs).collect();
        let place = match self.backend {
            Backend::Processes => Place::Process(known.and_then(|worker| worker.pid)),
            Backend::Serial | Backend::Threads => Place::Thread(number),
        };
        let track = Track::new(format!("worker {number}"), place, slices);
        let known_ns = if self.has_all_jobs { leaves_ns } else { last_ns };
        track.filled(ready_ns, known_ns, &What::Idle)
    }

    /// When the first job could have begun.
    fn dispatch_ns(&self) -> u64 {
        let dispatch = self.phases.iter().find(|time| time.phase == Phase::Dispatch);
        dispatch.or_else(|| self.phases.first()).map_or(0, |time| time.start_ns)
    }

    /// What a worker process did before it was ready, within this run.
    fn starting(&self, known: Option<&Worker>, begin_ns: u64) -> Vec<PhaseTime> {
        let times = known.and_then(|worker| worker.launched_ns.zip(worker.ready_ns));
        let Some((launched_ns, ready_ns)) = times else { return Vec::new() };
        let launched_ns = launched_ns.max(begin_ns);
        let handshake =
            PhaseTime { phase: Phase::Handshake, start_ns: launched_ns, end_ns: ready_ns };
        let start = self.phases.iter().find(|time| time.phase == Phase::Start);
        // A worker that took a dead one's place was not started with the others.
        let start = start.filter(|start| launched_ns <= start.end_ns);
        let start = start.map(|start| PhaseTime { end_ns: launched_ns, ..*start });
        start.into_iter().chain([handshake]).collect()
    }
}

impl PhaseTime {
    /// Nothing for a part that took no time.
    fn slice(&self) -> Option<Slice> {
        let Self { phase, start_ns, end_ns } = *self;
        (start_ns < end_ns).then_some(Slice { what: What::Phase(phase), start_ns, end_ns })
    }
}

/// A job that was given up with its worker has no times.
fn has_run(job: &Job) -> bool {
    job.started_ns != 0
}

fn job_slice(job: &Job) -> Slice {
    let (start_ns, end_ns) = (job.started_ns, job.finished_ns);
    Slice { what: What::Jobs(vec![*job]), start_ns, end_ns }
}

/// A round of a benchmark, run by the coordinator of this process id.
#[must_use]
pub fn of_round(name: &str, round: &Round, coordinator: u32) -> Group {
    let parts = round.parts;
    let mut at_ns = round.started_ns;
    let phases = [
        (Phase::Start, parts.start_ns),
        (Phase::Share, parts.share_ns),
        (Phase::Dispatch, parts.dispatch_ns),
        (Phase::Work, parts.work_ns),
        (Phase::Collect, parts.collect_ns),
        (Phase::Stop, parts.stop_ns),
    ]
    .map(|(phase, length_ns)| {
        let start_ns = at_ns;
        at_ns += length_ns;
        PhaseTime { phase, start_ns, end_ns: at_ns }
    });
    let mut workers = round.workers.clone();
    if round.case.backend == Backend::Threads {
        // One may have had no job, but it was there.
        let known: Vec<u32> = workers.iter().map(|worker| worker.worker).collect();
        let idle = (0..round.case.workers).filter(|worker| !known.contains(worker));
        workers.extend(idle.map(|worker| Worker { worker, ..Worker::default() }));
    }
    let run = Run {
        name,
        backend: round.case.backend,
        coordinator,
        phases: &phases,
        workers: &workers,
        lost: &[],
        jobs: &round.jobs,
        has_all_jobs: round.jobs.len() < MAX_JOBS,
    };
    run.group()
}

#[cfg(test)]
mod tests;
