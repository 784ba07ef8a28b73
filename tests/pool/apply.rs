//! `apply`, `apply_async`, `map_async`, and what is still to come.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use parzen_worker::tasks::demo::{Cube, Hang, Sleep};

use crate::{
    actors::tasks::{Gate, begun},
    support::{Scripts, alone, eventually, pool, within},
};

#[test]
fn apply_gives_one_result() {
    alone(|| {
        let pool = pool(2);
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        assert!((0..100).all(|x| pool.apply::<Cube>(x).unwrap() == x.pow(3)));
        pool.join().unwrap();
    });
}

#[test]
fn apply_async_returns_before_the_result_is_there() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let names = (files.name("begun"), files.name("go"));
        let pending = pool.apply_async::<Gate>(names).unwrap();
        eventually("the job begins", || begun(&files.path("begun")).pop());
        assert!(!pending.is_ready());
        let pending = pending.get_timeout(Duration::from_millis(20)).unwrap_err();
        let pending = pending.get_timeout(Duration::ZERO).unwrap_err();
        std::fs::write(files.path("go"), "").unwrap();
        eventually("the result", || pending.is_ready().then_some(()));
        assert_eq!(pending.get_timeout(Duration::MAX).unwrap().unwrap().1, 0);
        pool.join().unwrap();
    });
}

#[test]
fn get_timeout_gives_a_result_that_is_there_at_once() {
    alone(|| {
        let pool = pool(1);
        let pending = pool.apply_async::<Cube>(5).unwrap();
        eventually("the result", || pending.is_ready().then_some(()));
        let result = within(Duration::from_secs(1), || pending.get_timeout(Duration::ZERO));
        assert_eq!(result.unwrap().unwrap(), 125);
        pool.join().unwrap();
    });
}

#[test]
fn on_done_sees_the_result_before_or_after_it_comes() {
    alone(|| {
        let pool = pool(1);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let seen = Arc::clone(&seen);
            move |result: &Result<(u64, u32), _>| {
                seen.lock().unwrap().push((name, result.as_ref().ok().map(|(number, _)| *number)));
            }
        };
        let pending = pool.apply_async::<Sleep>((7, Duration::from_millis(50))).unwrap();
        pending.on_done(note("before"));
        assert_eq!(pending.get().unwrap().0, 7);
        assert_eq!(*seen.lock().unwrap(), [("before", Some(7))]);
        let pending = pool.apply_async::<Sleep>((8, Duration::ZERO)).unwrap();
        eventually("the result", || pending.is_ready().then_some(()));
        pending.on_done(note("after"));
        assert_eq!(seen.lock().unwrap().last(), Some(&("after", Some(8))));
        assert_eq!(pending.get().unwrap().0, 8);
        pool.join().unwrap();
    });
}

#[test]
fn map_async_gives_all_results() {
    alone(|| {
        let pool = pool(2);
        let pending = pool.map_async::<Cube>(0..3000).unwrap();
        let empty = pool.map_async::<Cube>(Vec::new()).unwrap();
        assert_eq!(pending.get().unwrap(), (0..3000_i64).map(|x| x.pow(3)).collect::<Vec<_>>());
        assert!(empty.get().unwrap().is_empty());
        pool.join().unwrap();
    });
}

#[test]
fn a_pending_result_may_be_dropped() {
    alone(|| {
        let pool = pool(2);
        drop(pool.apply_async::<Cube>(3).unwrap());
        drop(pool.map_async::<Cube>(0..1000).unwrap());
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        drop(pool.apply_async::<Hang>(false).unwrap());
        within(Duration::from_secs(5), || pool.terminate());
    });
}
