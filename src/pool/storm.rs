//! Blows of a [`Chaos`] that are still to fall.

use std::{collections::BTreeMap, time::Instant};

use parzen_worker::protocol::WorkerId;

use super::chaos::{Blow, Chaos, Strike};

/// What is to be done to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Strike(Blow),
    /// It was stopped, and is to go on.
    Resume,
}

/// Decides with each assignment, and keeps what was decided until it is time.
#[derive(Debug)]
pub(super) struct Storm {
    chaos: Chaos,
    assignments: u64,
    /// By time, and in the order they were decided.
    due: BTreeMap<(Instant, u64), (WorkerId, Act)>,
    decided: u64,
}

impl Storm {
    pub(super) fn new(chaos: Chaos) -> Self {
        Self { chaos, assignments: 0, due: BTreeMap::new(), decided: 0 }
    }

    /// Notes that a worker was given a job.
    pub(super) fn assigned(&mut self, worker: WorkerId, now: Instant) {
        let assignment = self.assignments;
        self.assignments += 1;
        if let Some(Strike { after, blow }) = self.chaos.strike(assignment) {
            self.add(now + after, worker, Act::Strike(blow));
        }
    }

    fn add(&mut self, when: Instant, worker: WorkerId, act: Act) {
        self.due.insert((when, self.decided), (worker, act));
        self.decided += 1;
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|(&(when, _), _)| when)
    }

    /// What is due now, if anything is. A worker that is stopped will go on.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(WorkerId, Act)> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let (worker, act) = entry.remove();
        if let Act::Strike(Blow::Stop(time)) = act {
            self.add(now + time, worker, Act::Resume);
        }
        Some((worker, act))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pool::driver::now;

    #[test]
    fn blows_fall_in_their_time_and_who_is_stopped_goes_on() {
        let mut storm = Storm::new(Chaos::new(0.0, 0.5, 1).unwrap());
        let begin = now();
        for worker in 0..20 {
            storm.assigned(WorkerId::new(worker), begin);
        }
        let mut stopped = Vec::new();
        let (mut n_stops, mut last) = (0, begin);
        while let Some(next) = storm.next() {
            assert!(last <= next && next <= begin + Duration::from_secs(1));
            last = next;
            let (worker, act) = storm.poll(next).unwrap();
            match act {
                Act::Strike(_) => stopped.push(worker),
                Act::Resume => stopped.retain(|&other| other != worker),
            }
            n_stops += u32::from(act != Act::Resume);
        }
        assert!(stopped.is_empty() && (3..17).contains(&n_stops), "{n_stops}");
        assert_eq!(storm.poll(last + Duration::from_secs(9)), None);
    }
}
