//! The `Pool` class: one pool, six ways to use it.

use std::{num::NonZeroU32, time::Duration};

use parzen_worker::{clock, tasks::demo::SlowCube};
use serde::Serialize;

use super::{Error, Stage, count};
use crate::pool::{Batch, Imap, ImapUnordered, Pending, Pool};

/// The notebook's numbers.
const NUMBERS: std::ops::RangeInclusive<i64> = 1..=6;

/// A cube alone would be done before anybody could wait for it.
const TIME: Duration = Duration::from_millis(20);

/// What the six ways gave.
#[derive(Debug, Serialize)]
pub struct Pools {
    /// Worker processes.
    pub workers: u32,
    /// One entry for each way, in the order shown.
    pub calls: Vec<Call>,
}

/// One way to use a pool.
#[derive(Debug, Serialize)]
pub struct Call {
    /// The method.
    pub name: &'static str,
    /// Whether handing in the work waits for it to be done.
    pub blocks: bool,
    /// The cubes, in the order in which they came.
    pub results: Vec<i64>,
    /// Time until the call returned, in microseconds.
    pub handed_in_us: f64,
    /// Time until the last result was there.
    pub done_us: f64,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Pools, Error> {
    let workers = stage.workers_or(4);
    // One job a message, or the first worker would be given several of the six.
    let settings = stage.settings().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let pool = settings.prefetch(1).start()?;
    let processes = count(workers, "worker process", "worker processes");
    stage.say(format!("The cubes of 1 to 6 from a pool of {processes}, six ways. Each"));
    stage.say(format!("takes {} ms, so that there is something to wait for.", TIME.as_millis()));
    stage.say("");
    stage.say("  way             blocks  handed in       done  results as they came");
    let calls = vec![
        apply(&pool)?,
        map(&pool)?,
        apply_async(&pool)?,
        map_async(&pool)?,
        imap(&pool)?,
        imap_unordered(&pool)?,
    ];
    for Call { name, blocks, results, handed_in_us, done_us } in &calls {
        let blocks = if *blocks { "yes" } else { "no" };
        stage.say(format!(
            "  {name:<15} {blocks:<6} {:>6.1} ms {:>7.1} ms  {results:?}",
            handed_in_us / 1e3,
            done_us / 1e3
        ));
    }
    stage.say("");
    let (one_by_one, together) = (calls[0].done_us, calls[1].done_us);
    stage.say(
        "`apply` waits for each result before it hands in the next job, so only one worker is",
    );
    stage.say("ever busy. `map` waits too, but has all of them work:");
    stage.say(format!("it took {:.0} % of the time of `apply`.", 100.0 * together / one_by_one));
    stage
        .say("The `async` ways hand in and go on; `get` waits. `imap` gives results one by one in");
    stage.say("order; `imap_unordered` as they come, each with the index of its input.");
    pool.join()?;
    Ok(Pools { workers, calls })
}

fn inputs() -> impl Iterator<Item = (i64, Duration)> {
    NUMBERS.map(|x| (x, TIME))
}

/// Measures what `hand_in` takes, and then `wait`.
fn measure<T>(
    name: &'static str,
    blocks: bool,
    hand_in: impl FnOnce() -> Result<T, Error>,
    wait: impl FnOnce(T) -> Result<Vec<i64>, Error>,
) -> Result<Call, Error> {
    let started_ns = clock::now_ns();
    let handed_in = hand_in()?;
    let handed_in_us = microseconds_since(started_ns);
    let results = wait(handed_in)?;
    Ok(Call { name, blocks, results, handed_in_us, done_us: microseconds_since(started_ns) })
}

fn microseconds_since(started_ns: u64) -> f64 {
    Duration::from_nanos(clock::now_ns() - started_ns).as_secs_f64() * 1e6
}

fn apply(pool: &Pool) -> Result<Call, Error> {
    let one_by_one =
        || Ok(inputs().map(|input| pool.apply::<SlowCube>(input)).collect::<Result<_, _>>()?);
    measure("apply", true, one_by_one, Ok)
}

fn map(pool: &Pool) -> Result<Call, Error> {
    measure("map", true, || Ok(pool.map::<SlowCube>(inputs())?), Ok)
}

fn apply_async(pool: &Pool) -> Result<Call, Error> {
    let all_at_once = || {
        let pending = inputs().map(|input| pool.apply_async::<SlowCube>(input));
        Ok(pending.collect::<Result<Vec<_>, _>>()?)
    };
    let get = |pending: Vec<Pending<i64>>| {
        Ok(pending.into_iter().map(Pending::get).collect::<Result<_, _>>()?)
    };
    measure("apply_async", false, all_at_once, get)
}

fn map_async(pool: &Pool) -> Result<Call, Error> {
    measure("map_async", false, || Ok(pool.map_async::<SlowCube>(inputs())?), |all| Ok(all.get()?))
}

fn imap(pool: &Pool) -> Result<Call, Error> {
    let collect = |results: Imap<'_, SlowCube>| Ok(results.collect::<Result<_, _>>()?);
    measure("imap", false, || Ok(pool.imap::<SlowCube>(inputs())), collect)
}

fn imap_unordered(pool: &Pool) -> Result<Call, Error> {
    let collect = |results: ImapUnordered<'_, SlowCube>| {
        Ok(results.map(|(_, result)| result).collect::<Result<_, _>>()?)
    };
    measure("imap_unordered", false, || Ok(pool.imap_unordered::<SlowCube>(inputs())), collect)
}
