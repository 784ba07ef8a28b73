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

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    const START: Place = Place { journal: 0x0123_4567_89ab_cdef, offset: 200 };

    type Record = (u64, Partial);

    fn counts(counts: &[u64]) -> Partial {
        Partial::Counts(counts.to_vec())
    }

    /// All of them, one after the other from `START` on, and where each ends.
    fn written(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for (job, partial) in records {
            let place = Place { offset: START.offset + bytes.len() as u64, ..START };
            bytes.extend(encode(*job, partial, place).unwrap());
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    /// The sound records at the front of `bytes`.
    fn read(bytes: &[u8]) -> Vec<Record> {
        let mut scan = Scan::new(bytes, START);
        let mut records = Vec::new();
        while let Some(Entry { job, offset, len }) = scan.next_entry().unwrap() {
            let from = usize::try_from(offset - START.offset).unwrap();
            let record = decode(&bytes[from..from + len], Place { offset, ..START }).unwrap();
            assert_eq!(record.0, job);
            records.push(record);
            assert_eq!(scan.end(), offset + len as u64);
        }
        assert_eq!(scan.next_entry().unwrap(), None, "it stays at its end");
        assert!(scan.bytes.capacity() <= 2 * MAX_RECORD);
        records
    }

    fn example() -> [Record; 4] {
        [
            (0, counts(&[3, 0])),
            (7, counts(&[])),
            (3, counts(&[250, 251, 70_000])),
            (1, counts(&[9])),
        ]
    }

    #[test]
    fn a_record_cut_off_anywhere_leaves_those_before_it() {
        let (bytes, ends) = written(&example());
        for len in 0..=bytes.len() {
            let n_whole = ends.iter().filter(|&&end| end <= len).count();
            assert_eq!(read(&bytes[..len]), example()[..n_whole], "{len} bytes");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_leaves_the_records_before_it() {
        let (bytes, ends) = written(&example());
        for bit in 0..8 * bytes.len() {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let n_before = ends.iter().filter(|&&end| end <= bit / 8).count();
            assert_eq!(read(&bytes), example()[..n_before], "bit {bit}");
        }
    }

    #[test]
    fn a_record_of_another_journal_or_place_is_none() {
        let (bytes, ends) = written(&example());
        let first = &bytes[..ends[0]];
        assert!(decode(first, START).is_some());
        assert!(decode(first, Place { journal: START.journal ^ 1, ..START }).is_none());
        assert!(decode(first, Place { offset: START.offset + 1, ..START }).is_none());
        assert_eq!(read(&[first, first].concat()), example()[..1]);
    }

    #[test]
    fn the_largest_partial_fits() {
        let largest = (u64::MAX, counts(&[u64::MAX; MAX_PARTIAL]));
        let (bytes, _) = written(&[largest.clone(), largest.clone()]);
        assert!(bytes.len() <= 2 * MAX_RECORD);
        assert_eq!(read(&bytes), [largest.clone(), largest]);
    }

    #[test]
    fn a_length_that_is_only_claimed_takes_no_memory() {
        let most = u32::try_from(MAX_PAYLOAD).unwrap();
        for (len, n_read) in [(0, 12), (most, MAX_RECORD), (most + 1, 4), (u32::MAX, 4)] {
            let claim: [u8; 4] = len.to_le_bytes();
            let endless = claim.as_slice().chain(io::repeat(7));
            let mut scan = Scan::new(endless, START);
            assert_eq!(scan.next_entry().unwrap(), None);
            assert_eq!(scan.bytes.len(), n_read);
            assert!(scan.bytes.capacity() <= 2 * MAX_RECORD);
        }
    }

    #[test]
    fn what_is_sealed_but_makes_no_sense_is_no_record() {
        for payload in [&[][..], &[1], &[1, 0], &[1, 0, 2, 3], &[1, 0, 1, 3, 9], &[1, 9]] {
            let mut bytes = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
            bytes.extend(payload);
            let sum = XxHash3_64::oneshot_with_seed(START.seed(), &bytes);
            bytes.extend(sum.to_le_bytes());
            assert_eq!(read(&bytes), [], "{payload:?}");
        }
    }

    fn records() -> impl Strategy<Value = Vec<Record>> {
        vec((any::<u64>(), vec(any::<u64>(), 0..5).prop_map(Partial::Counts)), 0..6)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(records in records()) {
            prop_assert_eq!(read(&written(&records).0), records);
        }

        #[test]
        fn whatever_happens_to_a_part_those_before_it_are_read_and_no_other(
            records in records(), from in any::<Index>(), len in 0..40_usize,
            other in vec(any::<u8>(), 0..40),
        ) {
            let (mut bytes, ends) = written(&records);
            let from = from.index(bytes.len() + 1);
            let before = bytes.clone();
            bytes.splice(from..bytes.len().min(from + len), other);
            let n_same = before.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
            let n_before = ends.iter().filter(|&&end| end <= n_same).count();
            prop_assert_eq!(read(&bytes), records[..n_before].to_vec());
        }

        #[test]
        fn no_bytes_are_taken_for_a_record(bytes in vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(read(&bytes), []);
        }
    }
}
