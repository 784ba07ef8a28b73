//! Threads against processes: what isolation costs, and what it buys.

use std::{sync::mpsc, thread, time::Duration};

use parzen_worker::{
    Context, Task, TaskError, clock,
    tasks::demo::{Crash, Cube, Leak, Sum, Way, sum},
};
use serde::Serialize;

use super::{
    Error, Stage, count,
    side_by_side::{self, run_all},
};
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
    /// A task panicked in a process.
    pub panic: Accident,
    /// A task aborted its process.
    pub abort: Accident,
    /// Memory of the worker, in bytes, after a task leaked 64 MiB.
    pub worker_memory: u64,
    /// Memory of a fresh worker that took its place.
    pub fresh_memory: u64,
}

/// What came of jobs one of which did not end well.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accident {
    /// How that one failed, in the pool's words.
    pub error: String,
    /// Whether all others gave the right result.
    pub others_right: bool,
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
        "The same jobs in {} and in {}, median of 5:",
        count(workers, "thread", "threads"),
        count(workers, "process", "processes")
    ));
    stage.say("");
    let start_us = start(stage, workers)?;
    let pool = stage.settings().workers(workers).start()?;
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
    stage.say_build();
    stage.say("");
    stage.say("Threads are in the same memory already, so there is nothing to start but a stack,");
    stage.say("and nothing to send or to share. That is also their weakness. Three accidents in");
    stage.say("processes, each with nine jobs that are well:");
    let panic = accident(&pool, Way::Panic)?;
    let abort = accident(&pool, Way::Abort)?;
    for (what, accident) in [("panics", &panic), ("aborts its process", &abort)] {
        let Accident { error, others_right } = accident;
        stage.say(format!("  a task {what}: {error}"));
        let others = if *others_right { "The others are right." } else { "Others are wrong, too!" };
        stage.say(format!("    {others}"));
    }
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
        panic,
        abort,
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

fn cube(x: i64) -> Result<(), TaskError> {
    Cube::run(x, &Context::default()).map(drop)
}

fn start(stage: &Stage<'_>, workers: u32) -> Result<Pair, Error> {
    let threads = median_us(|| {
        let part = |x: u32| move || cube(x.into());
        thread::scope(|scope| run_all(scope, (0..workers).map(part)))
    })?;
    let processes = median_us(|| {
        let pool = stage.settings().workers(workers).start()?;
        pool.map::<Cube>((0..workers).map(i64::from))?;
        Ok(())
    })?;
    Ok(Pair { threads, processes })
}

fn round_trip(pool: &Pool) -> Result<Pair, Error> {
    let (jobs, inbox) = mpsc::channel::<i64>();
    let (outbox, results) = mpsc::channel();
    let serve = move || {
        // Whoever asks no more has ended, and so does this.
        let _ = inbox.iter().try_for_each(|x| outbox.send(cube(x)));
    };
    let threads = thread::scope(|scope| {
        side_by_side::start(scope, serve)?;
        // Moved in here, so that the thread hears when there is no more to do.
        let jobs = jobs;
        median_us(|| {
            (0..ROUND_TRIPS).try_for_each(|x| {
                jobs.send(x.into()).map_err(gone)?;
                results.recv().map_err(gone)?.map_err(Error::Task)
            })
        })
    })?;
    let processes = median_us(|| {
        (0..ROUND_TRIPS).try_for_each(|x| pool.apply::<Cube>(x.into()).map(drop))?;
        Ok(())
    })?;
    let each = f64::from(ROUND_TRIPS);
    Ok(Pair { threads: threads / each, processes: processes / each })
}

/// The other end of a thread's channel is no more.
fn gone<E>(_: E) -> Error {
    Error::Task(TaskError::new("the thread is gone"))
}

/// Each worker adds up its share of numbers that nobody copies to it.
fn share(pool: &Pool, workers: u32) -> Result<Pair, Error> {
    let numbers = vec![1.0_f64; NUMBERS];
    let each = NUMBERS.div_ceil(workers as usize);
    let threads = median_us(|| {
        let part = |part| {
            move || {
                std::hint::black_box(sum(part));
                Ok(())
            }
        };
        thread::scope(|scope| run_all(scope, numbers.chunks(each).map(part)))
    })?;
    let processes = median_us(|| {
        let shared = pool.share(&numbers)?;
        let part = |first: usize| (shared.handle(), first, NUMBERS.min(first + each));
        pool.map::<Sum>((0..NUMBERS).step_by(each).map(part))?;
        Ok(())
    })?;
    Ok(Pair { threads, processes })
}

/// Runs ten jobs of which number 5 ends in that `way`.
fn accident(pool: &Pool, way: Way) -> Result<Accident, Error> {
    let inputs = (0..10).map(|job| (job, if job == 5 { way } else { Way::None }));
    let mut error = String::from("it did not fail");
    let mut others_right = true;
    for (job, result) in (0_u64..).zip(pool.imap::<Crash>(inputs)) {
        match result {
            Err(failure) if job == 5 => error = failure.to_string(),
            Err(failure) => return Err(failure.into()),
            Ok(number) => others_right &= number == job && job != 5,
        }
    }
    Ok(Accident { error, others_right })
}

/// Memory of a worker that leaks, and of the one that takes its place after a job.
fn leak(stage: &Stage<'_>) -> Result<(u64, u64), Error> {
    let pool = stage.settings().workers(1).jobs_per_worker(1).start()?;
    let leaked = pool.apply::<Leak>(LEAKED)?;
    Ok((leaked, pool.apply::<Leak>(0)?))
}
