//! Cuts an estimate into jobs.

use std::num::NonZeroUsize;

use parzen_worker::tasks::density::{Method, Part};

/// How large an estimate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Samples.
    pub n: usize,
    /// Numbers in a sample.
    pub d: usize,
    /// Points.
    pub m: usize,
    /// Widths.
    pub widths: usize,
}

/// The jobs of one estimate: chunks × blocks of points × blocks of widths.
///
/// Jobs are numbered so that results become complete as early as they can: all chunks of one block
/// of points and widths come before the next block.
#[derive(Clone, Debug)]
pub struct Plan;

impl Plan {
    /// Plans from the shape, the method and, if given, the rows in a chunk. Nothing else matters:
    /// not the backend, not the number of workers.
    #[must_use]
    pub fn new(shape: Shape, method: Method, chunk_rows: Option<NonZeroUsize>) -> Self {
        let _ = (shape, method, chunk_rows);
        todo!()
    }

    /// How many jobs there are.
    #[must_use]
    pub fn n_jobs(&self) -> u64 {
        todo!()
    }

    /// What job `job` is, for `job < n_jobs()`.
    #[must_use]
    pub fn part(&self, job: u64) -> Part {
        let _ = job;
        todo!()
    }
}
