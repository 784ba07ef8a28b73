//! How the program ends.

use std::process::ExitCode;

/// Every exit code of `parzen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All was done, or whoever read the output wanted no more of it.
    Done = 0,
    /// Something that should not happen.
    Unexpected = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A file is missing, or not what it should be.
    Data = 3,
    /// A worker could not be started, or a job failed for good.
    Workers = 4,
    /// Two backends gave different results.
    Disagree = 5,
    /// SIGINT, usually Ctrl-C: what was finished is printed, and no worker is left.
    Interrupted = 130,
    /// SIGTERM or SIGHUP, likewise.
    Terminated = 143,
}

impl Exit {
    /// What the shell sees.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}
