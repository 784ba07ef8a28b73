//! What the end of a worker means.

use std::time::Instant;

use super::Scheduler;
use crate::pool::{
    life::{Cause, End, Phase, Worker},
    orders::{At, Verdict},
};

impl Scheduler {
    /// What the end of a worker means.
    pub(super) fn end_of(&self, now: Instant, worker: &Worker, at: At) -> End {
        let front = worker.in_flight.front().copied().filter(|job| self.jobs.contains_key(job));
        let again = End::FailedStart { allowed: self.config.max_failed_starts };
        match (worker.phase, front) {
            (Phase::Starting { .. } | Phase::Dying(Cause::NoUse), _) => again,
            (Phase::Dying(Cause::StartTimeout), _) if self.proven => again,
            // Patience will not cure a program that never says hello.
            (Phase::Dying(Cause::StartTimeout), _) => End::FailedStart { allowed: 0 },
            (Phase::Dying(Cause::Ordered) | Phase::Leaving { .. }, _) => End::Expected,
            // Or one that nobody takes would be sent to one worker after another for ever.
            (Phase::Dying(Cause::Deaf(job)), _) if self.jobs.contains_key(&job) => {
                End::InVain { job, late: false }
            }
            (Phase::Dying(Cause::Deaf(_)), _) | (Phase::Dying(_), None) => End::Expected,
            // It was given a job, and what it had to say came before its end.
            (Phase::Gone { .. }, None) => End::Idle,
            (Phase::Ready { .. }, None) if worker.is_of_no_use(now) => again,
            (Phase::Ready { .. }, None) => End::Idle,
            // Whatever it is at by now, what it sent was for this job.
            (Phase::Dying(Cause::Misbehaved), Some(job)) => End::Crashed(job, None),
            // It had not begun what waited there, or was done with it.
            (Phase::Dying(Cause::JobTimeout), Some(job)) if at == At::Resting => {
                End::InVain { job, late: true }
            }
            (Phase::Ready { .. } | Phase::Gone { .. }, Some(job)) if at == At::Resting => {
                End::InVain { job, late: false }
            }
            (Phase::Dying(Cause::JobTimeout), Some(job)) => End::Late(job),
            // Only what it was running can have killed it. The rest goes back unblamed.
            (Phase::Ready { .. } | Phase::Gone { .. }, Some(job)) => match at {
                At::Running(running, item) if running == job => End::Crashed(job, Some(item)),
                At::Running(..) | At::Unknown | At::Resting => End::Crashed(job, None),
            },
        }
    }

    /// What is told of the end of a worker.
    pub(super) fn verdict(&self, worker: &Worker, end: End) -> Verdict {
        let is_batch = |job| self.jobs.get(&job).is_some_and(|job| job.divisible);
        match end {
            End::Expected => Verdict::Expected,
            End::FailedStart { .. } if !worker.was_ready() => Verdict::NotStarted,
            End::FailedStart { .. } | End::Idle | End::InVain { .. } => Verdict::Lost(None),
            End::Crashed(job, None) if is_batch(job) => Verdict::Lost(None),
            End::Crashed(job, item) => Verdict::Lost(Some((job, item.unwrap_or(0)))),
            End::Late(job) => Verdict::Lost(Some((job, 0))),
        }
    }
}
