//! One SIGKILL at any moment: four hundred of four hundred, every time.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use parzen::pool::{Batch, Pool};
use parzen_worker::tasks::demo::Sleep;
use rand::{RngExt, SeedableRng, rngs::ChaCha12Rng};
use rustix::process::Signal;

use crate::support::{alone, builder, rounds, send_signal};

const TASKS: u64 = 400;

const TASK: Duration = Duration::from_millis(5);

/// Time in which nobody has anything to do, in the middle.
const IDLE: Duration = Duration::from_millis(100);

/// As long as all of it takes with two workers, and a little more.
const WHOLE_MS: u64 = 1200;

/// Pools side by side, as the tasks only sleep.
const SIDE_BY_SIDE: u32 = 8;

/// All tasks, in two halves with a pause between them.
fn run_all(pool: &Pool) {
    let half = |from: u64, to: u64| {
        let inputs = (from..to).map(|number| (number, TASK));
        let results = pool.imap::<Sleep>(inputs).map(|result| result.unwrap().0);
        assert!(results.eq(from..to), "from {from}");
    };
    half(0, TASKS / 2);
    thread::sleep(IDLE);
    half(TASKS / 2, TASKS);
}

/// Gives how many workers were lost.
fn run(seed: u64) -> u32 {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let batch = if rng.random() { Batch::Auto } else { Batch::Fixed(1.try_into().unwrap()) };
    let pool = builder(2).batch(batch).start().unwrap();
    let (victim, after) = (pool.pids()[rng.random_range(0..2)], rng.random_range(0..WHOLE_MS));
    thread::scope(|scope| {
        let kill = || {
            thread::sleep(Duration::from_millis(after));
            // If it is over by then, there is nobody to kill.
            pool.pids().contains(&victim).then(|| send_signal(victim, Signal::KILL))
        };
        thread::Builder::new().name("killer".to_owned()).spawn_scoped(scope, kill).unwrap();
        run_all(&pool);
    });
    let lost = pool.usage().lost;
    pool.join().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    lost
}

#[test]
fn four_hundred_tasks_survive_one_kill_at_any_moment() {
    alone(|| {
        let runs = rounds(16);
        let lost = AtomicU32::new(0);
        thread::scope(|scope| {
            for first in 0..SIDE_BY_SIDE {
                let seeds = (first..runs).step_by(SIDE_BY_SIDE as usize);
                let runs = || {
                    for seed in seeds {
                        lost.fetch_add(run(seed.into()), Ordering::Relaxed);
                    }
                };
                thread::Builder::new().spawn_scoped(scope, runs).unwrap();
            }
        });
        // A kill that comes when all is over hits nobody, but not all of them do.
        let lost = lost.into_inner();
        assert!((1..=runs).contains(&lost), "{lost} workers lost in {runs} runs");
    });
}
