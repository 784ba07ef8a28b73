//! What the end of a simulated process must mean.

use std::time::Duration;

use parzen_worker::protocol::{JobId, WorkerId};

use super::{process::Process, world::World};
use crate::pool::orders::{At, Event, Outcome, Reason, Verdict};

impl World {
    /// Works out what the end of a process, which is gone already, says of the program.
    fn count_failed_start(&mut self, process: &Process) -> bool {
        let was_of_no_use = process.useless || process.is_unproven(self.now);
        if !process.late && !was_of_no_use && (process.ready || process.doomed) {
            return false;
        }
        let some_work = self.processes.values().any(Process::is_at_work);
        if some_work && self.pause.is_some_and(|until| self.now < until) {
            return true;
        }
        self.failed_starts += 1;
        if some_work {
            let doublings = (self.failed_starts - 1).min(7);
            self.pause = Some(self.now + Duration::from_millis(50) * (1 << doublings));
        }
        let is_hopeless = process.late && !self.proven;
        let is_last = self.config.max_failed_starts < self.failed_starts;
        self.broken |= (is_hopeless || is_last) && !(some_work && self.complete);
        true
    }

    /// What a process that dies has said of where it is, which may be nothing, or nonsense.
    fn position(&mut self, process: &Process) -> At {
        let front = process.inbox.front();
        match (front, process.at) {
            (Some(job), None) if process.ready && self.cursed.contains_key(job) => At::Resting,
            _ if !process.ready || self.rng.one_in(8) => At::Unknown,
            _ if self.rng.one_in(20) => {
                let other = JobId::new(self.rng.below(self.next_job + 1));
                if front == Some(&other) { At::Unknown } else { At::Running(other, 0) }
            }
            (Some(&job), Some(item)) => At::Running(job, item),
            (Some(_), None) | (None, _) => At::Resting,
        }
    }

    /// Counts a process that was lost with a job that it did not run. Gives that job if that was one
    /// too many.
    fn count_in_vain(&mut self, job: JobId) -> Option<JobId> {
        let lost = self.in_vain.entry(job).or_insert(0);
        *lost += 1;
        let allowed = if self.config.once { 0 } else { self.config.max_crashes + 2 };
        (allowed < *lost).then_some(job)
    }

    pub(super) fn exit(&mut self, id: WorkerId) {
        let process = self.processes.remove(&id).unwrap();
        let at = self.position(&process);
        let front = process.inbox.front().copied().filter(|job| !self.finished.contains_key(job));
        let is_late = process.killed_for == Some(Reason::LateJob);
        let crashed = front.filter(|_| process.is_wanted());
        let in_vain = front.filter(|_| at == At::Resting && (process.is_wanted() || is_late));
        let untaken = process.deaf_to.filter(|job| !self.finished.contains_key(job));
        let in_vain = in_vain.or(untaken);
        let misbehaved = process.killed_for == Some(Reason::Misbehaved);
        let overdue = front.filter(|_| is_late && in_vain.is_none());
        self.overdue = overdue.map(|job| (job, Outcome::TimedOut));
        let culprit =
            crashed.filter(|_| in_vain.is_none()).or_else(|| front.filter(|_| misbehaved));
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
        let failed = self.count_failed_start(&process);
        self.verdict = Some(if failed && !process.is_at_work() && !process.useless {
            Verdict::NotStarted
        } else if process.is_wanted()
            || process.useless
            || in_vain.is_some()
            || overdue.is_some()
            || culprit.is_some()
        {
            Verdict::Lost(self.blamed.or_else(|| overdue.map(|job| (job, 0))))
        } else {
            Verdict::Expected
        });
        let hopeless = in_vain.and_then(|job| self.count_in_vain(job));
        let is_batch = hopeless.is_some_and(|job| self.divisible.contains_key(&job));
        if is_batch {
            self.split = hopeless.map(|job| (job, None));
        } else if is_late && hopeless.is_some() {
            self.overdue = hopeless.map(|job| (job, Outcome::NotBegun));
        }
        self.stale.extend([Event::Ready(id), Event::Misbehaved(id), Event::Exited(id, at)]);
        self.stale.extend(process.inbox.iter().map(|&job| Event::Returned(id, job)));
        self.stale.extend(process.inbox.iter().map(|&job| Event::Began(id, job, self.begin)));
        self.feed(Event::Exited(id, at));
        assert_eq!(self.split, None, "a batch was not divided");
        assert_eq!(self.overdue.take(), None, "a job is late, and not told so");
        let is_given_up = hopeless.is_none_or(|job| self.finished.contains_key(&job));
        assert!(is_given_up, "{hopeless:?} takes more processes with it");
        let ran_once = front.filter(|_| self.config.once);
        assert!(
            ran_once.is_none_or(|job| self.finished.contains_key(&job)),
            "{front:?} runs again"
        );
    }
}
