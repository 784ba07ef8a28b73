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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn index(jobs: &[u64], n_jobs: u64) -> Result<Index, (u64, Mismatch)> {
        let entry = |(offset, &job)| Entry { job, offset, len: 9 };
        Index::new((0..).zip(jobs).map(entry).collect(), n_jobs)
    }

    #[test]
    fn entries_are_found_by_the_order_of_their_jobs() {
        let index = index(&[5, 0, 3], 9).unwrap();
        let entries: Vec<_> = (0..).map_while(|idx| index.entry(idx)).collect();
        let jobs: Vec<_> = entries.iter().map(|entry| (entry.job, entry.offset)).collect();
        assert_eq!(jobs, [(0, 1), (3, 2), (5, 0)]);
    }

    #[test]
    fn a_job_that_cannot_be_there_is_told() {
        assert_eq!(index(&[1, 9, 1], 9).unwrap_err(), (1, Mismatch::Twice));
        assert_eq!(index(&[1, 9], 9).unwrap_err(), (9, Mismatch::OutOfRange { n_jobs: 9 }));
        assert_eq!(index(&[], 0).unwrap().len(), 0);
    }

    proptest! {
        #[test]
        fn a_job_is_there_or_missing(jobs in btree_set(0..40_u64, 0..40), n_jobs in 40..50_u64) {
            let missing: Vec<u64> =
                index(&jobs.iter().rev().copied().collect::<Vec<_>>(), n_jobs)
                    .unwrap()
                    .missing()
                    .collect();
            prop_assert!(missing.is_sorted());
            let expected: BTreeSet<u64> = (0..n_jobs).filter(|job| !jobs.contains(job)).collect();
            prop_assert_eq!(missing.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }
}
