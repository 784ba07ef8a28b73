//! Closing, joining, terminating, dropping.

use std::{fs, thread, time::Duration};

use parzen::pool::Pool;
use parzen_worker::tasks::demo::{Cube, Hang, Sleep};

use crate::{
    actors::tasks::{Gate, begun},
    support::{PATIENCE, Scripts, alone, builder, eventually, pool, within},
};

#[test]
fn close_finishes_what_was_handed_in() {
    alone(|| {
        let pool = pool(2);
        let nap = |number| pool.apply_async::<Sleep>((number, Duration::from_millis(2))).unwrap();
        let pending: Vec<_> = (0..100).map(nap).collect();
        pool.close();
        pool.join().unwrap();
        for (number, pending) in (0..).zip(pending) {
            assert!(pending.is_ready());
            assert_eq!(pending.get().unwrap().0, number);
        }
    });
}

#[test]
fn a_closed_pool_takes_nothing() {
    alone(|| {
        let pool = pool(1);
        pool.close();
        pool.close();
        assert!(pool.apply::<Cube>(1).unwrap_err().is_cancelled());
        assert!(pool.apply_async::<Cube>(1).unwrap_err().is_cancelled());
        assert!(pool.map::<Cube>(0..3).unwrap_err().is_cancelled());
        assert!(pool.map_async::<Cube>(0..3).unwrap_err().is_cancelled());
        let refused: Vec<_> = pool.imap::<Cube>(0..3).collect();
        assert!(matches!(&refused[..], [Err(error)] if error.is_cancelled()));
        let refused: Vec<_> = pool.imap_unordered::<Cube>(0..3).collect();
        assert!(matches!(&refused[..], [(0, Err(error))] if error.is_cancelled()));
        assert!(pool.stream::<Cube, _>(0..3).unwrap_err().is_cancelled());
        eventually("the workers leave", || pool.pids().is_empty().then_some(()));
        pool.join().unwrap();
    });
}

/// What was begun before the pool was closed is finished.
#[test]
fn an_iterator_outlives_the_closing() {
    alone(|| {
        let pool = pool(2);
        let results = pool.imap::<Cube>(0..500);
        pool.close();
        for (x, result) in (0..500_i64).zip(results) {
            assert_eq!(result.unwrap(), x.pow(3));
        }
        pool.join().unwrap();
    });
}

/// With the pool gone nobody would watch a worker that is started for such an iterator.
#[test]
fn an_iterator_does_not_outlive_the_pool() {
    alone(|| {
        let pool = pool(2);
        let mut cubes = pool.imap::<Cube>(0..500_000);
        assert_eq!(cubes.next().unwrap().unwrap(), 0);
        let hung = pool.imap::<Hang>([true, false]);
        pool.join().unwrap();
        assert!(cubes.last().unwrap().unwrap_err().is_cancelled());
        assert!(hung.into_iter().all(|result| result.unwrap_err().is_cancelled()));
    });
}

