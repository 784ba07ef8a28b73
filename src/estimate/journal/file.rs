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
    lock::Locked,
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
    file: Locked,
    /// Its first bytes.
    start: Vec<u8>,
    /// `None` if it was never whole.
    header: Option<Header>,
}

impl JournalFile {
    /// Opens the journal at `path`, or makes an empty file there. Does not wait for another run that
    /// uses it, but for a moment for one that was killed.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be opened or locked, and if it is no journal or its header is
    /// damaged.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, JournalError> {
        let path = path.into();
        let file = lock(open(&path)?, &path)?;
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
    pub fn resume<'a>(self, problem: &Problem<'a>) -> Result<Journal<'a>, Error> {
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
        Ok(self.read(start, *problem)?)
    }

    fn begin(&self, header: &[u8]) -> Result<(), JournalError> {
        let written = self.file.set_len(0).and_then(|()| self.file.write_all_at(header, 0));
        written.map_err(|source| self.write_error(source))
    }

    /// Finds its records, the first of which would stand at `start`, and cuts off what is none.
    fn read<'a>(self, start: Place, problem: Problem<'a>) -> Result<Journal<'a>, JournalError> {
        let n_jobs = problem.plan().n_jobs();
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
        Ok(Journal { problem, path, file, place, index, next })
    }

    /// Looks through all sound records; gives their end.
    fn scan(&self, start: Place, mut found: impl FnMut(record::Entry)) -> io::Result<u64> {
        let mut file: &File = &self.file;
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

fn lock(file: File, path: &Path) -> Result<Locked, JournalError> {
    Locked::new(file).map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::InUse(path.to_owned()),
        TryLockError::Error(source) => JournalError::Lock { path: path.to_owned(), source },
    })
}

