//! Memory that is written once and then read in place by every process of the same user.
//!
//! A [`Segment`] is a sealed `memfd`: nobody, its owner included, can change or shrink it once it
//! exists. Its [`SegmentRef`] is what crosses the wire: another process opens it through
//! `/proc/PID/fd/FD` of the owner, checks that it is the same file, and maps it read-only.
//! It vanishes with its owner: no name, no file, nothing to clean up.

use std::{
    hash::{Hash, Hasher},
    io,
    marker::PhantomData,
    sync::Arc,
};

use bytemuck::{AnyBitPattern, NoUninit};
use serde::{Deserialize, Serialize};

/// The owner's handle of a sealed, read-only piece of memory.
#[derive(Debug)]
pub struct Segment;

impl Segment {
    /// Copies `bytes` into a new segment, once, by `write`.
    ///
    /// # Errors
    ///
    /// Fails if the system has no memory or descriptor left for it.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let _ = bytes;
        todo!()
    }

    /// Starts an empty segment that is filled by writing.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn writer() -> io::Result<SegmentWriter> {
        todo!()
    }

    /// How other processes find it, as long as this handle lives.
    #[must_use]
    pub fn reference(&self) -> SegmentRef {
        todo!()
    }
}

/// A segment being filled. Buffer small writes.
#[derive(Debug)]
pub struct SegmentWriter;

impl io::Write for SegmentWriter {
    fn write(&mut self, _buf: &[u8]) -> io::Result<usize> {
        todo!()
    }

    fn flush(&mut self) -> io::Result<()> {
        todo!()
    }
}

impl SegmentWriter {
    /// Seals what was written.
    ///
    /// # Errors
    ///
    /// Fails if the seals cannot be set.
    pub fn finish(self) -> io::Result<Segment> {
        todo!()
    }
}

/// Names a [`Segment`] of some live process.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub struct SegmentRef {
    pid: u32,
    fd: i32,
    device: u64,
    inode: u64,
    /// Bytes.
    len: u64,
}

/// Why a segment could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("failed to open shared memory {0:?}")]
pub struct OpenError(SegmentRef, #[source] io::Error);

impl SegmentRef {
    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The process that owns it.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Reads all of it into a vector, checking first that it is the named, sealed memory of the
    /// named length. Used for what a less trusted process offers.
    ///
    /// # Errors
    ///
    /// Fails if the owner is gone, or it is not what the reference says.
    pub fn read(&self) -> Result<Vec<u8>, OpenError> {
        todo!()
    }
}

/// A slice of numbers in a [`Segment`], as a value that can be sent to a worker.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Shared<T> {
    segment: SegmentRef,
    element: PhantomData<fn() -> T>,
}

// By hand, because derived ones would ask the same of `T`.
impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.segment == other.segment
    }
}

impl<T> Eq for Shared<T> {}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.segment.hash(state);
    }
}

impl<T: AnyBitPattern + NoUninit> Shared<T> {
    /// Names the numbers in `segment`, or `None` if its length is not a multiple of `T`'s size.
    #[must_use]
    pub fn new(segment: &Segment) -> Option<Self> {
        let _ = segment;
        todo!()
    }

    /// Elements of `T`.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Maps it: no copy, whatever its size.
    ///
    /// # Errors
    ///
    /// As [`SegmentRef::read`].
    pub fn open(&self) -> Result<SharedSlice<T>, OpenError> {
        todo!()
    }
}

/// An opened [`Shared`]; dereferences to `[T]`. Cloning is cheap.
#[derive(Debug)]
pub struct SharedSlice<T> {
    element: PhantomData<fn() -> T>,
    _mapping: Arc<()>,
}

impl<T: AnyBitPattern + NoUninit> std::ops::Deref for SharedSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        todo!()
    }
}
