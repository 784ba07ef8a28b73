//! Mapping files into memory: the one place that needs `unsafe`.

#![expect(unsafe_code, reason = "to map a file is unsafe; only this module does it")]

use std::{
    fs::{File, OpenOptions},
    io,
    ops::Deref,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::atomic::AtomicU64,
};

use memmap2::{Mmap, MmapOptions, MmapRaw};
use rustix::fs::OFlags;

/// A whole file, mapped read-only and shared with every other process that maps it.
///
/// It begins at a page boundary, so any number type is aligned at offset 0.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// `None` for an empty file, because the system maps no zero bytes.
    map: Option<Mmap>,
}

impl Mapping {
    /// Maps all of `file`. An empty file gives an empty mapping.
    ///
    /// The file must not change as long as the mapping lives. A [`Segment`](crate::shared::Segment)
    /// cannot, because it is sealed. A file of samples is the user's, who is told not to write to
    /// it while it is read: a file cut short ends this process by SIGBUS, which the coordinator
    /// sees as any other crash.
    pub(crate) fn new(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the bytes behind a `&[u8]` must not change. For segments the kernel keeps that:
        // `shared` checks the seals before it maps. For files of samples the user keeps it, and
        // `samples` refuses a file that changed since it was named; bytes that change later are
        // only ever read as numbers, for which no bit pattern is invalid.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self { map: Some(map) })
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

/// `N` words at the front of a file that several processes map, read and write at the same time.
#[derive(Debug)]
pub(crate) struct SharedWords<const N: usize> {
    /// At least [`Self::BYTES`] bytes that can be read and written as long as this lives.
    map: MmapRaw,
}

impl<const N: usize> SharedWords<N> {
    /// Bytes of `N` words.
    pub(crate) const BYTES: u64 = (N * size_of::<AtomicU64>()) as u64;

    /// Maps the first words of `file`, which has at least [`Self::BYTES`] bytes, and is sealed so
    /// that it will always have them.
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        let map = MmapOptions::new().len(N * size_of::<AtomicU64>()).map_raw(file)?;
        Ok(Self { map })
    }
}

impl<const N: usize> Deref for SharedWords<N> {
    type Target = [AtomicU64; N];

    fn deref(&self) -> &[AtomicU64; N] {
        let words = self.map.as_ptr().cast::<[AtomicU64; N]>();
        // SAFETY: the mapping begins at a page boundary, which is aligned for any number, has the
        // bytes of `N` words, and lives as long as `self`. Any bits are a number. Others write there
        // meanwhile, which atomics allow; nobody has a reference to these bytes as anything else.
        unsafe { &*words }
    }
}

/// Opens `path` for reading and writing, where it is memory and no waiting can be.
pub(crate) fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// Opens `path` for reading without ever waiting, so that a FIFO in its place cannot hang us.
pub(crate) fn open_without_waiting(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::atomic::Ordering};

    use super::*;

    #[test]
    fn a_file_is_mapped_whole() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"parzen").unwrap();
        assert_eq!(*Mapping::new(&file).unwrap(), *b"parzen");
    }

    #[test]
    fn words_are_shared_by_all_who_map_them() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(SharedWords::<2>::BYTES).unwrap();
        let [one, other] = [(); 2].map(|()| SharedWords::<2>::map(&file).unwrap());
        one[1].store(7, Ordering::Relaxed);
        assert_eq!((other[0].load(Ordering::Relaxed), other[1].load(Ordering::Relaxed)), (0, 7));
    }

    #[test]
    fn an_empty_file_gives_an_empty_mapping() {
        let file = tempfile::tempfile().unwrap();
        assert!(Mapping::new(&file).unwrap().is_empty());
    }

    #[test]
    fn a_directory_is_refused() {
        assert!(Mapping::new(&File::open("/").unwrap()).is_err());
    }
}
