//! Memory that is written once and then read in place by every process of the same user.
//!
//! A [`Segment`] is a sealed `memfd`: nobody, its owner included, can change or shrink it once it
//! exists. Its [`SegmentRef`] is what crosses the wire: another process opens it through
//! `/proc/PID/fd/FD` of the owner, checks that it is the same file, and maps it read-only.
//! It vanishes with its owner: no name, no file, nothing to clean up.
//!
//! ```
//! use parzen_worker::shared::{Segment, Shared};
//!
//! let segment = Segment::from_bytes(bytemuck::cast_slice(&[0.1, 0.2, 0.5]))?;
//! let shared = Shared::<f64>::new(&segment).expect("24 bytes are three f64");
//! // Here or in another process, as long as `segment` lives:
//! assert_eq!(*shared.open()?, [0.1, 0.2, 0.5]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    fmt,
    fs::File,
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    marker::PhantomData,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::PathBuf,
    process,
    sync::Arc,
    thread,
    time::Duration,
};

use bytemuck::{AnyBitPattern, NoUninit};
use rustix::{
    fs::{MemfdFlags, SealFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use crate::mapping::{self, Mapping};

/// What makes a mapping safe: after these nobody can write, cut, grow or unseal.
const SEALS: SealFlags =
    SealFlags::WRITE.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::SEAL);

/// How often it is tried to seal memory that is busy, and the time between: together some seconds.
const SEAL_TRIES: u32 = 50;
const SEAL_PAUSE: Duration = Duration::from_millis(100);

/// The owner's handle of a sealed, read-only piece of memory.
///
/// When it is dropped, nobody can open the memory any more; who has it open keeps it.
#[derive(Debug)]
pub struct Segment {
    /// Held open, because others open it by its number.
    _file: File,
    reference: SegmentRef,
}

impl Segment {
    /// Copies `bytes` into a new segment, once, by `write`.
    ///
    /// # Errors
    ///
    /// Fails if the system has no memory or descriptor left for it.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let mut writer = Self::writer()?;
        writer.write_all(bytes)?;
        writer.finish()
    }

    /// Starts an empty segment that is filled by writing.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes).
    pub fn writer() -> io::Result<SegmentWriter> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Linux before 6.3 does not know `NOEXEC_SEAL`, and a hardened later one insists on it.
        let memory = rustix::fs::memfd_create(c"parzen", flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| rustix::fs::memfd_create(c"parzen", flags))?;
        Ok(SegmentWriter { file: File::from(memory) })
    }

    /// How other processes find it, as long as this handle lives.
    #[must_use]
    pub fn reference(&self) -> SegmentRef {
        self.reference
    }
}

/// A segment being filled. Buffer small writes.
#[derive(Debug)]
pub struct SegmentWriter {
    file: File,
}

impl Write for SegmentWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl SegmentWriter {
    /// Seals what was written.
    ///
    /// # Errors
    ///
    /// Fails if the seals cannot be set.
    pub fn finish(self) -> io::Result<Segment> {
        seal(&self.file)?;
        let metadata = self.file.metadata()?;
        let reference = SegmentRef {
            pid: process::id(),
            fd: self.file.as_raw_fd(),
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
        };
        Ok(Segment { _file: self.file, reference })
    }
}

/// Seals `file`. As long as a page is held by anybody else, and be it by the system, which moves
/// memory about on a machine that is short of it, nothing can be sealed against writing: the system
/// waits for that, some 150 ms, and then says that it is busy.
fn seal(file: &File) -> io::Result<()> {
    for _ in 1..SEAL_TRIES {
        match rustix::fs::fcntl_add_seals(file, SEALS) {
            Err(Errno::BUSY) => thread::sleep(SEAL_PAUSE),
            result => return Ok(result?),
        }
    }
    Ok(rustix::fs::fcntl_add_seals(file, SEALS)?)
}

/// Names a [`Segment`] of some live process.
///
/// One that came over a wire is a claim: whoever opens it checks it first.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub struct SegmentRef {
    pid: u32,
    fd: i32,
    device: u64,
    inode: u64,
    /// Bytes.
    len: u64,
}

impl fmt::Display for SegmentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/proc/{}/fd/{}", self.pid, self.fd)
    }
}

/// Why a segment could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its owner is gone or has dropped it, or is not ours.
    #[error("failed to open shared memory `{segment}`")]
    Open {
        /// What was asked for.
        segment: SegmentRef,
        /// What the system said.
        source: io::Error,
    },
    /// It is not shared memory, or its seals are not all there.
    #[error("shared memory `{0}` is not sealed")]
    Unsealed(SegmentRef),
    /// Sealed memory, but not the one that was named: another file, or another length.
    #[error("shared memory `{0}` is not what its reference says")]
    Mismatch(SegmentRef),
    /// More than [`SegmentRef::MAX_READ`] bytes.
    #[error("shared memory `{0}` is too long to read: {len} bytes", len = .0.len)]
    TooLong(SegmentRef),
    /// Its length is not a multiple of the element's size.
    #[error("the {len} bytes of shared memory `{0}` are not elements of {1} bytes", len = .0.len)]
    Ragged(SegmentRef, usize),
    /// It could not be mapped.
    #[error("failed to map shared memory `{segment}`")]
    Map {
        /// What was asked for.
        segment: SegmentRef,
        /// What the system said.
        source: io::Error,
    },
    /// It could not be read.
    #[error("failed to read shared memory `{segment}`")]
    Read {
        /// What was asked for.
        segment: SegmentRef,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenError {
    /// Whether this process has too few descriptors, or too little memory, for it: then nothing can
    /// be said of the segment itself.
    #[must_use]
    pub fn is_shortage(&self) -> bool {
        let (Self::Open { source, .. } | Self::Map { source, .. } | Self::Read { source, .. }) =
            self
        else {
            return false;
        };
        // Where memory is asked for before the system is, there is no number.
        let errno = Errno::from_io_error(source);
        source.kind() == io::ErrorKind::OutOfMemory
            || matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM))
    }
}