#[test]
fn terminate_kills_at_once() {
    alone(|| {
        let pool = pool(2);
        let hung: Vec<_> = (0..20).map(|n| pool.apply_async::<Hang>(n % 2 == 0).unwrap()).collect();
        let mapped = pool.map_async::<Hang>([false, true, false]).unwrap();
        within(Duration::from_secs(2), || pool.terminate());
        assert!(hung.into_iter().all(|job| job.get().unwrap_err().is_cancelled()));
        assert!(mapped.get_timeout(PATIENCE).unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn drop_kills_at_once() {
    alone(|| {
        let pool = pool(2);
        let hung = pool.apply_async::<Hang>(true).unwrap();
        within(Duration::from_secs(2), || drop(pool));
        assert!(hung.get().unwrap_err().is_cancelled());
    });
}

#[test]
fn a_pool_that_never_worked_goes_quietly() {
    alone(|| {
        for workers in [1, 2, 5] {
            within(Duration::from_secs(5), || pool(workers).join().unwrap());
            within(Duration::from_secs(5), || pool(workers).terminate());
            within(Duration::from_secs(5), || drop(builder(workers).launch().unwrap()));
        }
    });
}

/// What is finished and what is stopped at that moment must not count twice.
#[test]
fn a_pool_may_be_stopped_at_any_moment() {
    alone(|| {
        for round in 0..60_u64 {
            let pool = builder(2).batch(batch(round)).start().unwrap();
            let stopper = pool.stopper();
            let stop = thread::Builder::new().spawn(move || {
                thread::sleep(Duration::from_micros(137 * (round % 20)));
                stopper.kill();
            });
            let results = pool.imap_unordered::<Cube>(0..3000);
            let mut seen = vec![false; 3000];
            let mut n_cancelled = 0;
            for (index, result) in results {
                n_cancelled += usize::from(result.as_ref().is_err_and(|e| e.is_cancelled()));
                assert!(result.is_ok() || result.is_err_and(|error| error.is_cancelled()));
                let index = usize::try_from(index).unwrap();
                assert!(!std::mem::replace(&mut seen[index], true), "{index} came twice");
            }
            // Whoever is cut off is told so, and misses nothing in between.
            let n_seen = seen.iter().filter(|&&seen| seen).count();
            assert!(seen[..n_seen].iter().all(|&seen| seen));
            assert!(n_seen == seen.len() || 0 < n_cancelled);
            stop.unwrap().join().unwrap();
            within(Duration::from_secs(5), || pool.terminate());
        }
    });
}

fn batch(round: u64) -> parzen::pool::Batch {
    match round % 3 {
        0 => parzen::pool::Batch::Auto,
        1 => parzen::pool::Batch::Fixed(1.try_into().unwrap()),
        _ => parzen::pool::Batch::Fixed(50.try_into().unwrap()),
    }
}

#[test]
fn a_stopper_lets_running_jobs_finish() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).prefetch(1).start().unwrap();
        let names = (files.name("begun"), files.name("go"));
        let running = pool.apply_async::<Gate>(names).unwrap();
        let queued = pool.apply_async::<Sleep>((2, Duration::ZERO)).unwrap();
        let pid = eventually("the job begins", || begun(&files.path("begun")).pop());
        let stopper = pool.stopper();
        stopper.stop(PATIENCE);
        assert!(queued.get().unwrap_err().is_cancelled());
        fs::write(files.path("go"), "").unwrap();
        assert_eq!(running.get().unwrap().0, pid);
        assert!(stopper.wait(Duration::from_secs(5)));
        assert!(pool.apply::<Cube>(1).unwrap_err().is_cancelled());
        pool.join().unwrap();
    });
}

#[test]
fn a_stopper_kills_what_does_not_finish() {
    alone(|| {
        let pool = builder(2).start().unwrap();
        let hung = pool.apply_async::<Hang>(true).unwrap();
        let stopper = pool.stopper();
        within(Duration::from_secs(5), || {
            stopper.stop(Duration::from_millis(100));
            stopper.wait(Duration::from_secs(5));
        });
        assert!(hung.get().unwrap_err().is_cancelled());
        pool.terminate();
    });
}

#[test]
fn a_launch_may_be_stopped() {
    alone(|| {
        let files = Scripts::new();
        let program = files.script("hang.sh", "exec sleep 1000");
        for kill in [true, false] {
            let launch = Pool::builder().workers(2).worker_program(program.clone());
            let launch = launch.launch().unwrap();
            let stopper = launch.stopper();
            if kill {
                stopper.kill();
            } else {
                stopper.stop(Duration::from_millis(100));
            }
            let error = within(Duration::from_secs(5), || launch.ready()).unwrap_err();
            assert!(error.to_string().contains("stopped"), "{error}");
        }
    });
}

#[test]
fn pools_live_side_by_side() {
    alone(|| {
        let pools: Vec<Pool> = (0..4).map(|_| pool(2)).collect();
        let pending: Vec<_> =
            pools.iter().map(|pool| pool.map_async::<Cube>(0..1000).unwrap()).collect();
        assert!(pending.into_iter().all(|pending| pending.get().unwrap().len() == 1000));
        let mut pools = pools.into_iter();
        pools.next().unwrap().terminate();
        let last = pools.next_back().unwrap();
        drop(pools);
        assert_eq!(last.apply::<Cube>(3).unwrap(), 27);
        last.join().unwrap();
    });
}
