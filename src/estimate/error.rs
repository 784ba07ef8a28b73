//! Why an estimate failed.

use std::{error, io};

use parzen_worker::TaskError;

use super::{JobError, JournalError, Mismatch};

/// Why an estimate could not be made, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no points, or the last one is not whole.
    #[error("{len} numbers are no points of {d} dimensions")]
    Points {
        /// Numbers given.
        len: usize,
        /// Numbers in a sample.
        d: usize,
    },
    /// A point is not somewhere.
    #[error("point {point} has `{value}` in column {column}, where a finite number is needed")]
    PointNotFinite {
        /// Index of the point, from 0.
        point: usize,
        /// Index of the column, from 0.
        column: usize,
        /// What is there.
        value: f64,
    },
    /// There are no widths, or they are not finite, positive and ascending.
    #[error("the widths are not one or more finite positive numbers in ascending order")]
    Widths,
    /// Points or widths could not be put where workers find them.
    #[error("failed to put points and widths into shared memory")]
    Share(#[source] io::Error),
    /// The samples, points or widths could not be mapped.
    #[error("failed to open the inputs: {0}")]
    Open(TaskError),
    /// A sample is NaN or infinite. It is the first one, whoever found which.
    #[error("row {row} has `{value}` in column {column}, where a finite number is needed")]
    NotFinite {
        /// Index of the sample, from 0.
        row: usize,
        /// Index of the column, from 0.
        column: usize,
        /// What is there.
        value: f64,
    },
    /// A result is not one of the job.
    #[error("worker {worker} returned a wrong result for job {job}")]
    Partial {
        /// Whose it is.
        worker: u32,
        /// Which job.
        job: u64,
        /// What is wrong with it.
        source: Mismatch,
    },
    /// Some jobs failed for good. All results that do not need them were emitted.
    #[error("{n_failed} of {n_jobs} jobs failed, first job {job}")]
    Jobs {
        /// How many failed.
        n_failed: u64,
        /// How many there were.
        n_jobs: u64,
        /// The one that failed first.
        job: u64,
        /// Why it failed.
        source: JobError,
    },
    /// The executor ended without having returned all jobs.
    #[error("{left} jobs were never returned")]
    Unfinished {
        /// How many were not returned.
        left: u64,
    },
    /// [`Stop`](super::Stop) was raised. What was complete by then was emitted.
    #[error("stopped before all results were complete")]
    Stopped,
    /// A thread could not be started.
    #[error("failed to start a thread")]
    Thread(#[source] io::Error),
    /// A thread panicked outside a job.
    #[error("a thread panicked")]
    Panicked,
    /// A result could not be passed on. A closed pipe is of this kind.
    #[error("failed to write a result")]
    Emit(#[source] io::Error),
    /// The journal cannot be used, or not any more.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The pool of worker processes could not go on.
    #[error(transparent)]
    Pool(Box<dyn error::Error + Send + Sync>),
}
