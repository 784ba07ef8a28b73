//! Workers that are struck at random.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use parzen::pool::{Batch, Chaos, Event, Reason};
use parzen_worker::tasks::demo::{Attempt, Crash, Cube, Sleep, Way};

use crate::support::{alone, builder, eventually};

#[test]
fn no_result_is_another_and_none_is_charged() {
    alone(|| {
        for (seed, size) in [(1, 1), (2, 7)] {
            let counts = Arc::new(Mutex::new(BTreeMap::new()));
            let kept = Arc::clone(&counts);
            let count = move |event: &Event| {
                let name = match event {
                    Event::Killed { reason: Reason::Chaos, .. } => "killed",
                    Event::Stopped { .. } => "stopped",
                    Event::Lost { .. } => "lost",
                    _ => return,
                };
                *kept.lock().unwrap().entry(name).or_insert(0) += 1;
            };
            let chaos = Chaos::new(0.3, 0.3, seed).unwrap();
            let batch = Batch::Fixed(size.try_into().unwrap());
            let pool = builder(3).batch(batch).prefetch(3).max_crashes(0);
            let pool = pool.chaos(Some(chaos)).on_event(count).start().unwrap();
            // Together they last several times as long as a blow may be in coming.
            let inputs = (0..300).map(|number| (number, std::time::Duration::from_millis(1)));
            let results = pool.map::<Attempt>(inputs).unwrap();
            assert!((0..300).map(|number| (number, 0)).eq(results));
            pool.join().unwrap();
            let counts = counts.lock().unwrap();
            assert!(5 < counts["killed"] && 5 < counts["stopped"], "{counts:?}");
            assert!(!counts.contains_key("lost"), "{counts:?}");
        }
    });
}

/// Batches are cut up, sent again without what is done, and cut up again.
#[test]
fn only_poison_fails_in_the_middle_of_it() {
    alone(|| {
        for seed in 0..4 {
            let chaos = Chaos::new(0.4, 0.1, seed).unwrap();
            let batch = Batch::Fixed(3.try_into().unwrap());
            let pool = builder(2).batch(batch).max_crashes(1).chaos(Some(chaos)).start().unwrap();
            let is_poison = |number| number % 10 == 5;
            let way = |number| if is_poison(number) { Way::Abort } else { Way::None };
            let results = pool.imap::<Crash>((0..120).map(|number| (number, way(number))));
            let mut n_results = 0;
            for (number, result) in (0..).zip(results) {
                n_results += 1;
                match result {
                    Ok(value) => assert!(value == number && !is_poison(number)),
                    Err(error) => {
                        assert!(is_poison(number) && error.crashes() == Some(2), "{error}");
                    }
                }
            }
            assert_eq!(n_results, 120);
            pool.join().unwrap();
        }
    });
}

/// A blow that falls when its job is done meets a worker that is idle, or has left.
#[test]
fn a_pool_ends_in_the_middle_of_it() {
    alone(|| {
        for seed in 0..20 {
            let chaos = Chaos::new(0.5, 0.49, seed).unwrap();
            let pool = builder(2).chaos(Some(chaos)).start().unwrap();
            assert_eq!(pool.map::<Cube>(0..10).unwrap().len(), 10);
            if seed % 2 == 0 { pool.join().unwrap() } else { pool.terminate() }
        }
    });
}

#[test]
fn an_idle_worker_is_struck_too() {
    alone(|| {
        let chaos = Chaos::new(0.9, 0.0, 5).unwrap();
        let pool = builder(1).chaos(Some(chaos)).start().unwrap();
        let first = pool.pids();
        eventually("another process", || {
            assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
            (pool.pids() != first).then_some(())
        });
        pool.join().unwrap();
    });
}

/// Or it could not keep the time that it was given.
#[test]
fn a_worker_that_was_asked_to_leave_is_not_stopped() {
    alone(|| {
        let (told, events) = std::sync::mpsc::channel();
        let tell = move |event: &Event| drop(told.send(event.clone()));
        let chaos = Chaos::new(0.0, 0.99, 3).unwrap();
        let pool = builder(8).chaos(Some(chaos)).on_event(tell).start().unwrap();
        let time = std::time::Duration::from_millis(200);
        let jobs: Vec<_> = (0..8).map(|x| pool.apply_async::<Sleep>((x, time)).unwrap()).collect();
        std::thread::sleep(std::time::Duration::from_millis(1));
        pool.stopper().stop(std::time::Duration::from_secs(5));
        // One that was not begun yet is cancelled.
        jobs.into_iter().for_each(|job| drop(job.get()));
        pool.join().unwrap();
        let mut leaving = BTreeSet::new();
        for event in events {
            match event {
                Event::AskedToLeave { worker } => drop(leaving.insert(worker)),
                Event::Stopped { worker, .. } => assert!(!leaving.contains(&worker), "{worker}"),
                _ => {}
            }
        }
        assert_eq!(leaving.len(), 8);
    });
}
