//! What the scheduler is told, and what it orders.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use parzen_worker::protocol::{JobId, WorkerId};

/// Limits the scheduler works within.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    /// Processes to keep alive.
    pub(crate) workers: NonZeroU32,
    /// Jobs a worker may hold at once: the one it runs, and those waiting in its channel.
    pub(crate) depth: NonZeroU32,
    /// Crashes a job may be running through and still be run again.
    pub(crate) max_crashes: u32,
    /// Starts in a row that may fail before the pool gives up.
    pub(crate) max_failed_starts: u32,
    /// Time a new process has to become ready.
    pub(crate) start_timeout: Duration,
    /// Time a job may run; `None` is unlimited.
    pub(crate) job_timeout: Option<Duration>,
    /// Time a worker that was asked to leave has for it.
    pub(crate) stop_grace: Duration,
    /// Jobs after which a worker is replaced by a fresh one.
    pub(crate) jobs_per_worker: Option<NonZeroU32>,
    /// Whether a job fails with its worker, whatever that ended of, rather than be run again.
    pub(crate) once: bool,
}

/// Where a job is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Front,
    Back,
}

/// What the driver saw.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The pool is to start its workers.
    Start,
    /// The caller asked for a job, or one was divided and this is a piece of it, charged with
    /// `crashes`. One that is `divisible` holds several items.
    Submit {
        job: JobId,
        place: Place,
        divisible: bool,
        crashes: u32,
    },
    /// All pieces of a job that was to be divided are submitted.
    Divided,
    /// The caller no longer wants a job. If it runs, its worker is killed.
    Cancel(JobId),
    /// The caller no longer wants a job, unless it was sent to a worker already.
    Withdraw(JobId),
    /// A process finished its handshake.
    Ready(WorkerId),
    /// A process began a job then.
    Began(WorkerId, JobId, Instant),
    /// A process is done with a job, whatever came of it.
    Returned(WorkerId, JobId),
    /// A process sent what no worker would. The job it runs is charged with that.
    Misbehaved(WorkerId),
    /// This job could not be sent to a worker, which is there and deaf. No job is charged with a
    /// crash.
    Undelivered(WorkerId, JobId),
    /// A job could not be sent to a worker, because nobody is at the other end: it is dying or dead,
    /// and `Exited` comes.
    Gone(WorkerId),
    /// A worker is to be killed at random. No job is charged.
    Struck(WorkerId),
    /// A process is gone, and this is what it was at. The driver reports this after all that process
    /// sent.
    Exited(WorkerId, At),
    /// Time passed; [`Scheduler::poll_timeout`] was reached.
    Timeout,
    /// A call began that will submit jobs on its own, until [`Event::CallEnded`].
    CallBegan,
    CallEnded,
    /// No more jobs will come but from calls that have begun: the workers leave when all are done.
    Close,
    /// No more work is to be begun. Running jobs have the grace to finish; without one they are
    /// killed.
    Stop {
        grace: Option<Duration>,
    },
}

/// What a process was at as it died, as far as its word can be taken for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum At {
    /// It did not say, or not what can be.
    Unknown,
    /// It ran nothing.
    Resting,
    /// It ran this item of this job, by its index in the job.
    Running(JobId, u32),
}

/// What the driver must do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Start a process under this id. Report `Ready`, then `Exited`; or `Exited` alone.
    Spawn(WorkerId),
    /// Send the job to the worker, saying how often it was lost before.
    Assign { worker: WorkerId, job: JobId, attempt: u32 },
    /// Kill the process at once. It is still live until `Exited`.
    Kill(WorkerId, Reason),
    /// Ask the process to leave before its next item, and close its channel.
    Leave(WorkerId),
    /// Submit the unfinished items of this job again, in front of the queue: its worker died, and
    /// one of them is why. If it is known which, that one becomes a job of its own, charged with a
    /// crash, and those before it and behind it stay together; if not, each becomes a job.
    /// Report `Divided` after the last.
    Divide { job: JobId, charged: Option<u32> },
    /// Give the caller this job's outcome.
    Finish(JobId, Outcome),
    /// Nothing but tell it to whoever wants to know.
    Tell(Notice),
}

/// What was decided without anything to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Notice {
    /// What the end of a process means. What becomes of its jobs comes next.
    Buried(WorkerId, Verdict),
    /// A job of a process that is gone waits in front of the queue again.
    Requeued { job: JobId, charged: bool },
    /// No worker can be started.
    Broken,
}

/// What the end of a process means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It was asked to leave, or killed, for what is no job's fault.
    Expected,
    /// It was never ready.
    NotStarted,
    /// This item of this job is to blame, if one is.
    Lost(Option<(JobId, u32)>),
}

/// Why the pool killed a worker.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// It was not ready in time.
    LateStart,
    /// The job it ran took too long.
    LateJob,
    /// It was asked to leave and did not, in time.
    LateLeaving,
    /// It sent what no worker would.
    Misbehaved,
    /// A job could not be sent to it.
    Undelivered,
    /// It ran a job that was cancelled.
    Cancelled,
    /// The pool stops, or closes before the worker was ready.
    Stopped,
    /// Other workers cannot be started.
    Broken,
    /// As [`Chaos`](super::Chaos) will have it.
    Chaos,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// A worker returned; the driver has passed on what.
    Returned,
    /// This many processes died running it.
    Crashed(u32),
    /// This many processes were lost with it, and at least the last did not run it.
    Lost(u32),
    /// It ran past the time limit, and its worker was killed.
    TimedOut,
    /// Workers were killed, one after another, because they did not begin it within the time limit.
    NotBegun,
    /// The caller cancelled it, or stopped the pool.
    Cancelled,
    /// No worker could be started.
    NoWorkers,
}
