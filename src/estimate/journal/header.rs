//! What estimate a journal is of: everything that decides its partials, and nothing else.
//!
//! Not the backend, the workers, the order or the volume: the same partials go with all of them.

use std::fmt::Display;

use parzen_worker::{
    protocol::codec::{self, EncodeError},
    tasks::density::Method,
};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::fingerprint::fingerprint;
use crate::{
    estimate::{Plan, Problem},
    number::Short,
};

/// What a journal begins with: no text does, and no transfer as text leaves it whole.
const MAGIC: [u8; 16] = *b"\x89parzen-journal\n";

/// Of the format, and of what is counted: to be raised whenever the same job would give other bits.
const VERSION: u32 = 1;

/// Bytes before the body: magic, version and length.
const PREFIX: usize = MAGIC.len() + 8;

/// Bytes of the checksum behind the body.
const CHECKSUM: usize = 8;

/// Most bytes of a header. A body has some hundred.
pub(super) const MAX_HEADER: usize = 4096;

/// The one there is.
const KERNEL: &str = "hypercube";

/// What decides the partials of an estimate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    samples: Samples,
    points: Points,
    widths: Widths,
    kernel: String,
    method: Method,
    chunks: Chunks,
    blocks: Blocks,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Samples {
    n: u64,
    d: u64,
    fingerprint: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Points {
    m: u64,
    fingerprint: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Widths {
    n: u64,
    narrowest: f64,
    widest: f64,
    fingerprint: u128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Chunks {
    n: u64,
    rows: u64,
}

/// The largest of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Blocks {
    points: u64,
    widths: u64,
}

/// Why the beginning of a file is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It begins as one, but ends too early.
    Short,
    /// It does not even begin as one.
    NoJournal,
    /// It was written by a program that writes other journals.
    Version(u32),
    /// Its checksum is not its own.
    Damaged,
}

impl Header {
    /// Of `problem`, whose samples and points have these fingerprints.
    pub(super) fn new(problem: &Problem<'_>, samples: u128, points: u128) -> Self {
        let (plan, widths) = (problem.plan(), problem.prepared.widths());
        let shape = plan.shape();
        let (narrowest, widest) = (widths.first(), widths.last());
        Self {
            samples: Samples { n: shape.n as u64, d: shape.d as u64, fingerprint: samples },
            points: Points { m: shape.m as u64, fingerprint: points },
            widths: Widths {
                n: shape.widths as u64,
                narrowest: narrowest.copied().unwrap_or_default(),
                widest: widest.copied().unwrap_or_default(),
                fingerprint: fingerprint(widths),
            },
            kernel: KERNEL.to_owned(),
            method: problem.method,
            chunks: Chunks { n: plan.n_chunks(), rows: plan.chunk(0).len() as u64 },
            blocks: Blocks::of(&plan),
        }
    }

    pub(super) fn method(&self) -> Method {
        self.method
    }

    /// Magic, version, length, body and the checksum of all that.
    pub(super) fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let mut body = Vec::new();
        codec::encode(self, &mut body)?;
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(len.to_le_bytes());
        bytes.extend(body);
        bytes.extend(XxHash3_64::oneshot(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Reads the header at the front of `bytes`; gives its length, too.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, usize), Flaw> {
        let n_magic = bytes.len().min(MAGIC.len());
        if bytes[..n_magic] != MAGIC[..n_magic] {
            return Err(Flaw::NoJournal);
        }
        let (version, len) = prefix(bytes).ok_or(Flaw::Short)?;
        if version != VERSION {
            return Err(Flaw::Version(version));
        }
        let end = PREFIX + usize::try_from(len).unwrap_or(usize::MAX).min(MAX_HEADER);
        let sealed = bytes.get(..end + CHECKSUM).ok_or(Flaw::Short)?;
        if checksum(sealed) != XxHash3_64::oneshot(&sealed[..end]) {
            return Err(Flaw::Damaged);
        }
        let mut body = &sealed[PREFIX..end];
        let header = codec::decode(&mut body).map_err(|_| Flaw::Damaged)?;
        if body.is_empty() { Ok((header, sealed.len())) } else { Err(Flaw::Damaged) }
    }

    /// In what `self`, found in a journal, differs from `now`, in words; nothing if they are equal.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let asked = [
            difference("samples", &self.samples, &now.samples, Samples::outline),
            difference("points", &self.points, &now.points, |points| points.m.to_string()),
            difference("widths", &self.widths, &now.widths, Widths::outline),
            difference("kernels", &self.kernel, &now.kernel, Clone::clone),
            difference("methods", &self.method, &now.method, |&method| name(method).to_owned()),
        ];
        let asked: Vec<String> = asked.into_iter().flatten().collect();
        if !asked.is_empty() {
            return asked;
        }
        // These follow from what was asked for, but not from that alone.
        let cut = [
            difference("chunks", &self.chunks, &now.chunks, Chunks::outline),
            difference("blocks", &self.blocks, &now.blocks, Blocks::outline),
        ];
        cut.into_iter().flatten().collect()
    }
}

/// Version and length of the body.
fn prefix(bytes: &[u8]) -> Option<(u32, u32)> {
    let (version, rest) = bytes.get(MAGIC.len()..)?.split_first_chunk()?;
    let (len, _) = rest.split_first_chunk()?;
    Some((u32::from_le_bytes(*version), u32::from_le_bytes(*len)))
}

