//! The notebook's last paragraph: processes pay for work, not for waiting.

use std::{num::NonZeroU32, thread, time::Duration};

use parzen_worker::{
    Context, Task, clock,
    tasks::demo::{CountPrimes, Sleep},
};
use serde::Serialize;

use super::{Error, Stage, others};
use crate::{
    bench::Meter,
    pool::{Batch, Pool},
};

/// Jobs of each kind.
const JOBS: u32 = 8;

/// Primes are counted up to here: some tens of milliseconds of work.
const BELOW: u32 = 400_000;

/// Each waiting job waits so long, as for a disk or a network.
const WAIT: Duration = Duration::from_millis(40);

/// Two kinds of jobs, three ways to run them.
#[derive(Debug, Serialize)]
pub struct CpuIo {
    /// Cores that this process may use.
    pub cores: usize,
    /// Threads, and processes, used.
    pub workers: u32,
    /// Jobs of each kind.
    pub jobs: u32,
    /// Counting primes, which keeps a core busy.
    pub cpu_bound: Times,
    /// Waiting, which does not.
    pub io_bound: Times,
    /// The share of the machine, from 0 to 1, that others used meanwhile, if the system tells.
    pub used_by_others: Option<f64>,
}

/// Seconds for all jobs of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Times {
    /// One after another.
    pub serial_s: f64,
    /// In threads of one process.
    pub threads_s: f64,
    /// In worker processes that were running already.
    pub processes_s: f64,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<CpuIo, Error> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = stage.workers_or(4);
    let settings = stage.settings.clone().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let pool = settings.prefetch(1).start()?;
    stage.say(format!("{JOBS} jobs that compute and {JOBS} jobs that wait, on {cores} cores:"));
    stage.say(format!("one after another, in {workers} threads, and in {workers} processes."));
    let mut meter = Meter::start(&pool.pids());
    let started_ns = clock::now_ns();
    let cpu_bound = time_all::<CountPrimes>(&pool, workers, |_| BELOW)?;
    let io_bound = time_all::<Sleep>(&pool, workers, |job| (u64::from(job), WAIT))?;
    let used_by_others =
        meter.as_mut().and_then(|meter| meter.foreign_share(started_ns, &pool.pids()));
    stage.say("");
    stage.say("               serial    threads  processes");
    for (name, times) in [("computing", cpu_bound), ("waiting", io_bound)] {
        let Times { serial_s, threads_s, processes_s } = times;
        stage
            .say(format!("  {name:<10} {serial_s:>7.3} s {threads_s:>8.3} s {processes_s:>8.3} s"));
    }
    stage.say("");
    let gain = |times: Times| times.serial_s / times.processes_s;
    stage.say(format!(
        "Computing became {:.2} times as fast with {workers} processes: {cores} cores can do no more",
        gain(cpu_bound)
    ));
    stage.say(format!(
        "than {cores} things at a time. Waiting became {:.2} times as fast, because",
        gain(io_bound)
    ));
    stage
        .say("waiting needs no core: there threads do as well, and even one thread could wait for");
    stage.say("many things at once. Processes pay when the jobs compute.");
    used_by_others.and_then(others).iter().for_each(|line| stage.say(line));
    Ok(CpuIo { cores, workers, jobs: JOBS, cpu_bound, io_bound, used_by_others })
}

/// Times one kind of job all three ways.
fn time_all<T: Task>(
    pool: &Pool,
    workers: u32,
    input: impl Fn(u32) -> T::Input + Sync,
) -> Result<Times, Error> {
    let run = |job| T::run(input(job), &Context::default()).map(drop);
    let serial_s = seconds(|| (0..JOBS).try_for_each(run).is_ok())?;
    let threads_s = seconds(|| {
        thread::scope(|scope| {
            let share = |first| move || (first..JOBS).step_by(workers as usize).try_for_each(run);
            let threads: Vec<_> = (0..workers).map(|first| scope.spawn(share(first))).collect();
            threads.into_iter().all(|thread| matches!(thread.join(), Ok(Ok(()))))
        })
    })?;
    let processes_s = seconds(|| pool.map::<T>((0..JOBS).map(&input)).is_ok())?;
    Ok(Times { serial_s, threads_s, processes_s })
}

/// Seconds that `work` takes, if it succeeds.
fn seconds(work: impl FnOnce() -> bool) -> Result<f64, Error> {
    let started_ns = clock::now_ns();
    if !work() {
        let source = std::io::Error::other("a job failed");
        return Err(Error::System { what: "run the jobs", source });
    }
    Ok(Duration::from_nanos(clock::now_ns() - started_ns).as_secs_f64())
}
