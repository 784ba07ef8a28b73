//! Inputs that kill whoever runs them.

use std::num::NonZeroU32;

use parzen::pool::{Batch, Death, Pool};
use parzen_worker::tasks::demo::{Crash, Cube, Way};

use crate::support::{alone, builder};

const ABORT: i32 = 6;
const KILL: i32 = 9;
const SEGV: i32 = 11;

fn fixed(size: u32) -> Batch {
    Batch::Fixed(NonZeroU32::new(size).unwrap())
}

/// Whether a worker that went this way ended like that.
fn fits(way: Way, death: &Death) -> bool {
    match way {
        Way::Abort | Way::StackOverflow => death.signal() == Some(ABORT),
        Way::Kill => death.signal() == Some(KILL),
        Way::Segfault => matches!(death.signal(), Some(SEGV | ABORT)),
        Way::Exit(code) => death.code() == Some(code),
        Way::None | Way::Error | Way::Panic => false,
    }
}

/// Runs 100 inputs, two of which are poison. Only these fail, each in its own place.
fn only_poison_fails(pool: &Pool, way: Way) {
    let poison = |number: u64| number == 37 || number == 71;
    let inputs = (0..100).map(|number| (number, if poison(number) { way } else { Way::None }));
    let results: Vec<_> = pool.imap::<Crash>(inputs.clone()).collect();
    assert_eq!(results.len(), 100);
    for (number, result) in (0..).zip(results) {
        match result {
            Ok(value) => assert!(value == number && !poison(number), "{number}"),
            Err(error) => {
                assert!(poison(number) && error.is_crash(), "{number}: {error}");
                assert!(fits(way, error.exit().unwrap()), "{way:?}: {error}");
                assert!(error.to_string().starts_with("3 workers died"), "{error}");
            }
        }
    }
}

fn every_batch_and_prefetch(way: Way) {
    for batch in [Batch::Auto, fixed(1), fixed(64)] {
        for prefetch in [1, 4] {
            let pool = builder(2).batch(batch).prefetch(prefetch).start().unwrap();
            only_poison_fails(&pool, way);
            assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
            pool.join().unwrap();
        }
    }
}

#[test]
fn abort_fails_alone() {
    alone(|| every_batch_and_prefetch(Way::Abort));
}

#[test]
fn kill_fails_alone() {
    alone(|| every_batch_and_prefetch(Way::Kill));
}

#[test]
fn segfault_fails_alone() {
    alone(|| every_batch_and_prefetch(Way::Segfault));
}

#[test]
fn exit_with_success_fails_alone() {
    alone(|| every_batch_and_prefetch(Way::Exit(0)));
}

#[test]
fn exit_with_a_code_fails_alone() {
    alone(|| every_batch_and_prefetch(Way::Exit(3)));
}

#[test]
fn stack_overflow_fails_alone() {
    alone(|| every_batch_and_prefetch(Way::StackOverflow));
}

#[test]
fn map_gives_the_error_of_the_first_input_that_failed() {
    alone(|| {
        let way = |number| match number {
            20 => Way::Exit(20),
            21 => Way::Exit(21),
            60 => Way::Error,
            _ => Way::None,
        };
        for batch in [Batch::Auto, fixed(1), fixed(64)] {
            let pool = builder(3).batch(batch).prefetch(4).start().unwrap();
            for _ in 0..5 {
                let inputs = (0..100).map(|number| (number, way(number)));
                let error = pool.map::<Crash>(inputs).unwrap_err();
                assert_eq!(error.exit().unwrap().code(), Some(20), "{error}");
            }
            pool.join().unwrap();
        }
    });
}

#[test]
fn crashes_are_counted() {
    alone(|| {
        for (allowed, died) in [(0, "1 worker died"), (1, "2 workers died"), (4, "5 workers died")]
        {
            let pool = builder(2).max_crashes(allowed).start().unwrap();
            let error = pool.apply::<Crash>((1, Way::Kill)).unwrap_err();
            assert!(error.to_string().starts_with(died), "{error}");
            pool.join().unwrap();
        }
    });
}

#[test]
fn nothing_but_poison_fails_all() {
    alone(|| {
        let pool = builder(2).start().unwrap();
        let results = pool.imap::<Crash>((0..40).map(|number| (number, Way::Abort)));
        assert_eq!(results.filter(|r| r.as_ref().is_err_and(|e| e.is_crash())).count(), 40);
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}
