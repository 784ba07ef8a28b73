//! What a worker is at, told through memory that outlives it.
//!
//! The coordinator makes a page of shared memory for each worker. The worker writes there which item
//! it is about to run, before it begins it: two stores, no call of the system. When it dies, the
//! coordinator reads which item that was, and blames no other.
//!
//! One word says which job and item, the other since when. A process that dies has made some first
//! part of its stores, in their order, and all that it made can be seen once it was reaped; so the
//! first word is never that of an item that was not begun. Who reads while the worker lives may find
//! the time of the next item with the number of the one before, which is done then.

use std::{fs::File, io, os::fd::AsRawFd, path::Path, process, sync::atomic::Ordering};

use rustix::fs::{MemfdFlags, SealFlags};

use crate::{
    mapping::{self, SharedWords},
    protocol::JobId,
};

/// Nobody can make the memory shorter, under which those who have mapped it would die.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// The worker has not said anything.
const DARK: u64 = 0;

/// The worker runs nothing. A job's word is larger.
const RESTING: u64 = 1;

/// Bits of the first word that are the item's.
const ITEM_BITS: u32 = 16;

/// One worker's page. What is read there was written by another process, and is as true as that.
#[derive(Debug)]
pub struct Beacon {
    /// `None` if there is nobody to read it.
    words: Option<SharedWords<2>>,
}

/// What a worker is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// It does not say.
    Unknown,
    /// It runs nothing: it is between two items, or has none.
    Resting,
    /// It runs this item of this job.
    Running {
        /// Which job.
        job: JobId,
        /// Which item of it, from 0.
        item: u32,
        /// Since when, on the [`monotonic clock`](crate::clock).
        since_ns: u64,
    },
}

/// Keeps the page where a worker finds it.
#[derive(Debug)]
pub struct BeaconFile(File);

impl BeaconFile {
    /// Where, as long as this lives.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.0.as_raw_fd())
    }
}

impl Beacon {
    /// Makes one that a worker can open.
    ///
    /// # Errors
    ///
    /// Fails if the system has no memory or descriptor left for it.
    pub fn create() -> io::Result<(Self, BeaconFile)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // As for segments: old systems do not know `NOEXEC_SEAL`, and new ones may insist on it.
        let memory = rustix::fs::memfd_create(c"parzen-beacon", flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| rustix::fs::memfd_create(c"parzen-beacon", flags))?;
        rustix::fs::ftruncate(&memory, SharedWords::<2>::BYTES)?;
        rustix::fs::fcntl_add_seals(&memory, SEALS)?;
        let file = File::from(memory);
        let words = Some(SharedWords::map(&file)?);
        Ok((Self { words }, BeaconFile(file)))
    }

    /// Opens the one at `path`, and says that this worker will use it.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or something else.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = mapping::open_to_write(path)?;
        let seals = rustix::fs::fcntl_get_seals(&file)?;
        let is_writable = !seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE);
        if !seals.contains(SEALS)
            || !is_writable
            || file.metadata()?.len() != SharedWords::<2>::BYTES
        {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no beacon"));
        }
        let beacon = Self { words: Some(SharedWords::map(&file)?) };
        beacon.rest();
        Ok(beacon)
    }

    /// One that nobody sees.
    #[must_use]
    pub fn dark() -> Self {
        Self { words: None }
    }

    /// Says that an item is about to be run, from now on.
    pub(crate) fn begin(&self, job: JobId, item: u32, now_ns: u64) {
        if let Some([word, since]) = self.words.as_deref() {
            since.store(now_ns, Ordering::Relaxed);
            word.store(pack(job, item), Ordering::Release);
        }
    }

    /// Says that the item is done.
    pub(crate) fn rest(&self) {
        if let Some([word, _]) = self.words.as_deref() {
            word.store(RESTING, Ordering::Release);
        }
    }

    /// What the worker is at, or was as it died.
    #[must_use]
    pub fn read(&self) -> Position {
        let Some([word, since]) = self.words.as_deref() else { return Position::Unknown };
        match word.load(Ordering::Acquire) {
            DARK => Position::Unknown,
            RESTING => Position::Resting,
            word => unpack(word, since.load(Ordering::Relaxed)),
        }
    }
}

/// A job and an item as one word, so that they cannot be seen apart; [`DARK`] if they do not fit,
/// which takes more jobs than anybody lives to see.
fn pack(job: JobId, item: u32) -> u64 {
    let fits = item < 1 << ITEM_BITS && job.number() < (1 << (u64::BITS - ITEM_BITS)) - 1;
    if fits { (job.number() + 1) << ITEM_BITS | u64::from(item) } else { DARK }
}

fn unpack(word: u64, since_ns: u64) -> Position {
    let item = u32::try_from(word & ((1 << ITEM_BITS) - 1)).ok();
    match ((word >> ITEM_BITS).checked_sub(1), item) {
        (Some(job), Some(item)) => Position::Running { job: JobId::new(job), item, since_ns },
        _ => Position::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_is_read() {
        let (coordinators, file) = Beacon::create().unwrap();
        assert_eq!(coordinators.read(), Position::Unknown);
        let workers = Beacon::open(Path::new(&file.path())).unwrap();
        drop(file);
        assert_eq!(coordinators.read(), Position::Resting);
        let job = JobId::new(7);
        workers.begin(job, 3, 99);
        assert_eq!(coordinators.read(), Position::Running { job, item: 3, since_ns: 99 });
        workers.rest();
        assert_eq!(coordinators.read(), Position::Resting);
        workers.begin(JobId::new(u64::MAX), 0, 99);
        assert_eq!(coordinators.read(), Position::Unknown);
        assert_eq!(Beacon::dark().read(), Position::Unknown);
    }

    #[test]
    fn every_job_and_item_is_its_own_word() {
        for (job, item) in [(0, 0), (0, 65_535), (1, 0), ((1 << 48) - 2, 65_535)] {
            let job = JobId::new(job);
            let found = unpack(pack(job, item), 5);
            assert_eq!(found, Position::Running { job, item, since_ns: 5 });
        }
        assert_eq!(pack(JobId::new((1 << 48) - 1), 0), DARK);
        assert_eq!(pack(JobId::new(0), 65_536), DARK);
        assert_eq!(unpack(77, 0), Position::Unknown, "no worker writes this");
    }

    #[test]
    fn what_is_no_beacon_is_not_written_to() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(SharedWords::<2>::BYTES).unwrap();
        assert!(Beacon::open(file.path()).is_err());
        let segment = crate::shared::Segment::from_bytes(&[0; 16]).unwrap();
        assert!(Beacon::open(Path::new(&segment.reference().to_string())).is_err());
        assert!(Beacon::open(Path::new("/nowhere")).is_err());
    }
}
