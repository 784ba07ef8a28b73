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

    /// Lets go of the items that are done, so that it can be sent again.
    pub(super) fn trim(&mut self) {
        if self.done == 0 {
            return;
        }
        if let Some(rest) = self.cut(self.done..self.items()) {
            *self = rest;
        }
    }

    /// Cuts it into jobs without the items that are done. `charged` stands alone, and those before
    /// it and behind it stay together; without it each item stands alone.
    pub(super) fn divide(&self, charged: Option<u32>) -> Vec<Piece> {
        let (done, end) = (self.done, self.items());
        let parts: Vec<Range<u32>> = match charged {
            Some(item) => vec![done..item, item..item + 1, item + 1..end],
            None => (done..end).map(|item| item..item + 1).collect(),
        };
        let piece = |items: Range<u32>| {
            let is_charged = charged == Some(items.start) && !items.is_empty();
            Some(Piece { job: self.cut(items)?, is_charged })
        };
        let pieces: Vec<Piece> = parts.into_iter().filter_map(piece).collect();
        let n_items: u32 = pieces.iter().map(|piece| piece.job.items()).sum();
        debug_assert_eq!(n_items, end - done, "an item was lost");
        pieces
    }

    /// A job of these items, if there are any.
    fn cut(&self, items: Range<u32>) -> Option<Self> {
        let Payload::Inline(bytes) = &self.payload else {
            debug_assert!(false, "a batch travels in its message");
            return None;
        };
        // A batch of which one item is left has no ends any more.
        let whole = [u32::try_from(bytes.len()).ok()?];
        let all = if self.ends.is_empty() { &whole[..] } else { &self.ends };
        let ends = all.get(items.start as usize..items.end as usize)?;
        let end = *ends.last()?;
        let start = items.start.checked_sub(1).map_or(0, |before| all[before as usize]);
        let payload = bytes.get(start as usize..end as usize)?.to_vec();
        let ends = if ends.len() == 1 { &[] } else { ends };
        let ends = ends.iter().map(|end| end - start).collect();
        let (first, sink) = (self.first + u64::from(items.start), Arc::clone(&self.sink));
        Some(Self::new(self.task, Payload::Inline(payload), ends, first, sink))
    }
}

/// A part of a job that was divided.
pub(super) struct Piece {
    pub(super) job: Job,
    /// Whether it is the item that was running as its worker died.
    pub(super) is_charged: bool,
}

#[cfg(test)]
mod tests {
    use parzen_worker::tasks::demo::Cube;

    use super::*;
    use crate::pool::sink::{Single, Slot};

    /// Six items of 1, 2, 3... bytes, of which `done` are done.
    fn batch(done: u32) -> Job {
        let bytes = (1..=6_u8).flat_map(|n| vec![n; usize::from(n)]).collect();
        let ends = vec![1, 3, 6, 10, 15, 21];
        let sink = Arc::new(Single(Slot::<i64>::new()));
        let job = Job::new(TaskType::of::<Cube>(), Payload::Inline(bytes), ends, 100, sink);
        Job { done, ..job }
    }

    /// First item, number of items, and first byte of each; whether they are charged.
    fn layout(pieces: &[Piece]) -> Vec<(u64, u32, u8, bool)> {
        let of = |piece: &Piece| {
            let Payload::Inline(bytes) = &piece.job.payload else { panic!("in a segment") };
            let is_whole = piece.job.ends.last().is_none_or(|&end| end as usize == bytes.len());
            assert!(is_whole && piece.job.done == 0);
            (piece.job.first, piece.job.items(), bytes[0], piece.is_charged)
        };
        pieces.iter().map(of).collect()
    }

    #[test]
    fn the_charged_item_stands_alone_and_the_others_stay_together() {
        let check = |done, charged, expected: &[_]| {
            assert_eq!(layout(&batch(done).divide(charged)), expected, "{done} {charged:?}");
        };
        check(0, Some(2), &[(100, 2, 1, false), (102, 1, 3, true), (103, 3, 4, false)]);
        check(1, Some(2), &[(101, 1, 2, false), (102, 1, 3, true), (103, 3, 4, false)]);
        check(2, Some(2), &[(102, 1, 3, true), (103, 3, 4, false)]);
        check(0, Some(5), &[(100, 5, 1, false), (105, 1, 6, true)]);
        check(4, None, &[(104, 1, 5, false), (105, 1, 6, false)]);
    }

    #[test]
    fn the_last_item_of_a_batch_can_be_divided_too() {
        for charged in [None, Some(0)] {
            let mut job = batch(5);
            job.trim();
            assert_eq!(layout(&job.divide(charged)), [(105, 1, 6, charged.is_some())]);
        }
    }

    #[test]
    fn what_is_done_is_not_sent_again() {
        let mut job = batch(4);
        job.trim();
        let Payload::Inline(bytes) = &job.payload else { panic!("in a segment") };
        assert_eq!((job.first, job.items(), bytes.len(), bytes[0]), (104, 2, 11, 5));
        assert_eq!((job.ends.as_slice(), job.done), ([5, 11].as_slice(), 0));
    }
}
