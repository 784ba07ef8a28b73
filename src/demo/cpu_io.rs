//! The notebook's last paragraph: processes pay for work, not for waiting.

use std::{num::NonZeroU32, thread, time::Duration};

use parzen_worker::{
    Context, Task, clock,
    tasks::demo::{CountPrimes, Sleep},
};
use serde::Serialize;

use super::{Error, Stage, count, others, side_by_side::run_all};
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
    let settings = stage.settings().workers(workers).batch(Batch::Fixed(NonZeroU32::MIN));
    let pool = settings.prefetch(1).start()?;
    stage.say(format!(
        "{JOBS} jobs that compute and {JOBS} jobs that wait: one after another, in {},",
        count(workers, "thread", "threads")
    ));
    stage.say(format!("and in {}.", count(workers, "process", "processes")));
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
    let found = CpuIo { cores, workers, jobs: JOBS, cpu_bound, io_bound, used_by_others };
    conclude(&found).iter().for_each(|line| stage.say(line));
    stage.say_build();
    Ok(found)
}

impl Times {
    /// How many times as fast as serial processes were.
    fn gain(self) -> f64 {
        self.serial_s / self.processes_s
    }
}

/// What the figures say.
fn conclude(found: &CpuIo) -> Vec<String> {
    /// So much of what is possible is as good as all of it.
    const NEARLY: f64 = 0.8;
    let &CpuIo { cores, workers, cpu_bound, io_bound, used_by_others, .. } = found;
    let possible = cores.min(workers as usize).min(JOBS as usize);
    let (gain, waiting) = (cpu_bound.gain(), io_bound.gain());
    let who = count(workers, "process", "processes");
    let limit = if cores < workers as usize { "cores" } else { "processes" };
    let mut lines = vec![format!("Computing became {gain:.2} times as fast with {who}.")];
    lines.push(if NEARLY * possible as f64 <= gain {
        format!("That is about what is possible: there are {possible} {limit} to share the work.")
    } else {
        format!("Up to {possible} would be possible with so many {limit}: something else was busy.")
    });
    lines.push(format!(
        "Waiting became {waiting:.2} times as fast, however many cores there are: it"
    ));
    lines.push(
        "needs none. For that, threads are enough, or one thread that waits for many.".into(),
    );
    lines.push("Rust's threads compute side by side, too. Python's could not, because its".into());
    lines.push(
        "interpreter ran one at a time, and so the notebook needs processes. What they".into(),
    );
    lines.push("give beyond that is shown by `parzen demo threads`.".into());
    lines.extend(used_by_others.and_then(others));
    lines
}

/// Times one kind of job all three ways.
fn time_all<T: Task>(
    pool: &Pool,
    workers: u32,
    input: impl Fn(u32) -> T::Input + Sync,
) -> Result<Times, Error> {
    let run = |job| T::run(input(job), &Context::default()).map(drop);
    let serial_s = seconds(|| (0..JOBS).try_for_each(run).map_err(Error::Task))?;
    let threads_s = seconds(|| {
        let share = |first| move || (first..JOBS).step_by(workers as usize).try_for_each(run);
        thread::scope(|scope| run_all(scope, (0..workers).map(share)))
    })?;
    let processes_s = seconds(|| {
        pool.map::<T>((0..JOBS).map(&input))?;
        Ok(())
    })?;
    Ok(Times { serial_s, threads_s, processes_s })
}

/// Seconds that `work` takes.
fn seconds(work: impl FnOnce() -> Result<(), Error>) -> Result<f64, Error> {
    let started_ns = clock::now_ns();
    work()?;
    Ok(Duration::from_nanos(clock::now_ns() - started_ns).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_conclusion_follows_the_figures() {
        let check = |cores, workers, processes_s, begins: &str| {
            let cpu_bound = Times { serial_s: 1.0, threads_s: 1.0, processes_s };
            let found = CpuIo {
                cores,
                workers,
                jobs: JOBS,
                cpu_bound,
                io_bound: cpu_bound,
                used_by_others: Some(0.5),
            };
            let lines = conclude(&found);
            assert!(lines[1].starts_with(begins), "{lines:?}");
            assert!(lines.last().unwrap().starts_with("Others used 50 %"), "{lines:?}");
        };
        check(2, 4, 0.5, "That is about what is possible: there are 2 cores");
        check(16, 4, 0.25, "That is about what is possible: there are 4 processes");
        check(2, 4, 1.1, "Up to 2 would be possible with so many cores");
        check(4, 1, 1.0, "That is about what is possible: there are 1 processes");
    }
}
