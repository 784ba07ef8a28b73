//! What the end of a simulated process must mean.

use std::time::Duration;

use parzen_worker::protocol::{JobId, WorkerId};

use super::{process::Process, world::World};
use crate::pool::orders::{At, Event, Reason, Verdict};

impl World {
    /// Works out what the end of a process, which is gone already, says of the program. With work
    /// that it had not begun, it died in vain.
    fn count_failed_start(&mut self, process: &Process, in_vain: bool) -> bool {
        let is_young = process.since.is_some_and(|since| self.now - since < Duration::from_secs(1));
        let is_idle = process.returned == 0 && process.inbox.is_empty();
        let was_of_no_use = process.is_at_work() && is_young && is_idle;
        if !process.late && !was_of_no_use && !in_vain && (process.ready || process.doomed) {
            return false;
        }
        self.failed_starts += 1;
        let killed_often = if in_vain { self.config.max_crashes } else { 0 };
        if self.processes.values().any(Process::is_at_work) {
            let doublings = (self.failed_starts - 1).min(7);
            self.pause = Some(self.now + Duration::from_millis(50) * (1 << doublings));
        } else if (process.late && !self.proven)
            || self.config.max_failed_starts + killed_often < self.failed_starts
        {
            self.broken = true;
        }
        true
    }

    /// What a process that dies has said of where it is, which may be nothing, or nonsense.
    fn position(&mut self, process: &Process) -> At {
        let front = process.inbox.front();
        match (front, process.at) {
            _ if !process.ready || self.rng.one_in(8) => At::Unknown,
            _ if self.rng.one_in(20) => {
                let other = JobId::new(self.rng.below(self.next_job + 1));
                if front == Some(&other) { At::Unknown } else { At::Running(other, 0) }
            }
            (Some(&job), Some(item)) => At::Running(job, item),
            (Some(_), None) | (None, _) => At::Resting,
        }
    }

    pub(super) fn exit(&mut self, id: WorkerId) {
        let process = self.processes.remove(&id).unwrap();
        let at = self.position(&process);
        let front = process.inbox.front().copied().filter(|job| !self.finished.contains_key(job));
        let is_late = process.killed_for == Some(Reason::LateJob);
        let crashed = front.filter(|_| process.is_at_work());
        let in_vain = at == At::Resting && (crashed.is_some() || (is_late && front.is_some()));
        let misbehaved = process.killed_for == Some(Reason::Misbehaved);
        self.overdue = front.filter(|_| is_late && !in_vain);
        let culprit = crashed.filter(|_| !in_vain).or_else(|| front.filter(|_| misbehaved));
        let item = match at {
            At::Running(job, item) if crashed == Some(job) => Some(item),
            At::Running(..) | At::Unknown | At::Resting => None,
        };
        let batch = culprit.filter(|job| self.divisible.contains_key(job));
        self.split = batch.map(|job| (job, item));
        // Of a batch it must be known which item it was; of other jobs there is but one.
        let known = if batch.is_some() { item } else { Some(item.unwrap_or(0)) };
        self.blamed = culprit.zip(known);
        if let Some((job, _)) = self.blamed.filter(|_| batch.is_none()) {
            *self.deaths.entry(job).or_insert(0) += 1;
        }
        let failed = self.count_failed_start(&process, in_vain);
        self.verdict = Some(if failed && !in_vain && !process.is_at_work() {
            Verdict::NotStarted
        } else if process.is_at_work() || in_vain || self.overdue.is_some() || culprit.is_some() {
            Verdict::Lost(self.blamed.or_else(|| self.overdue.map(|job| (job, 0))))
        } else {
            Verdict::Expected
        });
        self.stale.extend([Event::Ready(id), Event::Misbehaved(id), Event::Exited(id, at)]);
        self.stale.extend(process.inbox.iter().map(|&job| Event::Returned(id, job)));
        self.stale.extend(process.inbox.iter().map(|&job| Event::Began(id, job, self.begin)));
        self.feed(Event::Exited(id, at));
        assert_eq!(self.split, None, "a batch was not divided");
    }
}
