//! Many jobs, and what they leave in memory.

use std::{
    cell::Cell,
    fs,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use parzen::pool::Batch;
use parzen_worker::tasks::demo::{Cube, Echo, Sleep};

use crate::support::{alone, builder, pool, rounds};

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

#[test]
fn large_results_for_a_slow_consumer_are_bounded() {
    alone(|| {
        let pool = pool(2);
        let taken = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&taken);
        let inputs = std::iter::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            (Vec::new().into(), 1_000_000)
        });
        let mut results = pool.imap::<Echo>(inputs);
        for seen in 0..100 {
            assert_eq!(results.next().unwrap().unwrap().len(), 1_000_000);
            assert!(taken.load(Ordering::Relaxed) < seen + 64);
        }
        assert!(resident() < 200 * MIB, "{}", resident());
        drop(results);
        pool.join().unwrap();
    });
}

#[test]
fn a_slow_first_job_holds_back_an_ordered_reader_and_no_memory() {
    alone(|| {
        let pool = pool(2);
        let taken = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&taken);
        // While the first sleeps, the others run as far ahead as they may.
        let inputs = (0..).map(move |number| {
            count.fetch_add(1, Ordering::Relaxed);
            let first = Duration::from_millis(700);
            (number, if number == 0 { first } else { Duration::ZERO })
        });
        let mut results = pool.imap::<Sleep>(inputs);
        assert_eq!(results.next().unwrap().unwrap().0, 0);
        let ahead = taken.load(Ordering::Relaxed);
        assert!(ahead <= (1 << 16) + 1, "{ahead}");
        for number in 1..1000 {
            assert_eq!(results.next().unwrap().unwrap().0, number);
        }
        drop(results);
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
