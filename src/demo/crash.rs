//! A worker is killed in the middle of a map, and nothing is lost.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use parzen_worker::{clock, tasks::demo::Attempt};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::{
    Error, Stage, count,
    timeline::{self, Bar},
};
use crate::pool::{Batch, Event, JobSummary};

/// Jobs for each worker.
const JOBS_EACH: u32 = 8;

/// What each takes.
const TIME: Duration = Duration::from_millis(20);

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Crash {
    /// Process ids of the workers at first.
    pub pids_before: Vec<u32>,
    /// The one that was killed.
    pub killed_pid: u32,
    /// Process ids of the workers at the end.
    pub pids_after: Vec<u32>,
    /// Workers lost, as the pool counted.
    pub lost: u32,
    /// What followed from the loss, in order.
    pub events: Vec<Told>,
    /// Jobs that were charged with a crash.
    pub charged: Vec<u64>,
    /// Jobs that had waited at a lost worker, and went back uncharged.
    pub uncharged: Vec<u64>,
    /// Jobs that were begun a second time.
    pub run_again: Vec<u64>,
    /// Jobs, in the order in which they came back.
    pub arrived: Vec<u64>,
    /// Whether every job gave the right result, once.
    pub all_right: bool,
}

/// An event, in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Told {
    /// Since the jobs were handed in.
    pub at_ms: f64,
    /// What happened.
    pub what: String,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Crash, Error> {
    let workers = stage.workers_or(2);
    let jobs = u64::from(workers * JOBS_EACH);
    let log = Log::default();
    let settings = stage.settings().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let pool = settings.on_event(log.listener()).start()?;
    let pids_before = pool.pids();
    let killed_pid = pids_before.first().copied().unwrap_or_default();
    let number = count(workers, "worker", "workers");
    stage.say(format!("{jobs} jobs of {} ms for {number}:", TIME.as_millis()));
    stage.say(format!("  the workers are processes {pids_before:?}"));

    let started_ns = clock::now_ns();
    let mut work = Work::default();
    for completed in pool.stream::<Attempt, _>((0..jobs).map(|job| (job, TIME)))? {
        let (job, attempt) = completed.result?;
        work.all_right &= job == completed.index;
        work.add(job, attempt, completed.worker, completed.started_ns, completed.finished_ns);
        if work.arrived.len() == 2 * workers as usize {
            stage.say(format!(
                "  when {} jobs are done, process {killed_pid} gets SIGKILL",
                work.arrived.len()
            ));
            kill(killed_pid)?;
        }
    }
    pool.wait_ready()?;
    let (pids_after, lost) = (pool.pids(), pool.usage().lost);
    // Then all events have been told.
    pool.join()?;
    let Work { arrived, run_again, bars, mut all_right } = work;
    let mut sorted = arrived.clone();
    sorted.sort_unstable();
    all_right &= sorted.into_iter().eq(0..jobs);
    let (charged, uncharged) = (log.requeued(true), log.requeued(false));
    let events = log.told(started_ns);
    let found = Crash {
        pids_before,
        killed_pid,
        pids_after,
        lost,
        events,
        charged,
        uncharged,
        run_again,
        arrived,
        all_right,
    };
    tell(stage, &found, &bars);
    Ok(found)
}

/// What came back.
#[derive(Debug)]
struct Work {
    arrived: Vec<u64>,
    run_again: Vec<u64>,
    bars: Vec<Bar>,
    all_right: bool,
}

impl Default for Work {
    fn default() -> Self {
        Self { arrived: Vec::new(), run_again: Vec::new(), bars: Vec::new(), all_right: true }
    }
}

impl Work {
    fn add(
        &mut self,
        job: u64,
        attempt: u32,
        worker: Option<u32>,
        started_ns: u64,
        finished_ns: u64,
    ) {
        self.arrived.push(job);
        if 0 < attempt {
            self.run_again.push(job);
        }
        let label = char::from(b'a' + u8::try_from(job % 26).unwrap_or(0));
        let worker = worker.unwrap_or_default();
        self.bars.push(Bar { worker, label, started_ns, finished_ns });
    }
}

