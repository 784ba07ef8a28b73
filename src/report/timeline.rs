//! Who did what when: one track for the coordinator, one for each worker.

mod build;
pub use build::{PhaseTime, Run, of_round};

mod benchmark;
pub use benchmark::of_benchmark;

mod track;
pub use track::Track;

use serde::Serialize;

use crate::bench::Job;

/// One run: its tracks, the coordinator's first.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What was run.
    pub name: String,
    /// Who took part.
    pub tracks: Vec<Track>,
}

impl Group {
    /// When the first slice of any track begins; 0 if there is none.
    #[must_use]
    pub fn started_ns(&self) -> u64 {
        self.slices().map(|slice| slice.start_ns).min().unwrap_or(0)
    }

    /// When the last slice of any track ends; 0 if there is none.
    #[must_use]
    pub fn finished_ns(&self) -> u64 {
        self.slices().map(|slice| slice.end_ns).max().unwrap_or(0)
    }

    fn slices(&self) -> impl Iterator<Item = &Slice> {
        self.tracks.iter().flat_map(Track::slices)
    }
}

/// What a track belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A process, with its id if that is known.
    Process(Option<u32>),
    /// A thread of the coordinator, by its number.
    Thread(u32),
}

/// Something that took a while. Moments are nanoseconds of the
/// [`monotonic clock`](parzen_worker::clock).
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// What.
    pub what: What,
    /// When it began.
    pub start_ns: u64,
    /// When it ended, not before it began.
    pub end_ns: u64,
}

impl Slice {
    /// How long it took.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }
}

/// What took a while.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A part of the run.
    Phase(Phase),
    /// Waiting for a job.
    Idle,
    /// Jobs; more than one if they shared a message, because then only the time of all together is
    /// known.
    Jobs(Vec<Job>),
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Samples and points are read, and put where workers can read them.
    Read,
    /// Workers are started; on a worker's track, until its process is there.
    Start,
    /// A worker says hello, and is told what it needs.
    Handshake,
    /// Samples, points and widths are put where workers can read them.
    Share,
    /// Jobs are given out, and none has begun.
    Dispatch,
    /// Jobs run.
    Work,
    /// Results are merged after the last job, or between jobs if the coordinator runs them.
    Collect,
    /// Workers are asked to leave, and leave.
    Stop,
}

impl Phase {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Start => "start",
            Self::Handshake => "handshake",
            Self::Share => "share",
            Self::Dispatch => "dispatch",
            Self::Work => "work",
            Self::Collect => "collect",
            Self::Stop => "stop",
        }
    }
}