/// The last eight bytes of a header: its checksum, which tells apart all journals.
pub(super) fn checksum(header: &[u8]) -> u64 {
    header.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn difference<T: PartialEq>(
    what: impl Display,
    journal: &T,
    now: &T,
    outline: impl Fn(&T) -> String,
) -> Option<String> {
    if journal == now {
        return None;
    }
    let (journal, now) = (outline(journal), outline(now));
    let now = if journal == now { "others".to_owned() } else { now };
    Some(format!("its {what} differ: {journal}, now {now}"))
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Direct => "direct",
        Method::Shared => "shared",
    }
}

impl Samples {
    fn outline(&self) -> String {
        format!("{}×{}", self.n, self.d)
    }
}

impl Widths {
    fn outline(&self) -> String {
        let (narrowest, widest) = (Short(self.narrowest), Short(self.widest));
        match self.n {
            1 => format!("only {narrowest}"),
            n => format!("{n} from {narrowest} to {widest}"),
        }
    }
}

impl Chunks {
    fn outline(&self) -> String {
        format!("{} of {} rows", self.n, self.rows)
    }
}

impl Blocks {
    fn of(plan: &Plan) -> Self {
        let largest = plan.block(0);
        Self { points: largest.points.len() as u64, widths: largest.widths.len() as u64 }
    }

    fn outline(&self) -> String {
        format!("{} points and {} widths", self.points, self.widths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            samples: Samples { n: 100, d: 2, fingerprint: 1 },
            points: Points { m: 3, fingerprint: 2 },
            widths: Widths { n: 12, narrowest: 0.1, widest: 1.2000000000000002, fingerprint: 3 },
            kernel: KERNEL.to_owned(),
            method: Method::Shared,
            chunks: Chunks { n: 10, rows: 10 },
            blocks: Blocks { points: 3, widths: 12 },
        }
    }

    #[test]
    fn a_header_reads_back_and_tells_its_length() {
        let mut bytes = header().encode().unwrap();
        assert!(bytes.len() < MAX_HEADER / 8, "{}", bytes.len());
        let len = bytes.len();
        bytes.extend([7; 99]);
        assert_eq!(Header::decode(&bytes).unwrap(), (header(), len));
    }

    #[test]
    fn each_difference_is_told() {
        let check = |change: fn(&mut Header), expected: &[&str]| {
            let mut now = header();
            change(&mut now);
            assert_eq!(header().differences(&now), expected);
        };
        check(|_| {}, &[]);
        check(|now| now.samples.n = 99, &["its samples differ: 100×2, now 99×2"]);
        check(|now| now.samples.fingerprint = 9, &["its samples differ: 100×2, now others"]);
        check(|now| now.points.m = 4, &["its points differ: 3, now 4"]);
        check(|now| now.points.fingerprint = 9, &["its points differ: 3, now others"]);
        let one = |now: &mut Header| (now.widths.n, now.widths.narrowest) = (1, 0.5);
        check(one, &["its widths differ: 12 from 0.1 to 1.2, now only 0.5"]);
        let others = |now: &mut Header| now.widths.fingerprint = 9;
        check(others, &["its widths differ: 12 from 0.1 to 1.2, now others"]);
        let kernel = |now: &mut Header| now.kernel = "gaussian".to_owned();
        check(kernel, &["its kernels differ: hypercube, now gaussian"]);
        let method = |now: &mut Header| now.method = Method::Direct;
        check(method, &["its methods differ: shared, now direct"]);
        let chunks = |now: &mut Header| now.chunks = Chunks { n: 4, rows: 30 };
        check(chunks, &["its chunks differ: 10 of 10 rows, now 4 of 30 rows"]);
        let blocks = |now: &mut Header| now.blocks.points = 2;
        let expected = "its blocks differ: 3 points and 12 widths, now 2 points and 12 widths";
        check(blocks, &[expected]);
    }

    #[test]
    fn what_follows_from_a_difference_is_not_told() {
        let mut now = header();
        (now.samples.n, now.chunks.n, now.points.m, now.blocks.points) = (200, 20, 1, 1);
        let expected = ["its samples differ: 100×2, now 200×2", "its points differ: 3, now 1"];
        assert_eq!(header().differences(&now), expected);
    }

    #[test]
    fn what_is_no_header_is_told_apart() {
        let bytes = header().encode().unwrap();
        let check = |at: usize, byte: u8, flaw| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            assert_eq!(Header::decode(&bytes), Err(flaw), "byte {at}");
        };
        check(0, b'h', Flaw::NoJournal);
        check(15, b'\r', Flaw::NoJournal);
        check(16, 7, Flaw::Version(7));
        check(20, bytes[20] - 1, Flaw::Damaged);
        check(20, bytes[20] + 1, Flaw::Short);
        check(23, 255, Flaw::Short);
        check(24, bytes[24] + 1, Flaw::Damaged);
        check(bytes.len() - 1, !bytes[bytes.len() - 1], Flaw::Damaged);
        for len in 0..bytes.len() {
            assert_eq!(Header::decode(&bytes[..len]), Err(Flaw::Short), "{len} bytes");
        }
        assert_eq!(Header::decode(b"h,x1"), Err(Flaw::NoJournal));
    }
}
