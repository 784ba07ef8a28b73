//! What is found where a journal should be.

use std::{error::Error as _, fs, num::NonZeroUsize, path::Path};

use parzen::estimate::{
    Density, Error, JournalFile, Prepared, Problem, Serial, Stop, Volume, resume, run,
};
use parzen_worker::{
    samples::{Element, Order, Place, Source},
    shared::Segment,
    tasks::density::Method,
};
use twox_hash::XxHash3_64;

use crate::Fuzz;

const SAMPLES: [f64; 12] = [0.1, 0.2, 0.9, -3.0, 1.25, 7.0, -0.5, 0.0, 2.0, 0.3, 0.4, 1.5];
const POINTS: [f64; 3] = [0.0, 0.5, 1.0];

/// Bytes of parts of a journal.
const MAGIC: usize = 16;
const VERSION: usize = 4;
const LENGTH: usize = 4;
const CHECKSUM: usize = 8;

/// What a density says: for which width and point, and the bits.
type Found = (usize, usize, u64, u64);

/// Six chunks and two widths.
const N_JOBS: u64 = 12;

fn with_problem(widths: &[f64], check: impl FnOnce(&Problem<'_>)) {
    let segment = Segment::from_bytes(bytemuck::cast_slice(&SAMPLES)).unwrap();
    let (place, element) = (Place::Segment(segment.reference()), Element::F64);
    let (order, n) = (Order::RowMajor, SAMPLES.len());
    let source = Source { place, offset: 0, element, order, n, d: 1 };
    let prepared = Prepared::new(source, &POINTS, widths).unwrap();
    let (method, volume, chunk_rows) = (Method::Direct, Volume::Cube, NonZeroUsize::new(2));
    check(&Problem { prepared: &prepared, method, volume, chunk_rows });
}

fn collect(
    estimate: impl FnOnce(&mut dyn FnMut(Density) -> Result<(), Error>) -> Result<(), Error>,
) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    estimate(&mut |density: Density| {
        let Density { width_idx, point_idx, count, density, .. } = density;
        found.push((width_idx, point_idx, count, density.to_bits()));
        Ok(())
    })?;
    found.sort_unstable();
    Ok(found)
}

fn without_a_journal(problem: &Problem<'_>) -> Vec<Found> {
    collect(|emit| run(problem, &mut Serial, &Stop::new(), emit).map(drop)).unwrap()
}

/// Estimates with the journal at `path`. Gives the densities and how many jobs it had.
fn resumed(path: &Path, problem: &Problem<'_>) -> Result<(Vec<Found>, u64), Error> {
    let journal = JournalFile::open(path)?.resume(problem)?;
    let n_resumed = journal.n_resumed();
    let found = collect(|emit| resume(journal, &mut Serial, &Stop::new(), emit).map(drop))?;
    Ok((found, n_resumed))
}

/// Journals of `problem`: complete and cut off between and within records; those of another
/// estimate; and files that are nearly one.
fn seeds(path: &Path, problem: &Problem<'_>) -> Vec<Vec<u8>> {
    resumed(path, problem).unwrap();
    let whole = fs::read(path).unwrap();
    let header = end_of_header(&whole).unwrap();
    let record = (whole.len() - header) / usize::try_from(N_JOBS).unwrap();
    let mut seeds = Vec::new();
    for len in [0, 10, header - 1, header, header + 2 * record, header + 5 * record + 7] {
        seeds.push(whole[..len].to_vec());
        // What is missing comes in another order then: the first jobs last.
        fs::write(path, [&whole[..header], &whole[whole.len().min(len)..]].concat()).unwrap();
        resumed(path, problem).unwrap();
        seeds.push(fs::read(path).unwrap());
    }
    fs::remove_file(path).unwrap();
    with_problem(&[1.0, 3.0], |other| drop(resumed(path, other).unwrap()));
    seeds.push(fs::read(path).unwrap());
    seeds.push([&whole[..], &[7; 100]].concat());
    // Last.
    seeds.push(whole);
    seeds
}

fn number(bytes: &[u8]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()
}

/// Where the header ends, by its own word.
fn end_of_header(bytes: &[u8]) -> Option<usize> {
    let len = number(bytes.get(MAGIC + VERSION..)?)?;
    let end = (MAGIC + VERSION + LENGTH + CHECKSUM).checked_add(len)?;
    (end <= bytes.len()).then_some(end)
}

