//! A finished job as bytes: length, payload, checksum.

use std::io::{self, Read};

use parzen_worker::{
    protocol::codec::{self, EncodeError},
    tasks::density::Partial,
};
use twox_hash::XxHash3_64;

use crate::estimate::MAX_PARTIAL;

/// Bytes of the length, before the payload.
const LENGTH: usize = 4;

/// Bytes of the checksum, behind it.
const CHECKSUM: usize = 8;

/// Most bytes of a payload: the largest partial, and what is around it. A length beyond it is none.
const MAX_PAYLOAD: usize = MAX_PARTIAL * 9 + 64;

/// Most bytes of a record.
pub(super) const MAX_RECORD: usize = LENGTH + MAX_PAYLOAD + CHECKSUM;

/// What makes a record's checksum its own: which journal it is in, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The checksum of the journal's header.
    pub(super) journal: u64,
    /// Bytes before the record.
    pub(super) offset: u64,
}

impl Place {
    fn seed(self) -> u64 {
        self.journal.wrapping_add(self.offset)
    }
}

/// The record of `job`, to stand at `place`.
pub(super) fn encode(job: u64, partial: &Partial, place: Place) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = vec![0; LENGTH];
    codec::encode(&(job, partial), &mut bytes)?;
    let len = u32::try_from(bytes.len() - LENGTH).unwrap_or(u32::MAX);
    bytes[..LENGTH].copy_from_slice(&len.to_le_bytes());
    bytes.extend(XxHash3_64::oneshot_with_seed(place.seed(), &bytes).to_le_bytes());
    Ok(bytes)
}

/// What a record at `place` says; `None` if these bytes are none.
pub(super) fn decode(record: &[u8], place: Place) -> Option<(u64, Partial)> {
    let mut payload = payload(record, place)?;
    let record = codec::decode(&mut payload).ok()?;
    payload.is_empty().then_some(record)
}

/// The payload of a sound record.
fn payload(record: &[u8], place: Place) -> Option<&[u8]> {
    let (sealed, checksum) = record.split_last_chunk()?;
    let sum = XxHash3_64::oneshot_with_seed(place.seed(), sealed);
    if sum != u64::from_le_bytes(*checksum) {
        return None;
    }
    let (len, payload) = sealed.split_first_chunk()?;
    (usize::try_from(u32::from_le_bytes(*len)) == Ok(payload.len())).then_some(payload)
}

/// Where a record is, and of which job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) job: u64,
    pub(super) offset: u64,
    pub(super) len: usize,
}

/// Reads records one after the other, up to the first that is not sound. Takes the memory of the
/// largest, however many there are.
#[derive(Debug)]
pub(super) struct Scan<R> {
    reader: R,
    /// Of the next record.
    place: Place,
    bytes: Vec<u8>,
}

impl<R: Read> Scan<R> {
    /// Of what `reader` gives from `place` on.
    pub(super) fn new(reader: R, place: Place) -> Self {
        Self { reader, place, bytes: Vec::new() }
    }

    /// The next sound record. `None` if there is none, however many bytes there are.
    pub(super) fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        if !self.read()? {
            return Ok(None);
        }
        let Some((job, _)) = decode(&self.bytes, self.place) else { return Ok(None) };
        let entry = Entry { job, offset: self.place.offset, len: self.bytes.len() };
        self.place.offset += entry.len as u64;
        Ok(Some(entry))
    }

    /// Bytes from the beginning of the journal to the end of its last sound record.
    pub(super) fn end(&self) -> u64 {
        self.place.offset
    }

    /// Reads as many bytes as the next record claims to have; `false` if there are not so many.
    fn read(&mut self) -> io::Result<bool> {
        self.bytes.clear();
        if !self.read_up_to(LENGTH)? {
            return Ok(false);
        }
        let len = self.bytes.first_chunk().map_or(u32::MAX, |len| u32::from_le_bytes(*len));
        match usize::try_from(len) {
            Ok(len) if len <= MAX_PAYLOAD => self.read_up_to(LENGTH + len + CHECKSUM),
            Ok(_) | Err(_) => Ok(false),
        }
    }

    fn read_up_to(&mut self, len: usize) -> io::Result<bool> {
        let missing = len - self.bytes.len();
        self.reader.by_ref().take(missing as u64).read_to_end(&mut self.bytes)?;
        Ok(self.bytes.len() == len)
    }
}
