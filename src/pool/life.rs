//! The life of a worker as the scheduler follows it, and the kinds of ends that it comes to.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use parzen_worker::protocol::JobId;

use super::orders::{Config, Reason};

/// A worker that ends of itself sooner than this after it was ready, or is killed for what it sends,
/// and has done nothing, counts as a failed start: another would end the same way.
const YOUNG: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) phase: Phase,
    /// In the order sent; the worker runs the front one.
    pub(super) in_flight: VecDeque<JobId>,
    /// Jobs it has returned.
    pub(super) returned: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Starting {
        /// `None` is beyond what a clock can tell.
        deadline: Option<Instant>,
    },
    /// `deadline` is that of the front job, and exact if it is known when that has begun.
    Ready {
        since: Instant,
        deadline: Option<Instant>,
        has_begun: bool,
    },
    /// It was asked to leave, and is killed if it has not by then.
    Leaving {
        deadline: Option<Instant>,
    },
    /// It has closed its channel of itself, which is what its end looks like from here. If that is
    /// not reported by then, it lives and is deaf.
    Gone {
        deadline: Option<Instant>,
    },
    Dying(Cause),
}

impl Worker {
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Starting { deadline }
            | Phase::Leaving { deadline }
            | Phase::Gone { deadline }
            | Phase::Ready { deadline, .. } => deadline,
            Phase::Dying(_) => None,
        }
    }

    /// Has a worker that is about to end do so by then, if it was given longer.
    pub(super) fn hasten(&mut self, limit: Option<Instant>) {
        if let Phase::Leaving { deadline } | Phase::Gone { deadline } = &mut self.phase {
            *deadline = deadline.iter().chain(&limit).min().copied();
        }
    }

    /// Whether it takes jobs.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. })
    }

    /// Why it is killed if it lives when its deadline has passed.
    pub(super) fn lateness(&self) -> (Reason, Cause) {
        let reason = match self.phase {
            Phase::Starting { .. } => Reason::LateStart,
            Phase::Leaving { .. } => Reason::LateLeaving,
            Phase::Gone { .. } => Reason::Undelivered,
            Phase::Ready { .. } | Phase::Dying(_) => Reason::LateJob,
        };
        // What it was given last is what it did not take.
        match (reason, self.in_flight.back()) {
            (Reason::Undelivered, Some(&job)) => (reason, Cause::Deaf(job)),
            _ => (reason, Cause::from(reason)),
        }
    }

    /// Whether it is ready, has nothing to do, and has done nothing yet, in its short life.
    pub(super) fn is_of_no_use(&self, now: Instant) -> bool {
        let Phase::Ready { since, .. } = self.phase else { return false };
        let is_young = now.saturating_duration_since(since) < YOUNG;
        self.returned == 0 && self.in_flight.is_empty() && is_young
    }

    /// Whether it was ready as it ended, or as it was killed for that it was of no use.
    pub(super) fn was_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. } | Phase::Dying(Cause::NoUse))
    }

    /// Whether it has done all the jobs one worker may do.
    pub(super) fn is_spent(&self, config: &Config) -> bool {
        config.jobs_per_worker.is_some_and(|most| most.get() <= self.returned)
    }

    /// Whether one more job is within what one worker may do.
    pub(super) fn has_room(&self, config: &Config) -> bool {
        let given = self.returned.saturating_add(u32_of(self.in_flight.len()));
        config.jobs_per_worker.is_none_or(|most| given < most.get())
    }
}

pub(super) fn u32_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// What a worker was killed for, as far as it matters to its jobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Cause {
    StartTimeout,
    /// The job it runs took too long.
    JobTimeout,
    /// It did what no worker does.
    Misbehaved,
    /// The same, before it was of any use.
    NoUse,
    /// This job could not be sent to it.
    Deaf(JobId),
    /// No job's fault: it was cancelled, or the pool stops.
    Ordered,
}

impl From<Reason> for Cause {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::LateStart => Self::StartTimeout,
            Reason::LateJob => Self::JobTimeout,
            Reason::Misbehaved => Self::Misbehaved,
            Reason::LateLeaving
            | Reason::Undelivered
            | Reason::Cancelled
            | Reason::Stopped
            | Reason::Broken
            | Reason::Chaos => Self::Ordered,
        }
    }
}

/// What the end of a worker means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It was to go.
    Expected,
    /// It was never of use. So many in a row are allowed.
    FailedStart { allowed: u32 },
    /// There was nothing for it to do.
    Idle,
    /// It had not begun this job, or was done with it. `late` if it was killed because of that.
    InVain { job: JobId, late: bool },
    /// It was killed because this job took too long.
    Late(JobId),
    /// It ran this job, and of a batch, as far as it is known, this item.
    Crashed(JobId, Option<u32>),
}
