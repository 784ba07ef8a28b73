//! The notebook's lessons, to be run, looked at and changed.
//!
//! Each lesson is one short file that uses the library as any program would. It tells its story to
//! the [`Stage`], line by line, and gives back the figures it measured.

use std::{io, num::NonZeroU32};

use parzen_worker::TaskError;
use serde::Serialize;

use crate::{
    bench,
    estimate::{self, Stop},
    input, pool,
};

mod bars;
mod benchmark;
mod cpu_io;
mod crash;
mod density;
mod order;
mod pools;
mod process;
mod side_by_side;
mod storm;
mod threads;
mod timeline;
mod window;

pub use benchmark::{Comparison, Run, Timing};
pub use density::{Density, Row};
pub use window::Window;

/// What a lesson is given.
pub struct Stage<'a> {
    /// Workers to use, if not what the lesson shows best with.
    pub workers: Option<NonZeroU32>,
    /// Where random numbers begin.
    pub seed: u64,
    settings: pool::Builder,
    kill: Stop,
    say: &'a mut dyn FnMut(&str),
}

/// Why a lesson could not be given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A pool did not start.
    #[error("failed to start the workers")]
    Start(#[from] pool::StartError),
    /// A process did not start.
    #[error(transparent)]
    Spawn(#[from] pool::SpawnError),
    /// A job failed that should not.
    #[error("a job failed")]
    Job(#[from] pool::Error),
    /// The notebook's samples could not be made.
    #[error(transparent)]
    Samples(#[from] input::Error),
    /// The benchmark failed.
    #[error("the benchmark failed")]
    Bench(#[from] bench::Error),
    /// A task failed that was not run in a pool.
    #[error("a task failed: {0}")]
    Task(TaskError),
    /// An estimate failed.
    #[error("the estimate failed")]
    Estimate(#[from] estimate::Error),
    /// The system refused something.
    #[error("failed to {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Why workers did not start, if that is what it is.
    #[must_use]
    pub fn start_error(&self) -> Option<&pool::StartError> {
        match self {
            Self::Start(error)
            | Self::Spawn(pool::SpawnError::Start { source: error, .. })
            | Self::Bench(bench::Error::Start(error)) => Some(error),
            Self::Job(error) => error.start_error(),
            Self::Spawn(_)
            | Self::Samples(_)
            | Self::Bench(_)
            | Self::Task(_)
            | Self::Estimate(_)
            | Self::System { .. } => None,
        }
    }
}

impl<'a> Stage<'a> {
    /// Where worker processes are started as `settings` say, and killed when `kill` is raised, and
    /// `say` is told the story, a line at a time.
    pub fn new(settings: pool::Builder, kill: Stop, say: &'a mut dyn FnMut(&str)) -> Self {
        let own = kill.clone();
        let settings = settings.on_launch(move |stopper| own.kills(stopper));
        Self { workers: None, seed: 0, settings, kill, say }
    }

    /// Tells one line.
    fn say(&mut self, line: impl AsRef<str>) {
        (self.say)(line.as_ref());
    }

    /// Says what figures of this build are worth.
    fn say_build(&mut self) {
        if cfg!(debug_assertions) {
            self.say("This is a debug build: in a release build the figures are others.");
        }
    }

    /// How worker processes are started: so that they are killed when `kill` is raised.
    fn settings(&self) -> pool::Builder {
        self.settings.clone()
    }

    /// The number of workers asked for, or `usual`.
    fn workers_or(&self, usual: u32) -> u32 {
        self.workers.map_or(usual, NonZeroU32::get)
    }
}

impl std::fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("workers", &self.workers)
            .field("seed", &self.seed)
            .field("settings", &self.settings)
            .field("kill", &self.kill)
            .finish_non_exhaustive()
    }
}

/// `1 process`, `2 processes`.
fn count(n: u32, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

/// Others who use more of the machine than this are worth a word.
const BUSY: f64 = 0.1;

/// What to say of `share`, from 0 to 1, of the machine that others used while it was measured.
fn others(share: f64) -> Option<String> {
    (BUSY < share).then(|| {
        format!(
            "Others used {:.0} % of the machine meanwhile: try again when it is quiet.",
            100.0 * share
        )
    })
}

/// What a lesson measured.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Figures {
    /// Of the lesson on processes.
    Process(process::Strings),
    /// Of the lesson on order.
    Order(order::Order),
    /// Of the lesson on pools.
    Pool(pools::Pools),
    /// Of the lesson on the window.
    Window(Window),
    /// Of the lesson on densities.
    Density(Density),
    /// Of the benchmark.
    Benchmark(Box<Comparison>),
    /// Of the lesson on work and waiting.
    CpuIo(cpu_io::CpuIo),
    /// Of the lesson on crashes.
    Crash {
        /// Of one.
        #[serde(flatten)]
        one: crash::Crash,
        /// Of many.
        storm: storm::Storm,
    },
    /// Of the lesson on threads.
    Threads(threads::Threads),
}

/// A lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// The `Process` class.
    Process,
    /// Results in a particular order.
    Order,
    /// The `Pool` class.
    Pool,
    /// The Parzen window in a nutshell.
    Window,
    /// Densities for twelve widths.
    Density,
    /// Serial against several numbers of processes.
    Benchmark,
    /// Work for the processor, and waiting.
    CpuIo,
    /// A worker dies.
    Crash,
    /// Threads and processes.
    Threads,
}

impl Lesson {
    /// All of them, in the notebook's order.
    pub const ALL: [Self; 9] = [
        Self::Process,
        Self::Order,
        Self::Pool,
        Self::Window,
        Self::Density,
        Self::Benchmark,
        Self::CpuIo,
        Self::Crash,
        Self::Threads,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Order => "order",
            Self::Pool => "pool",
            Self::Window => "window",
            Self::Density => "density",
            Self::Benchmark => "benchmark",
            Self::CpuIo => "cpu-io",
            Self::Crash => "crash",
            Self::Threads => "threads",
        }
    }

    /// What it shows, in a sentence.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Process => "processes that draw random strings, and why they need seeds",
            Self::Order => "results come as they are done; how to put them in order",
            Self::Pool => "one pool, six ways to use it, and which of them block",
            Self::Window => "ten samples, a cube around a point, and the share of samples inside",
            Self::Density => "twelve window widths, and what dividing by h did to the notebook",
            Self::Benchmark => "serial against several numbers of processes, and where that pays",
            Self::CpuIo => "when processes pay: work for the processor against waiting",
            Self::Crash => "a worker is killed in the middle of a map, and nothing is lost",
            Self::Threads => "threads against processes: what isolation costs, and what it buys",
        }
    }

    /// Gives the lesson.
    ///
    /// # Errors
    ///
    /// Fails if the system does not let it.
    pub fn give(self, stage: &mut Stage<'_>) -> Result<Figures, Error> {
        Ok(match self {
            Self::Process => Figures::Process(process::give(stage)?),
            Self::Order => Figures::Order(order::give(stage)?),
            Self::Pool => Figures::Pool(pools::give(stage)?),
            Self::Window => Figures::Window(window::give(stage)?),
            Self::Density => Figures::Density(density::give(stage)?),
            Self::Benchmark => Figures::Benchmark(Box::new(benchmark::give(stage)?)),
            Self::CpuIo => Figures::CpuIo(cpu_io::give(stage)?),
            Self::Crash => Figures::Crash { one: crash::give(stage)?, storm: storm::give(stage)? },
            Self::Threads => Figures::Threads(threads::give(stage)?),
        })
    }
}