/// What a pool tells, and when.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(u64, Event)>>>);

impl Log {
    fn listener(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let log = Arc::clone(&self.0);
        move |event| {
            let mut events = log.lock().unwrap_or_else(PoisonError::into_inner);
            events.push((clock::now_ns(), event.clone()));
        }
    }

    fn events(&self) -> Vec<(u64, Event)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The jobs that went back to the queue, charged with their worker's end or not.
    fn requeued(&self, charges: bool) -> Vec<u64> {
        let requeued = |(_, event)| match event {
            Event::Requeued { job, charged } if charged == charges => Some(job.items.start),
            _ => None,
        };
        self.events().into_iter().filter_map(requeued).collect()
    }

    /// The first loss of a worker, and what followed from it.
    fn told(&self, since_ns: u64) -> Vec<Told> {
        let mut lost_jobs = Vec::new();
        let mut newcomers = Vec::new();
        let mut told = Vec::new();
        for (at_ns, event) in self.events() {
            let what = match event {
                Event::Lost { worker, death, charged } => Some(match charged {
                    Some(job) => {
                        format!("worker {worker} is lost: it {death}, running {}", name(&job))
                    }
                    None => format!("worker {worker} is lost: it {death}, running nothing"),
                }),
                Event::Requeued { job, charged } => {
                    lost_jobs.push(job.items.start);
                    let how = if charged { "charged with the crash" } else { "uncharged" };
                    Some(format!("{} goes back to the front of the queue, {how}", name(&job)))
                }
                Event::Started { worker, pid, replaces: Some(old) } => {
                    newcomers.push(worker);
                    Some(format!("process {pid} is started as worker {worker}, in place of {old}"))
                }
                Event::Ready { worker } if newcomers.contains(&worker) => {
                    Some(format!("worker {worker} is ready"))
                }
                Event::Assigned { worker, job, .. } if lost_jobs.contains(&job.items.start) => {
                    Some(format!("{} is given to worker {worker}", name(&job)))
                }
                Event::Finished { job, .. } if lost_jobs.contains(&job.items.start) => {
                    Some(format!("{} has its result", name(&job)))
                }
                _ => None,
            };
            let at_ms = at_ns.saturating_sub(since_ns) as f64 / 1e6;
            told.extend(what.map(|what| Told { at_ms, what }));
        }
        told
    }
}

/// A job of one input, by the input's place in the call.
fn name(job: &JobSummary) -> String {
    format!("job {}", job.items.start)
}

fn tell(stage: &mut Stage<'_>, found: &Crash, bars: &[Bar]) {
    let Crash { events, charged, uncharged, pids_after, all_right, lost, .. } = found;
    stage.say("What the pool made of it, event by event:");
    for Told { at_ms, what } in events {
        stage.say(format!("  {at_ms:>6.1} ms  {what}"));
    }
    stage.say(format!(
        "It lost {}; its processes are now {pids_after:?}.",
        count(*lost, "worker", "workers")
    ));
    stage.say("");
    stage.say("Who worked when, a letter for each job that gave its result:");
    timeline::draw(bars).iter().for_each(|line| stage.say(line));
    stage.say("");
    let verdict = if *all_right { "Every job gave its result, once" } else { "Something was lost" };
    stage.say(format!("{verdict}."));
    stage.say(format!(
        "Charged with the crash: {charged:?}. Only waiting at the worker, so uncharged: {uncharged:?}."
    ));
    stage.say("Python's Pool would wait for ever here.");
}

fn kill(pid: u32) -> Result<(), Error> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let killed = pid.map_or(Ok(()), |pid| kill_process(pid, Signal::KILL));
    killed.map_err(|error| Error::System { what: "kill a worker", source: error.into() })
}
