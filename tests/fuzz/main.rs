//! Decoders against hostile bytes: none may panic, hang or take much memory.
//!
//! Each decoder has a corpus: valid inputs that are built here, and the files in
//! `tests/data/fuzz/NAME`, which are inputs that once found something. All of it is tried as it is,
//! then with changes from a seed. `PARZEN_FUZZ_SECONDS` goes on for so long with seeds that nobody
//! has tried. A failure leaves its input in a file, to be added to the corpus.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod messages;
mod mutate;
mod texts;

use std::{
    env, fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use peak_alloc::PeakAlloc;
use rand::{SeedableRng, rngs::ChaCha12Rng};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Changed inputs of each decoder in the ordinary run.
const CASES: usize = 4_000;

/// Memory that all decoders together may have at a time, in MB: that of the largest widths, and of
/// the text and tables of this program.
const MOST_MEGABYTES: f32 = 192.0;

/// Tries `decode` with all of its corpus and with changes to it.
pub(crate) fn fuzz(name: &str, mut seeds: Vec<Vec<u8>>, mut decode: impl FnMut(&[u8])) {
    seeds.extend(kept(name));
    let mut check = |bytes: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            decode(bytes);
            let peak = ALLOCATOR.peak_usage_as_mb();
            assert!(peak < MOST_MEGABYTES, "it took {peak} MB");
        }));
        outcome.unwrap_or_else(|panic| {
            let path = keep(name, bytes);
            let _ = writeln!(std::io::stderr(), "the input is in {}", path.display());
            resume_unwind(panic)
        });
    };
    seeds.iter().for_each(|seed| check(seed));
    let mut rng = ChaCha12Rng::seed_from_u64(1);
    (0..CASES).for_each(|_| check(&mutate::mutate(&seeds, &mut rng)));
    if let Some(time) = soak() {
        let end = now() + time;
        let mut rng = ChaCha12Rng::seed_from_u64(fresh_seed());
        while now() < end {
            check(&mutate::mutate(&seeds, &mut rng));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a soak ends by the clock")]
fn now() -> Instant {
    Instant::now()
}

fn soak() -> Option<Duration> {
    let seconds = env::var("PARZEN_FUZZ_SECONDS").ok()?;
    Some(Duration::from_secs_f64(seconds.parse().expect("PARZEN_FUZZ_SECONDS is a number")))
}

fn fresh_seed() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    time.as_secs() << 20 | u64::from(time.subsec_micros())
}

/// What once found something.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(name);
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&directory).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Keeps what found something, where it is not in the way.
fn keep(name: &str, bytes: &[u8]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(name);
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{:016x}", fresh_seed()));
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn changed_inputs_differ_and_a_seed_repeats_them() {
    let seeds = vec![b"linspace:0:1:5".to_vec(), b"arange:0:1:0.5".to_vec()];
    let draw = |seed| -> Vec<Vec<u8>> {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        (0..200).map(|_| mutate::mutate(&seeds, &mut rng)).collect()
    };
    let mut drawn = draw(1);
    assert_eq!(drawn, draw(1));
    drawn.sort();
    drawn.dedup();
    assert!(100 < drawn.len(), "only {} different", drawn.len());
}
