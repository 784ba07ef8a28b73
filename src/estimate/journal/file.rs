//! A journal as a file: the only place that reads or writes one.

use std::{
    fs::{File, TryLockError},
    io::{self, BufReader, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use parzen_worker::{
    TaskError,
    samples::Samples,
    tasks::density::{Method, Partial},
};

use super::{
    JournalError,
    fingerprint::{fingerprint, fingerprint_of},
    header::{Flaw, Header, MAX_HEADER, checksum},
    index::Index,
    record::{self, MAX_RECORD, Place, Scan},
};
use crate::estimate::{Error, Mismatch, Problem};

/// Bytes read at a time while a journal is looked through.
const BUFFER: usize = 256 * 1024;

/// A file that is a journal, or may become one, locked for this process. The lock goes with it, and
/// with the process however that ends.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    file: File,
    /// Its first bytes.
    start: Vec<u8>,
    /// `None` if it was never whole.
    header: Option<Header>,
}

impl JournalFile {
    /// Opens the journal at `path`, or makes an empty file there. Does not wait for another run that
    /// uses it.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be opened or locked, and if it is no journal or its header is
    /// damaged.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let path = path.into();
        let file = open(&path)?;
        lock(&file, &path)?;
        let start = read_start(&file)
            .map_err(|source| JournalError::Read { path: path.clone(), source })?;
        let header = match Header::decode(&start) {
            Ok((header, _)) => Some(header),
            Err(Flaw::Short) => None,
            Err(Flaw::NoJournal) => return Err(JournalError::NotAJournal(path)),
            Err(Flaw::Version(found)) => return Err(JournalError::Version { path, found }),
            Err(Flaw::Damaged) => return Err(JournalError::Damaged(path)),
        };
        Ok(Self { path, file, start, header })
    }

    /// How the estimate that it is of counts, if that is known: whoever leaves it open does well to
    /// count in the same way.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.header.as_ref().map(Header::method)
    }

    /// Makes it the journal of `problem`, all of whose samples are read for that once. What is not
    /// sound is cut off.
    ///
    /// # Errors
    ///
    /// [`JournalError::OtherEstimate`] if it is of another problem. Fails too if it cannot be read
    /// or written, and if the samples cannot be opened.
    pub fn resume(self, problem: &Problem<'_>) -> Result<Journal, Error> {
        let own = header(problem)?;
        let bytes = own.encode().map_err(|error| self.write_error(io::Error::other(error)))?;
        match &self.header {
            Some(found) => {
                let differences = found.differences(&own);
                if !differences.is_empty() {
                    let (path, differences) = (self.path, differences.join("; "));
                    return Err(JournalError::OtherEstimate { path, differences }.into());
                }
            }
            // Cut off within the header that this same estimate had begun to write.
            None if bytes.starts_with(&self.start) => self.begin(&bytes)?,
            None => return Err(JournalError::Damaged(self.path).into()),
        }
        let start = Place { journal: checksum(&bytes), offset: bytes.len() as u64 };
        Ok(self.read(start, problem.plan().n_jobs())?)
    }

    fn begin(&self, header: &[u8]) -> Result<(), JournalError> {
        let written = self.file.set_len(0).and_then(|()| self.file.write_all_at(header, 0));
        written.map_err(|source| self.write_error(source))
    }

    /// Finds its records, the first of which would stand at `start`, and cuts off what is none.
    fn read(self, start: Place, n_jobs: u64) -> Result<Journal, JournalError> {
        let mut entries = Vec::new();
        let end = self
            .scan(start, |entry| entries.push(entry))
            .map_err(|source| JournalError::Read { path: self.path.clone(), source })?;
        let index = Index::new(entries, n_jobs).map_err(|(job, source)| {
            let path = self.path.clone();
            JournalError::Record { path, job, source }
        })?;
        self.cut_off(end).map_err(|source| self.write_error(source))?;
        let Self { path, file, .. } = self;
        let (place, next) = (Place { offset: end, ..start }, 0);
        tracing::info!(path = %path.display(), jobs = index.len(), "the journal is read");
        Ok(Journal { path, file, place, index, next })
    }

    /// Looks through all sound records; gives their end.
    fn scan(&self, start: Place, mut found: impl FnMut(record::Entry)) -> io::Result<u64> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start.offset))?;
        let mut scan = Scan::new(BufReader::with_capacity(BUFFER, file), start);
        while let Some(entry) = scan.next_entry()? {
            found(entry);
        }
        Ok(scan.end())
    }

    fn cut_off(&self, end: u64) -> io::Result<()> {
        let lost = self.file.metadata()?.len().saturating_sub(end);
        if lost == 0 {
            return Ok(());
        }
        let path = self.path.display();
        if lost <= MAX_RECORD as u64 {
            tracing::info!(%path, bytes = lost, "the journal ends in a torn record");
        } else {
            tracing::warn!(%path, bytes = lost, "the journal is damaged, its end is computed anew");
        }
        self.file.set_len(end)
    }

    fn write_error(&self, source: io::Error) -> JournalError {
        JournalError::Write { path: self.path.clone(), source }
    }
}

