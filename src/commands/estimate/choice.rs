//! What can be chosen by name.

use std::num::NonZeroU32;

use clap::ValueEnum;

/// The window's shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kernel {
    /// A cube of side h around the point, in which all samples count the same.
    #[default]
    Hypercube,
}

impl Kernel {
    /// What it is called on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hypercube => "hypercube",
        }
    }
}

/// Who runs the jobs. All give the same bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Worker processes.
    #[default]
    Processes,
    /// Threads of this process.
    Threads,
    /// One job after the other, here.
    Serial,
}

impl Backend {
    /// What it is called on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Processes => "processes",
            Self::Threads => "threads",
            Self::Serial => "serial",
        }
    }
}

/// In which order results are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Widths ascending, and for each the points in the order given.
    #[default]
    Width,
    /// As they arrive.
    Completion,
}

impl Order {
    /// What it is called on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Width => "width",
            Self::Completion => "completion",
        }
    }
}

/// How samples are counted. All ways give the same counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Counting {
    /// The fastest: `shared`, except with `--order completion`, where it is `direct`, because only
    /// then can one width be ready before another. With a journal, as it was begun.
    #[default]
    Auto,
    /// One pass over the samples for each width, as the notebook does.
    Direct,
    /// One pass for all widths: each distance is found once.
    Shared,
}

/// How many workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workers {
    /// One for each core that this process may use.
    #[default]
    Auto,
    /// So many.
    Exactly(NonZeroU32),
}
