//! Many jobs, and what they leave in memory.

use std::{
    cell::Cell,
    fs, iter,
    num::NonZeroU32,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use parzen::pool::{Batch, Pool};
use parzen_worker::tasks::demo::{Cube, Sleep};

use crate::{
    actors::tasks::Bulk,
    support::{Scripts, alone, builder, eventually, now, pool, rounds},
};

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

const MIB: u64 = 1 << 20;

#[test]
fn ten_thousand_jobs_one_by_one() {
    alone(|| {
        let pool = pool(2);
        let pending: Vec<_> = (0..10_000).map(|x| pool.apply_async::<Cube>(x).unwrap()).collect();
        for (x, pending) in (0..10_000_i64).zip(pending) {
            assert_eq!(pending.get().unwrap(), x.pow(3));
        }
        pool.join().unwrap();
    });
}

#[test]
fn ten_thousand_jobs_of_one_input() {
    alone(|| {
        let pool = builder(2).batch(Batch::Fixed(NonZeroU32::MIN)).start().unwrap();
        let cubes = pool.map::<Cube>(0..10_000).unwrap();
        assert!((0..).zip(cubes).all(|(x, cube): (i64, i64)| cube == x.pow(3)));
        pool.join().unwrap();
    });
}

#[test]
fn a_million_inputs() {
    alone(|| {
        let pool = pool(2);
        let cubes = pool.map::<Cube>(0..1_000_000).unwrap();
        assert_eq!(cubes.len(), 1_000_000);
        assert!((0..).zip(cubes).all(|(x, cube): (i64, i64)| cube == x.pow(3)));
        pool.join().unwrap();
    });
}

/// A soak with `PARZEN_TEST_ROUNDS=34` makes ten million of them.
#[test]
fn inputs_are_taken_as_there_is_room_for_them() {
    alone(|| {
        let n = 300_000 * i64::from(rounds(1));
        let pool = pool(2);
        let mut results = pool.imap::<Cube>((0..n).map(|x| x % 1000));
        let first: Vec<_> = results.by_ref().take(100_000).collect();
        assert_eq!(first.len(), 100_000);
        drop(first);
        let warm = resident();
        let rest = (100_000..n).zip(results);
        let n_right = rest.filter(|(x, cube)| *cube.as_ref().unwrap() == (x % 1000).pow(3)).count();
        assert_eq!(n_right as i64, n - 100_000);
        let grown = resident().saturating_sub(warm);
        assert!(grown < 16 * MIB, "{} MiB more", grown / MIB);
        pool.join().unwrap();
    });
}

#[test]
fn an_endless_iterator_with_a_slow_consumer_is_bounded() {
    alone(|| {
        let pool = pool(2);
        let taken = Cell::new(0_i64);
        let inputs = (0..).map(|x| x % 1000).inspect(|_| taken.set(taken.get() + 1));
        let mut results = pool.imap::<Cube>(inputs);
        let mut seen = 0;
        let mut warm = 0;
        for round in 0..200 {
            for result in results.by_ref().take(1000) {
                assert_eq!(result.unwrap(), (seen % 1000_i64).pow(3));
                seen += 1;
            }
            thread::sleep(Duration::from_millis(2));
            if round == 100 {
                warm = resident();
            }
        }
        // What is in flight, and what is held for the order: not more, however slow the consumer.
        assert!(taken.get() - seen < 1 << 19, "{} taken, {seen} seen", taken.get());
        assert!(resident() < warm + 32 * MIB, "{warm}, then {}", resident());
        drop(results);
        pool.join().unwrap();
    });
}

/// Inputs that came fast have made batches large when they begin to come slowly.
#[test]
fn results_of_a_slow_source_do_not_wait_for_a_batch() {
    alone(|| {
        const FAST: u64 = 50_000;
        const SLOW: u64 = 60;
        let pool = pool(2);
        let asked = Cell::new(0);
        let inputs = iter::from_fn(|| {
            let number: u64 = asked.replace(asked.get() + 1);
            if FAST <= number {
                thread::sleep(Duration::from_millis(10));
            }
            (number < FAST + SLOW).then_some(7)
        });
        let mut results = pool.imap::<Cube>(inputs);
        let mut ahead = Vec::new();
        for number in 0..FAST + SLOW {
            assert_eq!(results.next().unwrap().unwrap(), 343);
            if FAST <= number {
                ahead.push(asked.get() - number);
            }
        }
        assert!(results.next().is_none());
        // The machine may be busy with other things for some of the time.
        let n_prompt = ahead.iter().filter(|&&ahead| ahead < 10).count();
        assert!(SLOW / 2 < n_prompt as u64, "asked for so many inputs more: {ahead:?}");
        drop(results);
        pool.join().unwrap();
    });
}

/// A result that is too large for any message to hold two of them.
const LARGE: usize = 1_000_000;

/// What large results may take that are held or on their way: 64 MiB, some jobs more, and the rest
/// of the process.
const ROOM: u64 = 150 * MIB;

/// Waits until nothing that `look` sees changes any more.
fn settled<T: PartialEq>(what: &str, mut look: impl FnMut() -> Option<T>) {
    let mut seen = (look(), now());
    eventually(what, || {
        let found = look();
        if found.is_none() || found != seen.0 {
            seen = (found, now());
        }
        (Duration::from_millis(200) < seen.1.elapsed()).then_some(())
    });
}

/// Results that have come to `pool`, each being too large to share its message.
fn received(pool: &Pool) -> u64 {
    pool.usage().traffic.messages_received
}

#[test]
fn large_results_for_a_slow_consumer_are_bounded() {
    alone(|| {
        for ordered in [true, false] {
            let files = Scripts::new();
            let twenty = Batch::Fixed(20.try_into().unwrap());
            let pool = files.builder(2).batch(twenty).start().unwrap();
            let taken = Cell::new(0);
            let inputs = (0..).inspect(|_| taken.set(taken.get() + 1));
            let inputs = inputs.map(|number| (String::new(), Vec::new().into(), LARGE + number));
            let mut results: Box<dyn Iterator<Item = (u64, Result<_, _>)>> = if ordered {
                Box::new((0..).zip(pool.imap::<Bulk>(inputs)))
            } else {
                Box::new(pool.imap_unordered::<Bulk>(inputs))
            };
            for number in 0..300 {
                let (index, result) = results.next().unwrap();
                assert_eq!(result.unwrap().len() as u64, LARGE as u64 + index);
                if number % 60 == 0 {
                    settled("all that was taken is done", || {
                        (received(&pool) == taken.get()).then_some(())
                    });
                    assert!(resident() < ROOM, "{number}, {}: {}", taken.get(), resident() / MIB);
                }
            }
            drop(results);
            pool.join().unwrap();
        }
    });
}

#[test]
fn large_results_behind_a_slow_first_job_are_bounded() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).start().unwrap();
        let n = 600;
        let taken = AtomicU64::new(0);
        let inputs = (0..n).map(|number| {
            taken.fetch_add(1, Ordering::Relaxed);
            let go = if number == 0 { files.name("go") } else { String::new() };
            (go, Vec::new().into(), LARGE + number)
        });
        thread::scope(|scope| {
            let watched = scope.spawn(|| {
                settled("no more inputs are taken, and those that were are done", || {
                    let received = received(&pool);
                    (0 < received).then_some((received, taken.load(Ordering::Relaxed)))
                });
                let found = (taken.load(Ordering::Relaxed), resident());
                fs::write(files.path("go"), "").unwrap();
                found
            });
            let lengths = pool.imap::<Bulk>(inputs).map(|result| result.unwrap().len());
            assert!(lengths.eq((0..n).map(|number| LARGE + number)));
            let (ahead, held) = watched.join().unwrap();
            assert!(held < ROOM, "{ahead} taken, {} MiB", held / MIB);
        });
        pool.join().unwrap();
    });
}