fn read_start(mut file: &File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.by_ref().take(MAX_HEADER as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// The journal of one estimate, which [`resume()`](crate::estimate::resume) takes up and carries on.
#[derive(Debug)]
pub struct Journal<'a> {
    problem: Problem<'a>,
    path: PathBuf,
    file: Locked,
    /// Where the next record goes.
    place: Place,
    /// What it had when it was opened.
    index: Index,
    /// The first of these that was not read.
    next: usize,
}

impl<'a> Journal<'a> {
    /// What it is the journal of.
    #[must_use]
    pub fn problem(&self) -> Problem<'a> {
        self.problem
    }

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

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZeroUsize};

    use parzen_worker::{
        samples::{Element, Order, Place as SamplePlace, Source},
        shared::Segment,
    };
    use tempfile::TempDir;

    use super::*;
    use crate::estimate::{Prepared, Serial, Stop, Volume, resume};

    fn counts(counts: &[u64]) -> Partial {
        Partial::Counts(counts.to_vec())
    }

    /// Checks a problem of four jobs, each with one row and one count, with a place for its journal.
    fn with_problem(check: impl Fn(&Problem<'_>, &Path)) {
        let segment = Segment::from_bytes(bytemuck::cast_slice(&[0.0, 0.25, 1.0, 2.0])).unwrap();
        let place = SamplePlace::Segment(segment.reference());
        let (element, order) = (Element::F64, Order::RowMajor);
        let source = Source { place, offset: 0, element, order, n: 4, d: 1 };
        let prepared = Prepared::new(source, &[0.0], &[1.0]).unwrap();
        let (method, volume) = (Method::Shared, Volume::Cube);
        let chunk_rows = NonZeroUsize::new(1);
        let directory = TempDir::new().unwrap();
        let problem = Problem { prepared: &prepared, method, volume, chunk_rows };
        check(&problem, &directory.path().join("x.journal"));
    }

    fn open<'a>(path: &Path, problem: &Problem<'a>) -> Result<Journal<'a>, Error> {
        JournalFile::open(path)?.resume(problem)
    }

    /// The journal at `path` with these records, opened anew.
    fn with_records<'a>(
        problem: &Problem<'a>,
        path: &Path,
        records: &[(u64, Partial)],
    ) -> Result<Journal<'a>, Error> {
        let _ = fs::remove_file(path);
        let mut journal = open(path, problem).unwrap();
        records.iter().for_each(|(job, partial)| journal.append(*job, partial).unwrap());
        drop(journal);
        open(path, problem)
    }

    #[test]
    fn records_are_read_by_their_jobs_and_no_further_than_asked() {
        with_problem(|problem, path| {
            let records = [(3, counts(&[0])), (0, counts(&[1])), (2, counts(&[0]))];
            let mut journal = with_records(problem, path, &records).unwrap();
            assert_eq!((journal.n_resumed(), journal.missing().collect()), (3, vec![1]));
            for (limit, expected) in
                [(0, None), (1, Some(0)), (2, None), (3, Some(2)), (3, None), (9, Some(3))]
            {
                let job = journal.next_below(limit).unwrap().map(|(job, _)| job);
                assert_eq!(job, expected, "below {limit}");
            }
            // What is added is not read again.
            journal.append(1, &counts(&[1])).unwrap();
            assert_eq!(journal.next_below(9).unwrap(), None);
        });
    }

    #[test]
    fn a_sound_record_that_cannot_be_is_refused() {
        with_problem(|problem, path| {
            let check = |records: &[(u64, Partial)], job, mismatch| {
                let result = with_records(problem, path, records).and_then(|journal| {
                    resume(journal, &mut Serial, &Stop::new(), &mut |_| Ok(()))
                });
                let Err(Error::Journal(JournalError::Record { job: found, source, .. })) = result
                else {
                    panic!("{result:?}");
                };
                assert_eq!((found, source), (job, mismatch));
            };
            let one = || counts(&[1]);
            check(&[(4, one())], 4, Mismatch::OutOfRange { n_jobs: 4 });
            check(&[(2, one()), (0, one()), (2, one())], 2, Mismatch::Twice);
            check(&[(1, counts(&[1, 1]))], 1, Mismatch::Length { found: 2, expected: 1 });
            check(&[(1, counts(&[2]))], 1, Mismatch::Count { count: 2, rows: 1 });
            check(&[(1, Partial::NotFinite)], 1, Mismatch::Finite);
        });
    }

    #[test]
    fn a_record_that_changes_under_our_hands_is_told() {
        with_problem(|problem, path| {
            let mut journal = with_records(problem, path, &[(0, counts(&[1]))]).unwrap();
            let mut bytes = fs::read(path).unwrap();
            let last = bytes.len() - 9;
            bytes[last] ^= 1;
            fs::write(path, &bytes).unwrap();
            let error = journal.next_below(9).unwrap_err();
            assert!(matches!(error, JournalError::Changed(_)), "{error:?}");
        });
    }

    #[test]
    fn only_a_beginning_of_the_own_header_is_begun_anew() {
        with_problem(|problem, path| {
            drop(open(path, problem).unwrap());
            let header = fs::read(path).unwrap();
            for len in 0..header.len() {
                fs::write(path, &header[..len]).unwrap();
                assert_eq!(open(path, problem).unwrap().n_resumed(), 0);
                assert_eq!(fs::read(path).unwrap(), header, "{len} bytes");
            }
            // As long as it says, it would be of another estimate; nobody knows of which.
            let mut other = header[..40].to_vec();
            other[39] ^= 1;
            fs::write(path, &other).unwrap();
            let error = open(path, problem).unwrap_err();
            assert!(matches!(error, Error::Journal(JournalError::Damaged(_))), "{error:?}");
            assert_eq!(fs::read(path).unwrap(), other);
        });
    }

    #[test]
    fn what_is_not_sound_is_cut_off() {
        with_problem(|problem, path| {
            drop(with_records(problem, path, &[(0, counts(&[1])), (1, counts(&[1]))]).unwrap());
            let whole = fs::read(path).unwrap();
            for tail in [&[0][..], &[7; 30], &[0; 4096], &[255; 2 * MAX_RECORD]] {
                fs::write(path, [&whole, tail].concat()).unwrap();
                assert_eq!(open(path, problem).unwrap().n_resumed(), 2);
                assert_eq!(fs::read(path).unwrap(), whole);
            }
        });
    }
}
