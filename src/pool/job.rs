//! One job on its way: encoded inputs, and where their results go.

use std::{borrow::Cow, ops::Range, sync::Arc};

use parzen_worker::{
    protocol::{
        Body, JobHeader, JobId,
        codec::{self, EncodeError},
    },
    shared::Segment,
};

use super::{
    culprit::{Culprit, TaskType},
    error::{Error, Kind},
    event::JobSummary,
    sink::Sink,
};

/// A job on its way.
pub(super) struct Job {
    pub(super) task: TaskType,
    pub(super) payload: Payload,
    /// Where each item ends in the payload; empty if there is one item.
    pub(super) ends: Vec<u32>,
    /// Index of the first item within its call.
    pub(super) first: u64,
    pub(super) sink: Arc<dyn Sink>,
    /// Items whose outcomes have come, or are being delivered.
    pub(super) done: u32,
}

/// Encoded inputs.
pub(super) enum Payload {
    Inline(Vec<u8>),
    Segment(Segment),
}

impl Payload {
    /// Puts an encoded argument where it can be sent from: up to `max_inline` bytes go with their
    /// message.
    pub(super) fn new(bytes: Vec<u8>, max_inline: usize) -> Result<Self, Error> {
        if bytes.len() <= max_inline {
            return Ok(Self::Inline(bytes));
        }
        let segment = Segment::from_bytes(&bytes).map_err(|e| Error::new(Kind::Share(e)))?;
        Ok(Self::Segment(segment))
    }

    /// Bytes that are sent beside the message.
    pub(super) fn segment_len(&self) -> u64 {
        match self {
            Self::Inline(_) => 0,
            Self::Segment(segment) => segment.reference().len(),
        }
    }
}

impl Job {
    /// A job of `items` encoded one after another in `payload`, the first being number `first` of
    /// its call.
    pub(super) fn new(
        task: TaskType,
        payload: Payload,
        ends: Vec<u32>,
        first: u64,
        sink: Arc<dyn Sink>,
    ) -> Self {
        Self { task, payload, ends, first, sink, done: 0 }
    }

    pub(super) fn items(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX).max(1)
    }

    /// The items that have no outcome yet, by their index in the call.
    pub(super) fn left(&self) -> Range<u64> {
        self.first + u64::from(self.done)..self.first + u64::from(self.items())
    }

    /// Which job it is, as its user may know it.
    pub(super) fn summary(&self, id: JobId) -> JobSummary {
        let items = self.first..self.first + u64::from(self.items());
        JobSummary { number: id.number(), task: self.task.name, items }
    }

    pub(super) fn message(&self, job: JobId, attempt: u32) -> Result<Vec<u8>, EncodeError> {
        let header = |body| JobHeader {
            job,
            task: Cow::Borrowed(self.task.name),
            attempt,
            items: self.items(),
            body,
        };
        match &self.payload {
            Payload::Inline(bytes) => codec::message(&header(Body::Inline), bytes),
            Payload::Segment(segment) => {
                codec::message(&header(Body::Segment(segment.reference())), &[])
            }
        }
    }

    /// Its first unfinished item, as the one with which it failed.
    /// Its payload is then no longer here.
    pub(super) fn take_culprit(&mut self) -> Culprit {
        let payload = std::mem::replace(&mut self.payload, Payload::Inline(Vec::new()));
        Culprit::new(self.task, self.left().start, payload)
    }

    /// Cuts it into jobs of one item each, without those that are done.
    pub(super) fn divide(&self) -> Vec<Self> {
        let Payload::Inline(bytes) = &self.payload else {
            debug_assert!(false, "a batch travels in its message");
            return Vec::new();
        };
        let end = |idx: usize| self.ends.get(idx).map_or(0, |&end| end as usize);
        let cut = |idx: usize| {
            let start = if idx == 0 { 0 } else { end(idx - 1) };
            let piece = bytes.get(start..end(idx)).unwrap_or_default().to_vec();
            let first = self.first + idx as u64;
            Self::new(self.task, Payload::Inline(piece), Vec::new(), first, Arc::clone(&self.sink))
        };
        (self.done as usize..self.ends.len()).map(cut).collect()
    }
}