/// Bytes of shared memory that this process has made and not let go of.
fn shared() -> u64 {
    let paths = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let is_shared = |path: &PathBuf| {
        fs::read_link(path).is_ok_and(|target| target.to_string_lossy().contains("memfd:"))
    };
    paths.filter(is_shared).filter_map(|path| Some(fs::metadata(path).ok()?.len())).sum()
}

#[test]
fn an_endless_iterator_of_large_inputs_is_bounded() {
    alone(|| {
        let files = Scripts::new();
        let forty = Batch::Fixed(40.try_into().unwrap());
        let pool = files.builder(2).batch(forty).start().unwrap();
        let taken = AtomicU64::new(0);
        let inputs = (0..).map(|number| {
            taken.fetch_add(1, Ordering::Relaxed);
            (files.name("go"), vec![1; LARGE].into(), number)
        });
        thread::scope(|scope| {
            let watched = scope.spawn(|| {
                settled("no more inputs are taken", || {
                    let taken = taken.load(Ordering::Relaxed);
                    (0 < taken).then_some(taken)
                });
                let found = (taken.load(Ordering::Relaxed), shared() + resident());
                fs::write(files.path("go"), "").unwrap();
                found
            });
            let results = pool.imap_unordered::<Bulk>(inputs).take(500);
            let right = results.filter(|(index, result)| {
                assert!(shared() + resident() < 3 * ROOM);
                result.as_ref().unwrap().len() as u64 == *index
            });
            assert_eq!(right.count(), 500);
            let (ahead, held) = watched.join().unwrap();
            assert!(held < ROOM, "{ahead} taken, {} MiB", held / MIB);
        });
        pool.join().unwrap();
    });
}

