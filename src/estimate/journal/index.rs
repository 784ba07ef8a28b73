//! Which jobs a journal has, and where.

use std::{ops::Range, sync::Arc};

use super::record::Entry;
use crate::estimate::Mismatch;

/// The records of a journal, by their jobs. It takes 24 bytes for each.
#[derive(Clone, Debug)]
pub(super) struct Index {
    /// Jobs ascend.
    entries: Arc<[Entry]>,
    n_jobs: u64,
}

impl Index {
    /// Of `entries` in any order, for a plan of `n_jobs` jobs. Fails with the job that cannot be
    /// there, or not twice.
    pub(super) fn new(mut entries: Vec<Entry>, n_jobs: u64) -> Result<Self, (u64, Mismatch)> {
        entries.sort_unstable_by_key(|entry| (entry.job, entry.offset));
        if let Some(pair) = entries.array_windows().find(|[one, next]| one.job == next.job) {
            return Err((pair[0].job, Mismatch::Twice));
        }
        match entries.last() {
            Some(last) if n_jobs <= last.job => Err((last.job, Mismatch::OutOfRange { n_jobs })),
            Some(_) | None => Ok(Self { entries: entries.into(), n_jobs }),
        }
    }

    /// How many jobs it has.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The record number `idx`, by its job.
    pub(super) fn entry(&self, idx: usize) -> Option<Entry> {
        self.entries.get(idx).copied()
    }

    /// The jobs that it does not have, ascending.
    pub(super) fn missing(&self) -> Missing {
        Missing { index: self.clone(), next: 0, jobs: 0..self.n_jobs }
    }
}

/// See [`Index::missing`].
#[derive(Clone, Debug)]
pub(super) struct Missing {
    index: Index,
    /// Of the entries, the first that was not passed.
    next: usize,
    jobs: Range<u64>,
}

impl Iterator for Missing {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let job = self.jobs.next()?;
            if self.index.entry(self.next).is_none_or(|entry| entry.job != job) {
                return Some(job);
            }
            self.next += 1;
        }
    }
}
