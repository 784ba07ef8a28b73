//! Kinds of ends that workers come to.

use parzen_worker::protocol::JobId;

use super::orders::Reason;

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
    /// There was, but it had not begun it.
    InVain,
    /// It was killed because this job took too long.
    Late(JobId),
    /// It ran this job, and of a batch, as far as it is known, this item.
    Crashed(JobId, Option<u32>),
}