#[test]
fn a_slow_first_job_holds_back_an_ordered_reader_and_no_memory() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).start().unwrap();
        let taken = AtomicU64::new(0);
        let warm = resident();
        // While the first waits, the others run as far ahead as they may.
        let inputs = (0..).map(|number| {
            taken.fetch_add(1, Ordering::Relaxed);
            let go = if number == 0 { files.name("go") } else { String::new() };
            (go, Vec::new().into(), number % 10)
        });
        thread::scope(|scope| {
            let watched = scope.spawn(|| {
                settled("no more inputs are taken", || {
                    let taken = taken.load(Ordering::Relaxed);
                    (1 << 15 < taken).then_some((taken, received(&pool)))
                });
                let found = (taken.load(Ordering::Relaxed), resident());
                fs::write(files.path("go"), "").unwrap();
                found
            });
            let results = pool.imap::<Bulk>(inputs).take(100_000);
            let lengths = results.map(|result| result.unwrap().len());
            assert!(lengths.eq((0..100_000).map(|number| number % 10)));
            let (ahead, held) = watched.join().unwrap();
            assert!(ahead <= (1 << 16) + 1, "{ahead}");
            assert!(held < warm + 32 * MIB, "{warm}, then {held}");
        });
        pool.join().unwrap();
    });
}

/// Unordered results come while the first job runs, and nothing piles up behind it.
#[test]
fn a_slow_first_job_does_not_hold_back_the_others() {
    alone(|| {
        let pool = pool(2);
        let inputs = (0_u64..).map(|number| {
            (number, if number == 0 { Duration::from_secs(3600) } else { Duration::ZERO })
        });
        let mut results = pool.imap_unordered::<Sleep>(inputs);
        let mut warm = 0;
        for n in 0..1_000_000 {
            let (index, result) = results.next().unwrap();
            assert_eq!(result.unwrap().0, index);
            if n == 100_000 {
                warm = resident();
            }
        }
        assert!(resident() < warm + 6 * MIB, "{warm}, then {}", resident());
        drop(results);
        pool.terminate();
    });
}
