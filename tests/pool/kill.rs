//! Workers that are killed from outside.

use std::time::Duration;

use parzen::pool::Batch;
use parzen_worker::tasks::demo::{Cube, Sleep};
use rustix::process::Signal;

use crate::{
    actors::tasks::{Gate, begun},
    support::{Scripts, alone, builder, eventually, rounds, send_signal},
};

#[test]
fn an_idle_worker_is_replaced() {
    alone(|| {
        let pool = builder(2).start().unwrap();
        for round in 0..10 {
            // One that has shown that it works.
            assert_eq!(pool.map::<Cube>(0..200).unwrap().len(), 200);
            let victim = pool.pids()[round % 2];
            send_signal(victim, Signal::KILL);
            eventually("another", || {
                let pids = pool.pids();
                (pids.len() == 2 && !pids.contains(&victim)).then_some(())
            });
        }
        assert_eq!(pool.map::<Cube>(0..6).unwrap(), [0, 1, 8, 27, 64, 125]);
        pool.join().unwrap();
    });
}

#[test]
fn the_job_of_a_killed_worker_is_begun_again_elsewhere() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).start().unwrap();
        let names = (files.name("begun"), files.name("go"));
        let job = pool.apply_async::<Gate>(names).unwrap();
        for killed in 0..2 {
            let pid =
                eventually("the job begins", || begun(&files.path("begun")).get(killed).copied());
            send_signal(pid, Signal::KILL);
        }
        std::fs::write(files.path("go"), "").unwrap();
        let (pid, attempt) = job.get().unwrap();
        assert_eq!((attempt, begun(&files.path("begun")).last()), (2, Some(&pid)));
        pool.join().unwrap();
    });
}

#[test]
fn all_workers_killed_at_once_are_replaced() {
    alone(|| {
        let pool = builder(4).start().unwrap();
        assert_eq!(pool.map::<Cube>(0..1000).unwrap().len(), 1000);
        for _ in 0..3 {
            let inputs = (0..40).map(|number| (number, Duration::from_millis(5)));
            let pending = pool.map_async::<Sleep>(inputs).unwrap();
            for pid in pool.pids() {
                send_signal(pid, Signal::KILL);
            }
            let results = pending.get().unwrap();
            assert!((0..).zip(&results).all(|(number, result)| result.0 == number));
        }
        pool.join().unwrap();
    });
}

/// Kills workers again and again while 400 jobs run. Several pools side by side, as the jobs only
/// sleep.
fn storm(batch: Batch) {
    std::thread::scope(|scope| {
        for pool in 0..4 {
            scope.spawn(move || storm_over_one(batch, pool));
        }
    });
}

fn storm_over_one(batch: Batch, pool: u32) {
    for round in (0..rounds(3)).map(|round| 4 * round + pool) {
        let pool = builder(2).batch(batch).max_crashes(100).start().unwrap();
        let inputs = (0..400).map(|number| (number, Duration::from_millis(5)));
        let mut seen = vec![false; 400];
        // Not in step with the jobs, nor the same in every round.
        let every = 23 + round as usize % 31;
        let mut n = 0;
        for (index, result) in pool.imap_unordered::<Sleep>(inputs) {
            assert_eq!(result.unwrap().0, index);
            let index = usize::try_from(index).unwrap();
            assert!(!std::mem::replace(&mut seen[index], true), "{index} came twice");
            n += 1;
            if n % every == 0
                && let Some(&pid) = pool.pids().get(n / every % 2)
            {
                send_signal(pid, Signal::KILL);
            }
        }
        assert_eq!(n, 400);
        pool.join().unwrap();
    }
}

#[test]
fn four_hundred_of_four_hundred_with_single_inputs() {
    alone(|| storm(Batch::Fixed(1.try_into().unwrap())));
}

#[test]
fn four_hundred_of_four_hundred_with_batches() {
    alone(|| {
        storm(Batch::Auto);
        storm(Batch::Fixed(16.try_into().unwrap()));
    });
}
