//! What a benchmark measures: plain values, for statistics, reports and pictures.

use std::fmt;

use serde::Serialize;

/// One way to run the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Case {
    /// Who runs them.
    pub backend: Backend,
    /// How many workers; 1 for the serial backend.
    pub workers: u32,
    /// Whether the workers were there before the clock started.
    pub pool: PoolState,
    /// How the samples reach the workers.
    pub sharing: Sharing,
}

impl Case {
    /// The serial backend.
    pub const SERIAL: Self = Self {
        backend: Backend::Serial,
        workers: 1,
        pool: PoolState::Fresh,
        sharing: Sharing::Once,
    };

    /// So many threads.
    #[must_use]
    pub fn threads(workers: u32) -> Self {
        Self { backend: Backend::Threads, workers, ..Self::SERIAL }
    }

    /// So many worker processes.
    #[must_use]
    pub fn processes(workers: u32, pool: PoolState, sharing: Sharing) -> Self {
        Self { backend: Backend::Processes, workers, pool, sharing }
    }
}

/// As `4 processes, warm`.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, workers, pool, sharing } = self;
        match (backend, workers) {
            (Backend::Serial, _) => f.write_str("serial")?,
            (Backend::Threads, 1) => f.write_str("1 thread")?,
            (Backend::Threads, _) => write!(f, "{workers} threads")?,
            (Backend::Processes, 1) => f.write_str("1 process")?,
            (Backend::Processes, _) => write!(f, "{workers} processes")?,
        }
        match pool {
            PoolState::Fresh => {}
            PoolState::Warm => f.write_str(", warm")?,
        }
        match sharing {
            Sharing::Once => Ok(()),
            Sharing::PerJobCopy => f.write_str(", copy per job"),
        }
    }
}

/// Who runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// The coordinator, one after another.
    Serial,
    /// Threads of the coordinator.
    Threads,
    /// Worker processes.
    Processes,
}

/// Whether starting the workers is part of what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolState {
    /// Started and stopped in each round.
    Fresh,
    /// Started once, before all rounds, and the samples shared.
    Warm,
}

/// How the samples reach the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharing {
    /// Once, for all workers and all jobs.
    Once,
    /// All of them with every job, as the notebook does.
    PerJobCopy,
}

/// How much more or less than the whole the parts of a round may add up to, as a share of it.
pub const MAX_DEVIATION: f64 = 0.02;

/// One run of one case. Times are in nanoseconds; moments are on the
/// [`monotonic clock`](parzen_worker::clock), the same for coordinator and workers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Round {
    /// What was run.
    pub case: Case,
    /// Which round, from 0; the warm-up is not recorded.
    pub round: u32,
    /// Place in the order in which rounds were run, from 0.
    pub order: u32,
    /// When it began.
    pub started_ns: u64,
    /// The whole, measured by itself.
    pub wall_ns: u64,
    /// Its parts, one after another.
    pub parts: Parts,
    /// Time in jobs, of all workers together.
    pub compute_ns: u64,
    /// Time without a job between the first job's begin and the last one's end, of all workers
    /// together.
    pub idle_ns: u64,
    /// Time in which the coordinator merged partials, within the working part.
    pub merge_ns: u64,
    /// Messages and bytes; `None` for backends that send none.
    pub traffic: Option<Traffic>,
    /// The workers, by number.
    pub workers: Vec<Worker>,
    /// Every job, in the order they came back; of very many the first [`MAX_JOBS`].
    pub jobs: Vec<Job>,
    /// Share of the machine's cores that others used meanwhile, from 0 to 1. The system counts in
    /// ticks, so a short round is looked at together with what was before it, for half a second.
    pub foreign_share: f64,
    /// Workers that died.
    pub lost: u32,
    /// A digest of all results, in order of width and point, to their last bit.
    pub digest: u64,
}

impl Round {
    /// The difference between the whole and all parts together, as a share of the whole.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        let (whole, parts) = (self.wall_ns as f64, self.parts.total_ns() as f64);
        if 0.0 < whole { (whole - parts).abs() / whole } else { 0.0 }
    }
}

/// Most jobs of a round that are recorded: a timeline of more is a smear.
pub const MAX_JOBS: usize = 1 << 15;

/// Parts of a round, from its begin to its end without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Until all workers are ready: spawn and handshake.
    pub start_ns: u64,
    /// Until samples, points and widths are where the workers can read them.
    pub share_ns: u64,
    /// Until the first job begins.
    pub dispatch_ns: u64,
    /// Until the last job ends.
    pub work_ns: u64,
    /// Until the last result is merged.
    pub collect_ns: u64,
    /// Until all workers are gone.
    pub stop_ns: u64,
}

impl Parts {
    /// All together.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        let Self { start_ns, share_ns, dispatch_ns, work_ns, collect_ns, stop_ns } = self;
        start_ns + share_ns + dispatch_ns + work_ns + collect_ns + stop_ns
    }
}

/// What went over the channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Messages with jobs.
    pub messages_sent: u64,
    /// Their bytes, and the bytes of samples, points and widths that were shared.
    pub bytes_sent: u64,
    /// Messages with results.
    pub messages_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}

/// One worker in one round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Worker {
    /// Its number.
    pub worker: u32,
    /// Its process id, if it is a process of its own.
    pub pid: Option<u32>,
    /// When its process had been started, and when it was ready.
    pub launched_ns: Option<u64>,
    /// When it was ready for jobs.
    pub ready_ns: Option<u64>,
    /// Time in jobs.
    pub compute_ns: u64,
    /// The most memory it had resident at a time, in bytes.
    pub peak_memory: Option<u64>,
    /// Times it waited.
    pub voluntary_switches: Option<u64>,
    /// Times it was made to wait.
    pub involuntary_switches: Option<u64>,
}

/// One job of one round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Job {
    /// Its number in the plan.
    pub job: u64,
    /// Who ran it.
    pub worker: u32,
    /// When it began; jobs that shared a message share the time of all of them.
    pub started_ns: u64,
    /// When it ended, likewise.
    pub finished_ns: u64,
    /// The chunk of samples: first row and how many.
    pub rows: (u64, u64),
    /// The widest and the narrowest window it counted.
    pub widths: (f64, f64),
    /// How many points it counted at.
    pub points: u64,
}

/// The machine and the program, for whoever reads the figures later.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Machine {
    /// Operating system and its version.
    pub system: String,
    /// Kernel release.
    pub kernel: String,
    /// Host name.
    pub host: String,
    /// Processor architecture.
    pub architecture: String,
    /// The processor's own name.
    pub processor: String,
    /// Cores that can run at a time, hyper-threads counted.
    pub logical_cores: usize,
    /// Cores on the chip, if the system tells.
    pub physical_cores: Option<usize>,
    /// Cores that this process may run on.
    pub affinity: Vec<usize>,
    /// Cores' worth of time that the control group allows; `None` without a limit.
    pub quota: Option<f64>,
    /// What `--workers auto` makes of all that.
    pub available: usize,
    /// Memory of the machine, in bytes.
    pub memory: u64,
    /// Memory that is free for programs, in bytes.
    pub memory_available: u64,
    /// Memory that the control group allows, in bytes; `None` without a limit.
    pub memory_limit: Option<u64>,
    /// This program's version.
    pub version: String,
    /// The compiler it was built with.
    pub compiler: String,
    /// How it was built: `release` or `debug`.
    pub profile: String,
    /// Version of the protocol between coordinator and workers.
    pub protocol: u32,
}
