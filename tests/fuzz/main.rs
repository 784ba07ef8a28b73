//! Decoders against hostile bytes: none may panic, hang or take much memory.
//!
//! Each decoder has a corpus: valid inputs that are built here, and the files in
//! `tests/data/fuzz/NAME`, which are inputs that once found something. All of it is tried as it is,
//! then with changes from a seed. `PARZEN_FUZZ_SECONDS` goes on for so long with seeds that nobody
//! has tried. A failure leaves its input in a file, to be added to the corpus.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod journals;
mod messages;
mod mutate;
mod texts;
mod watchdog;

use std::{
    env, fs,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use peak_alloc::PeakAlloc;
use rand::{SeedableRng, rngs::ChaCha12Rng};
use watchdog::Watchdog;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// One decoder at a time: memory is counted for all of this program.
static TURN: Mutex<()> = Mutex::new(());

/// What is to be tried, and what it may take.
pub(crate) struct Fuzz {
    /// Of the corpus.
    pub(crate) name: &'static str,
    /// Changed inputs in the ordinary run, which is to take about a second in a debug build.
    pub(crate) n_cases: usize,
    /// Memory that one input may take, in bytes.
    pub(crate) most_memory: usize,
}

/// Tries `decode`, which is quick, with all of its corpus and with changes to it.
pub(crate) fn fuzz(name: &'static str, seeds: Vec<Vec<u8>>, decode: impl FnMut(&[u8])) {
    Fuzz { name, n_cases: 4000, most_memory: 4 << 20 }.run(seeds, decode);
}

impl Fuzz {
    /// Tries `decode` with all of its corpus and with changes to it.
    pub(crate) fn run(&self, mut seeds: Vec<Vec<u8>>, mut decode: impl FnMut(&[u8])) {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        seeds.extend(kept(self.name));
        let watchdog = Watchdog::start(self.name);
        let mut check = |bytes: &[u8]| {
            let checked = || watchdog.watch(bytes, || self.check(bytes, &mut decode));
            catch_unwind(AssertUnwindSafe(checked)).unwrap_or_else(|panic| {
                let path = keep(self.name, bytes);
                let _ = writeln!(std::io::stderr(), "the input is in {}", path.display());
                resume_unwind(panic)
            });
        };
        seeds.iter().for_each(|seed| check(seed));
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        (0..self.n_cases).for_each(|_| check(&mutate::mutate(&seeds, &mut rng)));
        if let Some(time) = soak() {
            let end = now() + time;
            let mut rng = ChaCha12Rng::seed_from_u64(fresh_seed());
            while now() < end {
                check(&mutate::mutate(&seeds, &mut rng));
            }
        }
    }

    fn check(&self, bytes: &[u8], decode: &mut impl FnMut(&[u8])) {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        decode(bytes);
        let taken = ALLOCATOR.peak_usage().saturating_sub(before);
        assert!(taken <= self.most_memory, "it took {taken} bytes of memory");
    }
}

#[expect(clippy::disallowed_methods, reason = "a soak ends by the clock")]
pub(crate) fn now() -> Instant {
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
pub(crate) fn keep(name: &str, bytes: &[u8]) -> PathBuf {
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

#[test]
#[should_panic(expected = "it took")]
fn memory_that_is_taken_is_seen() {
    fuzz("memory", vec![vec![1; 100]], |bytes| {
        drop(std::hint::black_box(vec![bytes.len(); 1 << 20]));
    });
}
