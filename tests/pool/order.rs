//! Results in the order of their inputs, and as they come.

use std::{fs, time::Duration};

use parzen::pool::{Batch, Pool};
use parzen_worker::tasks::demo::{Cube, Sleep};

use crate::{
    actors::tasks::Gate,
    support::{Scripts, alone, builder, pool},
};

fn cubes(range: std::ops::Range<i64>) -> Vec<i64> {
    range.map(|x| x * x * x).collect()
}

/// Later inputs are done earlier.
fn ever_shorter(n: u64) -> impl Iterator<Item = (u64, Duration)> {
    (0..n).map(move |number| (number, Duration::from_millis(15 * (n - 1 - number))))
}

fn one_each(workers: u32) -> Pool {
    builder(workers).batch(Batch::Fixed(1.try_into().unwrap())).prefetch(1).start().unwrap()
}

#[test]
fn map_gives_results_in_order() {
    alone(|| {
        let pool = pool(4);
        assert_eq!(pool.map::<Cube>(1..=6).unwrap(), [1, 8, 27, 64, 125, 216]);
        assert!(pool.map::<Cube>([]).unwrap().is_empty());
        assert_eq!(pool.map::<Cube>(0..5000).unwrap(), cubes(0..5000));
        pool.join().unwrap();
    });
}

#[test]
fn map_orders_what_ends_in_another_order() {
    alone(|| {
        let pool = one_each(4);
        let results = pool.map::<Sleep>(ever_shorter(8)).unwrap();
        let numbers: Vec<u64> = results.into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, (0..8).collect::<Vec<_>>());
        pool.join().unwrap();
    });
}

#[test]
fn imap_gives_results_in_order() {
    alone(|| {
        let pool = one_each(4);
        let results = pool.imap::<Sleep>(ever_shorter(8));
        let numbers: Vec<u64> = results.map(|result| result.unwrap().0).collect();
        assert_eq!(numbers, (0..8).collect::<Vec<_>>());
        let results: Result<Vec<i64>, _> = pool.imap::<Cube>(0..5000).collect();
        assert_eq!(results.unwrap(), cubes(0..5000));
        assert_eq!(pool.imap::<Cube>([]).count(), 0);
        pool.join().unwrap();
    });
}

#[test]
fn imap_unordered_gives_what_is_done_first() {
    alone(|| {
        // As many workers as inputs: all run at once, and each may end after the one behind it.
        let files = Scripts::new();
        let builder = files.builder(6).batch(Batch::Fixed(1.try_into().unwrap())).prefetch(1);
        let pool = builder.start().unwrap();
        let go = |number: u64| files.name(&format!("go-{number}"));
        fs::write(go(5), "").unwrap();
        let inputs = (0..6).map(|number| (files.name("begun"), go(number)));
        let mut order = Vec::new();
        for (index, result) in pool.imap_unordered::<Gate>(inputs) {
            result.unwrap();
            order.push(index);
            if 0 < index {
                fs::write(go(index - 1), "").unwrap();
            }
        }
        assert_eq!(order, [5, 4, 3, 2, 1, 0]);
        pool.join().unwrap();
    });
}

#[test]
fn imap_unordered_gives_each_result_once() {
    alone(|| {
        let pool = pool(3);
        let mut seen = vec![false; 20_000];
        for (index, result) in pool.imap_unordered::<Cube>(0..20_000) {
            let x = i64::try_from(index).unwrap();
            assert_eq!(result.unwrap(), x * x * x);
            let index = usize::try_from(index).unwrap();
            assert!(!std::mem::replace(&mut seen[index], true), "{index} came twice");
        }
        assert!(seen.into_iter().all(|seen| seen));
        pool.join().unwrap();
    });
}

#[test]
fn a_stream_tells_who_ran_what_and_when() {
    alone(|| {
        let pool = one_each(2);
        let before = parzen_worker::clock::now_ns();
        let inputs = (0..20).map(|number| (number, Duration::from_millis(2)));
        let completed: Vec<_> = pool.stream::<Sleep, _>(inputs).unwrap().collect();
        let after = parzen_worker::clock::now_ns();
        assert_eq!(completed.len(), 20);
        for one in &completed {
            assert!(one.worker.is_some_and(|worker| worker < 2), "{one:?}");
            assert!(before < one.started_ns && one.finished_ns < after, "{one:?}");
            assert!(1_000_000 < one.finished_ns - one.started_ns, "{one:?}");
        }
        pool.join().unwrap();
    });
}

#[test]
fn calls_from_many_threads_do_not_mix() {
    alone(|| {
        let pool = pool(3);
        std::thread::scope(|scope| {
            for offset in 0..8 {
                let pool = &pool;
                scope.spawn(move || {
                    let range = 1000 * offset..1000 * offset + 700;
                    for _ in 0..3 {
                        assert_eq!(pool.map::<Cube>(range.clone()).unwrap(), cubes(range.clone()));
                        assert_eq!(pool.apply::<Cube>(offset).unwrap(), offset.pow(3));
                    }
                });
            }
        });
        pool.join().unwrap();
    });
}

#[test]
fn an_iterator_may_hold_inputs_back_until_it_has_seen_results() {
    alone(|| {
        let pool = pool(2);
        let results = std::cell::RefCell::new(Vec::new());
        let mut asked = 0;
        // Each input is the sum of the results so far: it is not known before.
        let inputs = std::iter::from_fn(|| {
            let seen: usize = results.borrow().len();
            (seen == asked && asked < 5).then(|| {
                asked += 1;
                results.borrow().iter().sum::<i64>() + 1
            })
        });
        for completed in pool.stream::<Cube, _>(inputs).unwrap() {
            let result = completed.result.unwrap_or(0);
            results.borrow_mut().push(result);
        }
        assert_eq!(results.borrow()[..3], [1, 8, 1000]);
        assert_eq!(results.borrow().len(), 5);
        pool.join().unwrap();
    });
}
