//! Why a journal cannot be used.

use std::{io, path::PathBuf};

use crate::estimate::Mismatch;

/// Why a journal cannot be used, or not any more. None of them has changed the file, except that
/// after [`Write`](Self::Write) it may end in a torn record, which the next run cuts off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It cannot be opened, or not made.
    #[error("failed to open the journal `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is a directory, a device or a pipe.
    #[error("`{}` is no regular file, so it cannot be a journal", .0.display())]
    NotAFile(PathBuf),
    /// Another run has it open.
    #[error("the journal `{}` is in use by another run", .0.display())]
    InUse(PathBuf),
    /// It cannot be kept from others.
    #[error("failed to lock the journal `{}`", path.display())]
    Lock {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("failed to read the journal `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written: the disk may be full.
    #[error("failed to write the journal `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is something else.
    #[error("`{}` is not a journal", .0.display())]
    NotAJournal(PathBuf),
    /// It is of another version of this program.
    #[error("the journal `{}` has format {found}, which this version does not know", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The format's version.
        found: u32,
    },
    /// What it belongs to cannot be told any more.
    #[error("the journal `{}` is damaged at its header", .0.display())]
    Damaged(PathBuf),
    /// It belongs to other samples, points, widths, or another way of counting.
    #[error("the journal `{}` is of another estimate: {differences}", path.display())]
    OtherEstimate {
        /// The file.
        path: PathBuf,
        /// In what they differ.
        differences: String,
    },
    /// A record is whole, but cannot be of this estimate.
    #[error("the journal `{}` has a wrong result for job {job}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Which job.
        job: u64,
        /// What is wrong with it.
        source: Mismatch,
    },
    /// The file changed while it was in use.
    #[error("the journal `{}` changed while it was read", .0.display())]
    Changed(PathBuf),
}

impl JournalError {
    /// What to do about it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAFile(_) | Self::NotAJournal(_) => {
                Some("name a file that is not there yet, or a journal of the same estimate")
            }
            Self::Version { .. } | Self::Damaged(_) | Self::Record { .. } => {
                Some("remove it to begin anew")
            }
            Self::OtherEstimate { .. } => Some("name another file, or remove it to begin anew"),
            Self::Open { .. }
            | Self::InUse(_)
            | Self::Lock { .. }
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::Changed(_) => None,
        }
    }
}