/// The header that the journal of `problem` has.
fn header(problem: &Problem<'_>) -> Result<Header, Error> {
    let inputs = problem.prepared.inputs();
    let samples = Samples::open(&inputs.samples).map_err(TaskError::from).map_err(Error::Open)?;
    let points = inputs.points.open().map_err(TaskError::from).map_err(Error::Open)?;
    Ok(Header::new(problem, fingerprint_of(&samples), fingerprint(&points)))
}

fn open(path: &Path) -> Result<File, JournalError> {
    let failed = |source| JournalError::Open { path: path.to_owned(), source };
    let mut options = File::options();
    let file = options.read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(failed)?;
    if file.metadata().map_err(failed)?.is_file() {
        Ok(file)
    } else {
        Err(JournalError::NotAFile(path.to_owned()))
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::InUse(path.to_owned()),
        TryLockError::Error(source) => JournalError::Lock { path: path.to_owned(), source },
    })
}

fn read_start(file: &File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(MAX_HEADER as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// The journal of one estimate, which [`resume()`](crate::estimate::resume) takes up and carries on.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Where the next record goes.
    place: Place,
    /// What it had when it was opened.
    index: Index,
    /// The first of these that was not read.
    next: usize,
}

impl Journal {
    /// How many jobs it had when it was opened.
    #[must_use]
    pub fn n_resumed(&self) -> u64 {
        self.index.len() as u64
    }

    /// The jobs that it did not have, ascending.
    pub(in crate::estimate) fn missing(&self) -> impl Iterator<Item = u64> + Send + 'static {
        self.index.missing()
    }

    /// Keeps a finished job. When this returns, the record is the system's: the end of this process
    /// takes nothing of it.
    pub(in crate::estimate) fn append(
        &mut self,
        job: u64,
        partial: &Partial,
    ) -> Result<(), JournalError> {
        let record = record::encode(job, partial, self.place).map_err(io::Error::other);
        let written = record.and_then(|record| {
            // Not for appending, so that it stands where its checksum says.
            self.file.write_all_at(&record, self.place.offset).map(|()| record.len())
        });
        match written {
            Ok(len) => {
                self.place.offset += len as u64;
                Ok(())
            }
            Err(source) => Err(JournalError::Write { path: self.path.clone(), source }),
        }
    }

    /// The next of the jobs that it had, by their numbers, if that is below `limit`.
    pub(in crate::estimate) fn next_below(
        &mut self,
        limit: u64,
    ) -> Result<Option<(u64, Partial)>, JournalError> {
        let Some(entry) = self.index.entry(self.next).filter(|entry| entry.job < limit) else {
            return Ok(None);
        };
        self.next += 1;
        let mut bytes = vec![0; entry.len];
        self.file
            .read_exact_at(&mut bytes, entry.offset)
            .map_err(|source| JournalError::Read { path: self.path.clone(), source })?;
        let place = Place { offset: entry.offset, ..self.place };
        match record::decode(&bytes, place) {
            Some((job, _)) if job != entry.job => Err(JournalError::Changed(self.path.clone())),
            Some((job, Partial::NotFinite)) => Err(self.wrong(job, Mismatch::Finite)),
            Some(record) => Ok(Some(record)),
            None => Err(JournalError::Changed(self.path.clone())),
        }
    }

    /// Says that what it has for `job` cannot be.
    pub(in crate::estimate) fn wrong(&self, job: u64, source: Mismatch) -> JournalError {
        JournalError::Record { path: self.path.clone(), job, source }
    }
}
