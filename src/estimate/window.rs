//! Keeps the jobs in flight close together.

use std::{collections::BTreeSet, num::NonZeroU64};

/// The jobs in flight, none of them [`Work::window`](super::Work::window) or more ahead of the
/// oldest.
///
/// Jobs are begun in ascending order, so the oldest unfinished job is the oldest in flight or, if
/// none is, the next: that one is always admitted, and nothing can wait for itself.
#[derive(Debug)]
pub(crate) struct Window {
    size: NonZeroU64,
    in_flight: BTreeSet<u64>,
}

impl Window {
    pub(crate) fn new(size: NonZeroU64) -> Self {
        Self { size, in_flight: BTreeSet::new() }
    }

    /// Begins `job`, unless it is too far ahead. Returns whether it is begun.
    pub(crate) fn begin(&mut self, job: u64) -> bool {
        let oldest = self.in_flight.first().copied().unwrap_or(job);
        let admitted = job.saturating_sub(oldest) < self.size.get();
        if admitted {
            self.in_flight.insert(job);
        }
        admitted
    }

    /// Ends `job`: its result has been taken.
    pub(crate) fn finish(&mut self, job: u64) {
        self.in_flight.remove(&job);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_job_holds_the_others_back() {
        let mut window = Window::new(NonZeroU64::new(3).unwrap());
        assert!([10, 11, 12].into_iter().all(|job| window.begin(job)));
        assert!(!window.begin(13));
        window.finish(11);
        window.finish(12);
        assert!(!window.begin(13), "10 is still the oldest");
        window.finish(10);
        assert!(window.begin(13));
    }

    #[test]
    fn with_nothing_in_flight_any_job_may_begin() {
        let mut window = Window::new(NonZeroU64::MIN);
        for job in [0, 7, u64::MAX] {
            assert!(window.begin(job));
            window.finish(job);
        }
    }
}