impl SegmentRef {
    /// The most bytes that [`read`](Self::read) reads: 1 GiB, which is the largest argument or
    /// result of a task, and 1 MiB for what is wrapped around it.
    pub const MAX_READ: u64 = (1 << 30) + (1 << 20);

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

    /// Whether its owner still holds it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.open().is_ok()
    }

    /// Reads all of it into a vector, checking first that it is the named, sealed memory of the
    /// named length. Used for what a less trusted process offers.
    ///
    /// # Errors
    ///
    /// Fails if the owner is gone, it is not what the reference says, or it is longer than
    /// [`MAX_READ`](Self::MAX_READ).
    pub fn read(&self) -> Result<Vec<u8>, OpenError> {
        let len = usize::try_from(self.len).map_err(|_| OpenError::TooLong(*self))?;
        if Self::MAX_READ < self.len {
            return Err(OpenError::TooLong(*self));
        }
        let file = self.open()?;
        let refused = |source| OpenError::Read { segment: *self, source };
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|error| refused(error.into()))?;
        (&file).take(self.len).read_to_end(&mut bytes).map_err(refused)?;
        Ok(bytes)
    }

    /// Maps all of it, after the same checks.
    pub(crate) fn map(&self) -> Result<Mapping, OpenError> {
        let file = self.open()?;
        Mapping::new(&file).map_err(|source| OpenError::Map { segment: *self, source })
    }

    /// Opens it and checks that it is what this reference says and can never change.
    fn open(&self) -> Result<File, OpenError> {
        let refused = |source| OpenError::Open { segment: *self, source };
        let path = PathBuf::from(self.to_string());
        let file = mapping::open_without_waiting(&path).map_err(refused)?;
        // The seals before the length: only under seals is a length final.
        let seals = rustix::fs::fcntl_get_seals(&file);
        if !seals.is_ok_and(|seals| seals.contains(SEALS)) {
            return Err(OpenError::Unsealed(*self));
        }
        let metadata = file.metadata().map_err(refused)?;
        let found = (metadata.dev(), metadata.ino(), metadata.len());
        if !metadata.is_file() || found != (self.device, self.inode, self.len) {
            return Err(OpenError::Mismatch(*self));
        }
        Ok(file)
    }
}

/// A slice of numbers in a [`Segment`], as a value that can be sent to a worker.
///
/// `T` has a size: a type without bytes is refused when the program is built.
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
    const SIZE: usize = {
        assert!(size_of::<T>() != 0, "an element of shared memory has at least one byte");
        size_of::<T>()
    };

    /// Names the numbers in `segment`, or `None` if its length is not a multiple of `T`'s size.
    #[must_use]
    pub fn new(segment: &Segment) -> Option<Self> {
        let segment = segment.reference();
        let shared = Self { segment, element: PhantomData };
        segment.len.is_multiple_of(Self::SIZE as u64).then_some(shared)
    }

    /// Elements of `T`.
    #[must_use]
    pub fn len(&self) -> usize {
        usize::try_from(self.segment.len / Self::SIZE as u64).unwrap_or(usize::MAX)
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
    /// As [`SegmentRef::read`], but for the limit on the length; and fails if the length is not a
    /// multiple of `T`'s size.
    pub fn open(&self) -> Result<SharedSlice<T>, OpenError> {
        let mapping = self.segment.map()?;
        if !mapping.is_empty() && bytemuck::try_cast_slice::<u8, T>(&mapping).is_err() {
            return Err(OpenError::Ragged(self.segment, Self::SIZE));
        }
        Ok(SharedSlice { mapping: Arc::new(mapping), element: PhantomData })
    }
}

/// An opened [`Shared`]; dereferences to `[T]`. Cloning is cheap.
pub struct SharedSlice<T> {
    /// Whole elements of `T`, aligned: [`Shared::open`] has checked.
    mapping: Arc<Mapping>,
    element: PhantomData<fn() -> T>,
}

impl<T> Clone for SharedSlice<T> {
    fn clone(&self) -> Self {
        Self { mapping: Arc::clone(&self.mapping), element: PhantomData }
    }
}

impl<T> fmt::Debug for SharedSlice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSlice").field("bytes", &self.mapping.len()).finish_non_exhaustive()
    }
}

impl<T: AnyBitPattern + NoUninit> std::ops::Deref for SharedSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // An empty mapping has no page, and so no alignment.
        if self.mapping.is_empty() { &[] } else { bytemuck::cast_slice(&self.mapping) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::SharedWords;

    /// A page that somebody holds is what a writable mapping is to the system.
    #[test]
    fn memory_that_is_busy_for_a_moment_is_sealed_all_the_same() {
        let mut writer = Segment::writer().unwrap();
        writer.write_all(&[7; 8]).unwrap();
        let held = SharedWords::<1>::map(&writer.file).unwrap();
        let seals = rustix::fs::fcntl_add_seals(&writer.file, SEALS);
        assert_eq!(seals, Err(Errno::BUSY), "else this tests nothing");
        thread::scope(|scope| {
            let sealed = scope.spawn(|| writer.finish());
            thread::sleep(2 * SEAL_PAUSE);
            drop(held);
            let segment = sealed.join().unwrap().unwrap();
            assert_eq!(segment.reference().read().unwrap(), [7; 8]);
        });
    }
}
