//! What happens in a pool, as its user may follow it event by event.

use std::{fmt, ops::Range, time::Duration};

use super::{
    death::Death,
    error::StartError,
    orders::{Outcome, Reason},
};

/// Something that happened in a [`Pool`](super::Pool), or that it decided. Told to what
/// [`Builder::on_event`](super::Builder::on_event) is given.
///
/// A worker is named by its number, which no other process of the pool ever has. A job is some
/// inputs of one call, sent to one worker in one message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A process was started as a worker.
    Started {
        /// Its number.
        worker: u32,
        /// Its process id.
        pid: u32,
        /// The worker whose place it takes, if one was lost or has left. Why was told then.
        replaces: Option<u32>,
    },
    /// A worker has said hello and run its initializer, and takes jobs.
    Ready {
        /// Which.
        worker: u32,
    },
    /// A worker could not be started, or did not become ready.
    NotStarted {
        /// Which.
        worker: u32,
        /// Why.
        error: StartError,
    },
    /// A job was sent to a worker. It is begun when the worker is done with those sent before.
    Assigned {
        /// To which.
        worker: u32,
        /// Which job.
        job: JobSummary,
        /// Crashes it was charged with so far.
        attempt: u32,
    },
    /// A job could not be sent to a worker. If that is dying, its end is told next; if not, it is
    /// killed. The job waits in front of the queue again, unless this was once too often.
    Unsent {
        /// To which.
        worker: u32,
        /// Which job.
        job: JobSummary,
        /// What the system said.
        error: String,
    },
    /// A worker was asked to leave before its next input.
    AskedToLeave {
        /// Which.
        worker: u32,
    },
    /// The pool killed a worker.
    Killed {
        /// Which.
        worker: u32,
        /// Why.
        reason: Reason,
    },
    /// A worker is stopped for this time, as [`Chaos`](super::Chaos) will have it.
    Stopped {
        /// Which.
        worker: u32,
        /// For how long.
        time: Duration,
    },
    /// A worker is gone, as it was asked or made to.
    Left {
        /// Which.
        worker: u32,
        /// How it ended.
        death: Death,
    },
    /// A worker is gone that should not be. What becomes of the jobs that it had is told next.
    Lost {
        /// Which.
        worker: u32,
        /// How it ended.
        death: Death,
        /// What is to blame: the job it ran, and, of a job of several inputs, the one it ran.
        charged: Option<JobSummary>,
    },
    /// A job whose worker is gone waits in front of the queue again.
    Requeued {
        /// Which.
        job: JobSummary,
        /// Whether the end of that worker counts against it.
        charged: bool,
    },
    /// A job of several inputs whose worker is gone was cut up: what was not finished of it waits in
    /// front of the queue, as jobs with numbers of their own. One of them is the input that was
    /// running, alone; if that could not be learned, each is alone.
    Divided {
        /// Which; its items are those that were not finished.
        job: JobSummary,
    },
    /// A job has ended. Unless it returned, its unfinished inputs fail.
    Finished {
        /// Which.
        job: JobSummary,
        /// How.
        outcome: Outcome,
    },
    /// No worker can be started, so the pool is of no more use.
    Broken {
        /// Why the last one did not start.
        error: StartError,
    },
}

/// Which job it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobSummary {
    /// Its number, never used twice in a pool. A job that is run again keeps it.
    pub number: u64,
    /// The name of its task.
    pub task: &'static str,
    /// Its inputs, by their index in the call that they were handed in with.
    pub items: Range<u64>,
}

impl JobSummary {
    /// Of its items only this one, counted from its first.
    pub(super) fn item(self, item: u32) -> Self {
        let first = self.items.start + u64::from(item);
        Self { items: first..first + 1, ..self }
    }
}

impl fmt::Display for JobSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, task, items } = self;
        write!(f, "{number} (`{task}` {}..{})", items.start, items.end)
    }
}

/// Where events are logged.
const TARGET: &str = "parzen::pool";

/// Whether a log wants any of them.
pub(super) fn is_logged() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::INFO)
}

impl Event {
    /// Logs it: single jobs at `trace`, what is lost at `info`, the rest at `debug`.
    pub(super) fn trace(&self) {
        match self {
            Self::Assigned { worker, job, attempt } => {
                tracing::trace!(target: TARGET, worker, %job, attempt, "assigned");
            }
            Self::Finished { job, outcome: Outcome::Returned } => {
                tracing::trace!(target: TARGET, %job, "returned");
            }
            Self::Finished { job, outcome } => {
                tracing::debug!(target: TARGET, %job, ?outcome, "failed");
            }
            Self::Started { worker, pid, replaces } => {
                tracing::debug!(target: TARGET, worker, pid, replaces, "started");
            }
            Self::Ready { worker } => tracing::debug!(target: TARGET, worker, "ready"),
            Self::NotStarted { worker, error } => {
                tracing::info!(target: TARGET, worker, "not started: {error}");
            }
            Self::Unsent { worker, job, error } => {
                tracing::debug!(target: TARGET, worker, %job, "not sent: {error}");
            }
            Self::AskedToLeave { worker } => {
                tracing::debug!(target: TARGET, worker, "asked to leave");
            }
            Self::Killed { worker, reason } => {
                tracing::debug!(target: TARGET, worker, ?reason, "killed");
            }
            Self::Stopped { worker, time } => {
                tracing::debug!(target: TARGET, worker, ?time, "stopped");
            }
            Self::Left { worker, death } => {
                tracing::debug!(target: TARGET, worker, "left: it {death}");
            }
            Self::Lost { worker, death, charged: Some(job) } => {
                tracing::info!(target: TARGET, worker, charged = %job, "lost: it {death}");
            }
            Self::Lost { worker, death, charged: None } => {
                tracing::info!(target: TARGET, worker, "lost, no job's fault: it {death}");
            }
            Self::Requeued { job, charged } => {
                tracing::debug!(target: TARGET, %job, charged, "requeued");
            }
            Self::Divided { job } => tracing::debug!(target: TARGET, %job, "divided"),
            Self::Broken { error } => tracing::debug!(target: TARGET, "broken: {error}"),
        }
    }
}
