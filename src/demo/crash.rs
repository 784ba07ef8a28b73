//! A worker is killed in the middle of a map, and nothing is lost.

use std::{num::NonZeroU32, time::Duration};

use parzen_worker::tasks::demo::Attempt;
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use super::{
    Error, Stage,
    timeline::{self, Bar},
};
use crate::pool::Batch;

/// Jobs in all.
const JOBS: u64 = 16;

/// What each takes.
const TIME: Duration = Duration::from_millis(20);

/// The worker is killed when this many jobs are done.
const KILL_AFTER: usize = 4;

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
    /// Jobs that had to be run again.
    pub run_again: Vec<u64>,
    /// Jobs, in the order in which they came back.
    pub arrived: Vec<u64>,
    /// Whether every job gave the right result, once.
    pub all_right: bool,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Crash, Error> {
    let workers = stage.workers_or(2);
    let settings = stage.settings().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let pool = stage.start(settings)?;
    let pids_before = pool.pids();
    stage.say(format!("{JOBS} jobs of {} ms for {workers} workers:", TIME.as_millis()));
    stage.say(format!("  the workers are processes {pids_before:?}"));
    let killed_pid = pids_before.first().copied().unwrap_or_default();

    let mut arrived = Vec::new();
    let mut run_again = Vec::new();
    let mut all_right = true;
    let mut bars = Vec::new();
    for completed in pool.stream::<Attempt, _>((0..JOBS).map(|job| (job, TIME)))? {
        let index = completed.index;
        let (job, attempt) = completed.result?;
        all_right &= job == index;
        if 0 < attempt {
            stage.say(format!("  job {job} came back: it had been lost, and was run again"));
            run_again.push(job);
        }
        let label = char::from(b'a' + u8::try_from(job % 26).unwrap_or(0));
        let worker = completed.worker.unwrap_or_default();
        let (started_ns, finished_ns) = (completed.started_ns, completed.finished_ns);
        bars.push(Bar { worker, label, started_ns, finished_ns });
        arrived.push(job);
        if arrived.len() == KILL_AFTER {
            kill(killed_pid)?;
            stage.say(format!("  process {killed_pid} gets SIGKILL, {KILL_AFTER} jobs being done"));
        }
    }
    let lost = pool.usage().lost;
    pool.wait_ready()?;
    let pids_after = pool.pids();
    let mut sorted = arrived.clone();
    sorted.sort_unstable();
    all_right &= sorted.into_iter().eq(0..JOBS);
    stage.say(format!("  the pool lost {lost} worker, and started another: {pids_after:?}"));
    stage.say("");
    stage.say("Who worked when, a letter for each job; the killed worker's line ends early:");
    timeline::draw(&bars).iter().for_each(|line| stage.say(line));
    stage.say("");
    let verdict = if all_right { "Every job gave its result, once" } else { "Something was lost" };
    stage.say(format!("{verdict}. Only the job that was running was charged with the crash;"));
    stage.say("those that waited behind it went to others. Python's Pool would hang here.");
    Ok(Crash { pids_before, killed_pid, pids_after, lost, run_again, arrived, all_right })
}

fn kill(pid: u32) -> Result<(), Error> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let killed = pid.map_or(Ok(()), |pid| kill_process(pid, Signal::KILL));
    killed.map_err(|error| Error::System { what: "kill a worker", source: error.into() })
}