/// Makes all checksums right, as far as the lengths before them can be believed, so that what lies
/// behind the checksums is tried too.
fn seal(bytes: &mut [u8]) {
    let Some(mut at) = end_of_header(bytes) else { return };
    let journal = XxHash3_64::oneshot(&bytes[..at - CHECKSUM]);
    bytes[at - CHECKSUM..at].copy_from_slice(&journal.to_le_bytes());
    while let Some(len) = number(&bytes[at..]) {
        let Some(record) = bytes[at..].get_mut(..LENGTH + len.saturating_add(CHECKSUM)) else {
            return;
        };
        let (sealed, checksum) = record.split_at_mut(LENGTH + len);
        let sum = XxHash3_64::oneshot_with_seed(journal.wrapping_add(at as u64), sealed);
        checksum.copy_from_slice(&sum.to_le_bytes());
        at += LENGTH + len + CHECKSUM;
    }
}

/// All that an error says names the journal.
fn assert_clear(error: &Error, path: &Path) {
    let mut chain = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        chain = [&chain, ": ", &source.to_string()].concat();
        next = source.source();
    }
    assert!(chain.contains(path.to_str().unwrap()), "{chain}");
}

const WIDTHS: [f64; 2] = [1.0, 2.0];

/// Either it is refused as it is, or the densities are right to the bit and it is whole again.
#[test]
fn damaged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.journal");
    with_problem(&WIDTHS, |problem| {
        let expected = without_a_journal(problem);
        let seeds = seeds(&path, problem);
        let n_bytes = seeds.last().unwrap().len() as u64;
        let mut outcomes = [0, 0, 0];
        let fuzz = Fuzz { name: "journals", n_cases: 1500, most_memory: 4 << 20 };
        fuzz.run(seeds, |bytes| {
            fs::write(&path, bytes).unwrap();
            match resumed(&path, problem) {
                Ok((found, n_resumed)) => {
                    assert_eq!(found, expected);
                    outcomes[usize::from(0 < n_resumed)] += 1;
                    let (again, n_kept) = resumed(&path, problem).unwrap();
                    assert_eq!((again, n_kept), (found, N_JOBS));
                    assert_eq!(fs::metadata(&path).unwrap().len(), n_bytes);
                }
                Err(error) => {
                    assert_clear(&error, &path);
                    assert!(fs::read(&path).unwrap() == bytes, "it was changed: {error}");
                    outcomes[2] += 1;
                }
            }
        });
        // Begun anew, resumed, refused: all of them were tried.
        assert!(outcomes.iter().all(|&times| 10 < times), "{outcomes:?}");
    });
}

/// With checksums that are right whatever they stand behind, and mostly with a right header: a count
/// may be wrong then, and nobody can know, but it can be.
#[test]
fn forged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.journal");
    with_problem(&WIDTHS, |problem| {
        let places =
            |found: &[Found]| -> Vec<_> { found.iter().map(|&(h, x, ..)| (h, x)).collect() };
        let expected = places(&without_a_journal(problem));
        let mut seeds = seeds(&path, problem);
        let whole = seeds.last().unwrap().clone();
        let (header, records) = whole.split_at(end_of_header(&whole).unwrap());
        seeds.extend([records.to_vec(), [records, records].concat(), records[40..].to_vec()]);
        let mut outcomes = [0, 0, 0];
        let fuzz = Fuzz { name: "forged-journals", n_cases: 1500, most_memory: 4 << 20 };
        fuzz.run(seeds, |bytes| {
            let is_whole = bytes.starts_with(&header[..MAGIC]);
            let mut bytes = [if is_whole { &[] } else { header }, bytes].concat();
            seal(&mut bytes);
            fs::write(&path, &bytes).unwrap();
            match resumed(&path, problem) {
                Ok((found, n_resumed)) => {
                    assert_eq!(places(&found), expected);
                    let n = SAMPLES.len() as u64;
                    assert!(found.iter().all(|&(.., count, _)| count <= n), "{found:?}");
                    outcomes[usize::from(0 < n_resumed)] += 1;
                }
                Err(error) => {
                    assert_clear(&error, &path);
                    outcomes[2] += 1;
                }
            }
        });
        assert!(outcomes.iter().all(|&times| 10 < times), "{outcomes:?}");
    });
}
