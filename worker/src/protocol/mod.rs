//! What crosses the wire between coordinator and worker.
//!
//! A worker has three channels of its own, all of bytes: *jobs* (to the worker), *results* (from
//! it) and a *lifeline* (to the worker, for [`Control`]; when it closes, the coordinator is gone).
//! A message is a header, encoded by [`codec`], and then a body of raw bytes. No message is larger
//! than [`MAX_MESSAGE`]: up to that size the system delivers it whole or not at all, so a death in
//! the middle of a message cannot be seen. What is larger travels as a shared-memory segment that
//! the message names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{panic::PanicInfo, shared::SegmentRef, task::TaskError};

pub mod codec;
mod hello;
mod ids;

pub use hello::{Greeting, Hello, Invitation, InvitationError, Token};
pub use ids::{JobId, WorkerId};

/// What every greeting begins with.
pub const MAGIC: u64 = u64::from_be_bytes(*b"parzen\r\n");

/// Changes with every change of what crosses the wire.
pub const VERSION: u32 = 2;

/// Which build this is: the version, and a digest of the sources that decide what crosses the wire.
/// Coordinator and workers must be of the same.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("PARZEN_SOURCES"));

/// The largest message, in bytes, in either direction.
///
/// `ipc-channel` sends up to 212,448 bytes as one packet; beyond that a message is cut up, and a
/// death in the middle of it can block the other side for ever.
pub const MAX_MESSAGE: usize = 192 * 1024;

/// Bytes of a message kept for its header: far more than any header needs.
pub const MAX_HEADER: usize = 1024;

/// The largest body that travels in a message rather than in a segment.
pub const MAX_INLINE: usize = MAX_MESSAGE - MAX_HEADER;

/// The largest argument or result, in bytes of its encoding.
pub const MAX_BODY: usize = 1 << 30;

/// Where the body of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Behind the header, to the end of the message.
    Inline,
    /// In shared memory of the sender, who keeps it until it is told that it may go.
    Segment(SegmentRef),
}

/// Header of a job, to the worker. The body is the encoded inputs, one after another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobHeader<'a> {
    /// Which job.
    pub job: JobId,
    /// Which task.
    pub task: Cow<'a, str>,
    /// How many crashes it was charged with before.
    pub attempt: u32,
    /// Inputs in the body, at least 1.
    pub items: u32,
    /// Where the inputs are.
    pub body: Body,
}

/// Header of results, from the worker.
///
/// The body has for each item the nanoseconds it ran and its [`ItemOutcome`], one after another. A
/// job's results come in one or more such messages, in the order of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultHeader {
    /// Which job.
    pub job: JobId,
    /// Index of the first item within the job.
    pub first: u32,
    /// Items in the body, at least 1.
    pub items: u32,
    /// Whether the job is done with these.
    pub last: bool,
    /// When the first of these items began, on the [`monotonic clock`](crate::clock). Each begins
    /// when the one before it ends.
    pub started_ns: u64,
    /// Where the outcomes are. A segment holds one.
    pub body: Body,
}

/// How one item ended, as the worker tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ItemOutcome<T> {
    /// The task's output.
    Value(T),
    /// The task's own error.
    Error(TaskError),
    /// The task panicked.
    Panic(PanicInfo),
    /// The task was not run, or its output could not be sent; the text says why.
    Refused(String),
}

/// What the coordinator tells a worker beside its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// Leave before the next item.
    Leave,
    /// The result segment with this item of this job was read and may go.
    Release(JobId, u32),
}
