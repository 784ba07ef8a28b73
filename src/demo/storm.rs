//! Workers are killed and stopped all the time, and the results are what they are without.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use parzen_worker::tasks::demo::Attempt;
use serde::Serialize;

use super::{Error, Stage, count};
use crate::pool::{Batch, Chaos, Event, Reason};

/// Short jobs, of which a blow may strike any.
const JOBS: u64 = 200;

/// What each takes.
const TIME: Duration = Duration::from_millis(1);

/// The probability with which whoever is given a job is killed.
const KILL: f64 = 0.1;

/// The probability with which it is stopped for a moment.
const STOP: f64 = 0.05;

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Storm {
    /// Jobs that were handed in.
    pub jobs: u64,
    /// Workers that were killed.
    pub killed: u32,
    /// Workers that were stopped for a moment.
    pub stopped: u32,
    /// Whether every job gave the right result, once, in its place.
    pub all_right: bool,
}

#[derive(Debug, Default)]
struct Blows {
    killed: AtomicU32,
    stopped: AtomicU32,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Storm, Error> {
    let workers = stage.workers_or(2);
    let chaos = Chaos::new(KILL, STOP, stage.seed).expect("these are probabilities");
    let blows = Arc::new(Blows::default());
    let counted = Arc::clone(&blows);
    let settings = stage.settings().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let settings = settings.chaos(Some(chaos)).on_event(move |event| {
        if let Event::Killed { reason: Reason::Chaos, .. } = event {
            counted.killed.fetch_add(1, Ordering::Relaxed);
        } else if let Event::Stopped { .. } = event {
            counted.stopped.fetch_add(1, Ordering::Relaxed);
        }
    });
    let pool = settings.start()?;
    let results = pool.map::<Attempt>((0..JOBS).map(|job| (job, TIME)))?;
    // Then all events have been told.
    pool.join()?;
    let found = Storm {
        jobs: JOBS,
        killed: blows.killed.load(Ordering::Relaxed),
        stopped: blows.stopped.load(Ordering::Relaxed),
        all_right: results.into_iter().map(|(job, _)| job).eq(0..JOBS),
    };
    tell(stage, &found, workers);
    Ok(found)
}

fn tell(stage: &mut Stage<'_>, found: &Storm, workers: u32) {
    let Storm { jobs, killed, stopped, all_right } = *found;
    stage.say("");
    stage.say(format!(
        "Then {jobs} jobs of {} ms for {} that are killed and stopped at random:",
        TIME.as_millis(),
        count(workers, "worker", "workers")
    ));
    let verdict = if all_right { "every job gave its result, once" } else { "something was lost" };
    stage.say(format!("  {killed} were killed, {stopped} stopped for a moment, and {verdict}."));
    stage.say(format!(
        "`PARZEN_CHAOS=kill={KILL},stop={STOP},seed={}` does that to any command.",
        stage.seed
    ));
}
