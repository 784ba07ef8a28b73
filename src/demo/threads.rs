//! Threads against processes: what isolation costs, and what it buys.

use std::{thread, time::Duration};

use parzen_worker::{
    Context, Task, clock,
    tasks::demo::{Crash, Cube, Leak, Sum, Way},
};
use serde::Serialize;

use super::{Error, Stage};
use crate::pool::Pool;

/// Numbers that are shared or copied: 8 MB.
const NUMBERS: usize = 1_000_000;

/// Bytes that a leaking task forgets.
const LEAKED: usize = 64 << 20;

/// Jobs that are sent one at a time.
const ROUND_TRIPS: u32 = 200;

/// Costs in microseconds, and what became of accidents.
#[derive(Debug, Serialize)]
pub struct Threads {
    /// Threads, and processes, used.
    pub workers: u32,
    /// Starting them all, until each has done one job.
    pub start_us: Pair,
    /// One job there and back.
    pub round_trip_us: Pair,
    /// Letting all of them read 8 MB that are in memory already.
    pub share_us: Pair,
    /// Whether the coordinator and the other jobs lived on after a task panicked in a process.
    pub survived_panic: bool,
    /// The same, after a task aborted its process.
    pub survived_abort: bool,
    /// Memory of the worker, in bytes, after a task leaked 64 MiB.
    pub worker_memory: u64,
    /// Memory of a fresh worker that took its place.
    pub fresh_memory: u64,
}

/// The same for threads and processes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Threads of this process.
    pub threads: f64,
    /// Worker processes.
    pub processes: f64,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Threads, Error> {
    let workers = stage.workers_or(2);
    stage.say(format!(
        "The same jobs in {workers} threads and in {workers} processes, median of 5:"
    ));
    stage.say("");
    let start_us = start(stage, workers)?;
    let pool = stage.settings.clone().workers(workers).start()?;
    let round_trip_us = round_trip(&pool)?;
    let share_us = share(&pool, workers)?;
    stage.say("                              threads   processes");
    for (name, pair) in [
        ("starting, first job done", start_us),
        ("one job, there and back", round_trip_us),
        ("reading 8 MB of numbers", share_us),
    ] {
        let Pair { threads, processes } = pair;
        stage.say(format!("  {name:<25} {threads:>8.1} us {processes:>8.1} us"));
    }
    stage.say("");
    stage.say("Threads start and talk faster: they are in the same memory already. That is also");
    stage.say("their weakness. In processes, three accidents:");
    let survived_panic = survives(&pool, Way::Panic)?;
    stage.say(format!(
        "  a task panics: it fails alone, with its message. All well: {survived_panic}"
    ));
    let survived_abort = survives(&pool, Way::Abort)?;
    stage.say(format!("  a task aborts its process: it fails alone. All well: {survived_abort}"));
    let (worker_memory, fresh_memory) = leak(stage)?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    stage.say(format!(
        "  a task leaks 64 MiB: its worker has {:.0} MiB, the one that replaces it {:.0} MiB",
        mib(worker_memory),
        mib(fresh_memory)
    ));
    stage.say("In a thread the abort would have ended this program, and the leak would stay.");
    Ok(Threads {
        workers,
        start_us,
        round_trip_us,
        share_us,
        survived_panic,
        survived_abort,
        worker_memory,
        fresh_memory,
    })
}

/// Microseconds, the median of five runs.
fn median_us(mut run: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let started_ns = clock::now_ns();
        run()?;
        times.push(clock::now_ns() - started_ns);
    }
    times.sort_unstable();
    Ok(Duration::from_nanos(times[2]).as_secs_f64() * 1e6)
}

fn cube(x: i64) -> Result<(), Error> {
    Cube::run(x, &Context::default()).map(drop).map_err(|error| Error::System {
        what: "compute a cube",
        source: std::io::Error::other(error.to_string()),
    })
}

fn start(stage: &Stage<'_>, workers: u32) -> Result<Pair, Error> {
    let threads = median_us(|| {
        thread::scope(|scope| {
            let threads: Vec<_> =
                (0..workers).map(|x| scope.spawn(move || cube(x.into()))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
        })
    })?;
    let processes = median_us(|| {
        let pool = stage.settings.clone().workers(workers).start()?;
        pool.map::<Cube>((0..workers).map(i64::from))?;
        Ok(())
    })?;
    Ok(Pair { threads, processes })
}

fn round_trip(pool: &Pool) -> Result<Pair, Error> {
    let threads = thread::scope(|scope| {
        let (jobs, inbox) = std::sync::mpsc::channel::<i64>();
        let (outbox, results) = std::sync::mpsc::channel();
        scope.spawn(move || inbox.iter().try_for_each(|x| outbox.send(cube(x))));
        median_us(|| {
            for x in 0..ROUND_TRIPS {
                if jobs.send(x.into()).is_err() {
                    break;
                }
                results.recv().unwrap_or(Ok(()))?;
            }
            Ok(())
        })
    })?;
    let processes = median_us(|| {
        (0..ROUND_TRIPS).try_for_each(|x| pool.apply::<Cube>(x.into()).map(drop))?;
        Ok(())
    })?;
    let each = f64::from(ROUND_TRIPS);
    Ok(Pair { threads: threads / each, processes: processes / each })
}

/// Each worker adds up its share of numbers that nobody copies to it.
fn share(pool: &Pool, workers: u32) -> Result<Pair, Error> {
    let numbers = vec![1.0_f64; NUMBERS];
    let each = NUMBERS.div_ceil(workers as usize);
    let threads = median_us(|| {
        thread::scope(|scope| {
            let parts = numbers.chunks(each);
            let threads: Vec<_> =
                parts.map(|part| scope.spawn(|| part.iter().sum::<f64>())).collect();
            let sum: f64 = threads.into_iter().map(|thread| thread.join().unwrap_or(0.0)).sum();
            std::hint::black_box(sum);
            Ok(())
        })
    })?;
    let processes = median_us(|| {
        let shared = pool.share(&numbers)?;
        let part = |first: usize| (shared.handle(), first, NUMBERS.min(first + each));
        pool.map::<Sum>((0..NUMBERS).step_by(each).map(part))?;
        Ok(())
    })?;
    Ok(Pair { threads, processes })
}

/// Whether all other jobs are right when one of them ends in that `way`, and it fails alone.
fn survives(pool: &Pool, way: Way) -> Result<bool, Error> {
    let inputs = (0..10).map(|job| (job, if job == 5 { way } else { Way::None }));
    let results: Vec<_> = pool.imap::<Crash>(inputs).collect();
    Ok(results.iter().enumerate().all(|(job, result)| match result {
        Ok(number) => *number == job as u64 && job != 5,
        Err(error) => job == 5 && (error.is_crash() || error.worker_panic().is_some()),
    }))
}

/// Memory of a worker that leaks, and of the one that takes its place after a job.
fn leak(stage: &Stage<'_>) -> Result<(u64, u64), Error> {
    let pool = stage.settings.clone().workers(1).jobs_per_worker(1).start()?;
    let leaked = pool.apply::<Leak>(LEAKED)?;
    Ok((leaked, pool.apply::<Leak>(0)?))
}
