//! The life of a worker as the scheduler follows it, and the kinds of ends that it comes to.

use std::{collections::VecDeque, time::Instant};

use parzen_worker::protocol::JobId;

use super::orders::{Config, Reason};

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
    /// No job's fault: it was cancelled, or could not be sent, or the pool stops.
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
