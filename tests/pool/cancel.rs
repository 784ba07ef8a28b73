//! Taking back what was handed in.

use std::time::Duration;

use parzen::pool::Batch;
use parzen_worker::tasks::demo::{Cube, Hang, Sleep};

use crate::{
    actors::tasks::{Gate, begun},
    support::{PATIENCE, Scripts, alone, builder, eventually, rounds, within},
};

#[test]
fn a_queued_job_is_cancelled_and_never_begun() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).prefetch(1).start().unwrap();
        let gate = |name: &str| (files.name(name), files.name("go"));
        let running = pool.apply_async::<Gate>(gate("running")).unwrap();
        let queued = pool.apply_async::<Gate>(gate("queued")).unwrap();
        eventually("the first job begins", || begun(&files.path("running")).pop());
        queued.cancel();
        assert!(queued.is_ready());
        assert!(queued.get().unwrap_err().is_cancelled());
        std::fs::write(files.path("go"), "").unwrap();
        running.get().unwrap();
        assert_eq!(pool.apply::<Cube>(2).unwrap(), 8);
        assert!(begun(&files.path("queued")).is_empty());
        pool.join().unwrap();
    });
}

#[test]
fn a_running_job_is_cancelled_and_its_worker_replaced() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let names = (files.name("begun"), files.name("never"));
        let running = pool.apply_async::<Gate>(names).unwrap();
        let behind = pool.apply_async::<Cube>(4).unwrap();
        let pid = eventually("the job begins", || begun(&files.path("begun")).pop());
        running.cancel();
        running.cancel();
        assert!(running.get().unwrap_err().is_cancelled());
        assert_eq!(behind.get().unwrap(), 64);
        assert!(!pool.pids().contains(&pid));
        pool.join().unwrap();
    });
}

#[test]
fn cancelling_what_is_done_changes_nothing() {
    alone(|| {
        let pool = builder(1).start().unwrap();
        let pids = pool.pids();
        let done = pool.apply_async::<Cube>(3).unwrap();
        eventually("the result", || done.is_ready().then_some(()));
        done.cancel();
        assert_eq!(done.get().unwrap(), 27);
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

/// A cancelled job that its worker comes to all the same must not keep the worker for ever.
#[test]
fn a_cancelled_job_that_waits_at_a_worker_does_not_hold_it() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).prefetch(4).start().unwrap();
        let names = (files.name("begun"), files.name("go"));
        let first = pool.apply_async::<Gate>(names).unwrap();
        eventually("the job begins", || begun(&files.path("begun")).pop());
        // So many that some are sent ahead.
        let hung: Vec<_> = (0..8).map(|_| pool.apply_async::<Hang>(false).unwrap()).collect();
        let last = pool.apply_async::<Cube>(5).unwrap();
        hung.iter().for_each(parzen::pool::Pending::cancel);
        std::fs::write(files.path("go"), "").unwrap();
        first.get().unwrap();
        assert_eq!(last.get_timeout(PATIENCE).expect("the worker is free").unwrap(), 125);
        assert!(hung.into_iter().all(|job| job.get().unwrap_err().is_cancelled()));
        pool.join().unwrap();
    });
}

#[test]
fn map_async_is_cancelled_while_it_runs() {
    alone(|| {
        let pool = builder(2).start().unwrap();
        let inputs = (0..).map(|number| (number, Duration::from_millis(1)));
        let endless = pool.map_async::<Sleep>(inputs).unwrap();
        let endless = endless.get_timeout(Duration::from_millis(50)).unwrap_err();
        endless.cancel();
        let result = endless.get_timeout(PATIENCE).expect("it ends");
        assert!(result.unwrap_err().is_cancelled());
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}

#[test]
fn map_async_is_cancelled_while_an_input_hangs() {
    alone(|| {
        for batch in [Batch::Auto, Batch::Fixed(8.try_into().unwrap())] {
            let pool = builder(2).batch(batch).start().unwrap();
            let hung = pool.map_async::<Hang>([true, false, true, false, true]).unwrap();
            let hung = hung.get_timeout(Duration::from_millis(100)).unwrap_err();
            hung.cancel();
            assert!(hung.get_timeout(PATIENCE).expect("it ends").unwrap_err().is_cancelled());
            assert_eq!(pool.map::<Cube>(0..3).unwrap(), [0, 1, 8]);
            within(Duration::from_secs(5), || pool.join().unwrap());
        }
    });
}

/// Whenever a call is cancelled, it either is complete or says that it was cancelled.
#[test]
fn a_cancelled_map_is_never_partly_done() {
    alone(|| {
        let pool = builder(2).start().unwrap();
        let mut cancelled = 0;
        for round in 0..rounds(150) {
            let pending = pool.map_async::<Cube>(0..400).unwrap();
            let spin = std::time::Duration::from_micros(u64::from(round) * 17 % 1500);
            let begin = crate::support::now();
            while begin.elapsed() < spin {
                std::hint::spin_loop();
            }
            pending.cancel();
            match pending.get() {
                Ok(values) => assert_eq!(values.len(), 400),
                Err(error) => {
                    assert!(error.is_cancelled(), "{error}");
                    cancelled += 1;
                }
            }
        }
        assert!(0 < cancelled);
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}

#[test]
fn a_dropped_iterator_withdraws_its_inputs() {
    alone(|| {
        let pool = builder(2).start().unwrap();
        let inputs = (0..).map(|number| (number, Duration::from_millis(1)));
        let mut results = pool.imap::<Sleep>(inputs);
        assert_eq!(results.next().unwrap().unwrap().0, 0);
        drop(results);
        let inputs = (0..).map(|number| (number, Duration::from_millis(1)));
        assert_eq!(pool.imap_unordered::<Sleep>(inputs).take(3).count(), 3);
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        within(Duration::from_secs(5), || pool.join().unwrap());
    });
}
