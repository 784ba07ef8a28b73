//! Jobs that fail without harm to their worker.

use parzen_worker::tasks::demo::{Crash, Cube, Way};

use crate::{
    actors::tasks::{
        BadInput, BadOutput, Fuse, Fused, Mirror, Recall, Unknown, Unreadable, Unwritable,
    },
    support::{Scripts, alone, pool},
};

#[test]
fn a_tasks_own_error_comes_back() {
    alone(|| {
        let pool = pool(1);
        let pids = pool.pids();
        let error = pool.apply::<Crash>((7, Way::Error)).unwrap_err();
        assert_eq!(error.task_error().unwrap().message(), "task 7 failed");
        assert_eq!(error.to_string(), "task 7 failed");
        assert!(!error.is_crash() && !error.is_timeout() && !error.is_cancelled());
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn a_panic_comes_back_and_the_worker_lives_on() {
    alone(|| {
        let pool = pool(1);
        let pids = pool.pids();
        let error = pool.apply::<Crash>((7, Way::Panic)).unwrap_err();
        let panic = error.worker_panic().unwrap();
        assert_eq!(panic.message, "task 7 panicked");
        assert!(panic.location.contains("demo.rs:"), "{}", panic.location);
        assert!(panic.backtrace.contains("demo::Crash"), "{}", panic.backtrace);
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn errors_and_panics_among_others_are_each_their_own() {
    alone(|| {
        let pool = pool(2);
        let pids = pool.pids();
        let way = |number| match number % 5 {
            1 => Way::Error,
            3 => Way::Panic,
            _ => Way::None,
        };
        let inputs = (0..500).map(|number| (number, way(number)));
        for (number, result) in (0..).zip(pool.imap::<Crash>(inputs.clone())) {
            match way(number) {
                Way::Error => assert!(result.unwrap_err().task_error().is_some()),
                Way::Panic => assert!(result.unwrap_err().worker_panic().is_some()),
                _ => assert_eq!(result.unwrap(), number),
            }
        }
        for _ in 0..20 {
            let error = pool.map::<Crash>(inputs.clone()).unwrap_err();
            assert_eq!(error.to_string(), "task 1 failed");
        }
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn an_unknown_task_is_named() {
    alone(|| {
        let pool = pool(1);
        let pids = pool.pids();
        let text = pool.apply::<Unknown>(1).unwrap_err().to_string();
        assert!(text.contains("no task `test.unknown`"), "{text}");
        let results: Vec<_> = pool.imap::<Unknown>(0..300).collect();
        assert!(results.len() == 300 && results.iter().all(Result::is_err));
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn an_input_that_cannot_be_read_is_refused() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let pids = pool.pids();
        let text = pool.apply::<BadInput>(Unreadable).unwrap_err().to_string();
        assert!(text.contains("the input of `test.bad-input`"), "{text}");
        let inputs = (0..100).map(|_| Unreadable);
        let results: Vec<_> = pool.imap::<BadInput>(inputs).collect();
        assert!(results.len() == 100 && results.iter().all(Result::is_err));
        pool.apply::<Recall>(()).unwrap();
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn an_output_that_cannot_be_encoded_is_refused_alone() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let pids = pool.pids();
        let text = pool.apply::<BadOutput>(true).unwrap_err().to_string();
        assert!(text.contains("the output of `test.bad-output`"), "{text}");
        let inputs = (0..200).map(|number| number % 3 == 0);
        let results = pool.imap::<BadOutput>(inputs);
        for (number, result) in results.enumerate() {
            assert_eq!(result.is_err(), number % 3 == 0, "{number}");
        }
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

/// The code of the user's that reads inputs and writes outputs runs in the worker, too.
#[test]
fn a_panic_in_reading_an_input_or_writing_an_output_is_that_of_the_task() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let pids = pool.pids();
        for what in ["read", "written"] {
            let error = pool.apply::<Fuse>(Fused(what.to_owned())).unwrap_err();
            assert_eq!(error.worker_panic().unwrap().message, format!("it is {what}"));
        }
        let inputs = (0..50).map(|n| Fused(if n == 20 { "written" } else { "" }.to_owned()));
        for (number, result) in pool.imap::<Fuse>(inputs).enumerate() {
            assert_eq!(result.is_err_and(|e| e.worker_panic().is_some()), number == 20);
        }
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn an_input_that_cannot_be_encoded_takes_only_its_own_place() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).start().unwrap();
        assert!(pool.apply::<Mirror>(Unwritable(true)).is_err());
        let inputs = (0..200).map(|number| Unwritable(number % 7 == 3));
        let results = pool.imap::<Mirror>(inputs);
        let mut n = 0;
        for (number, result) in results.enumerate() {
            assert_eq!(result.is_err(), number % 7 == 3, "{number}");
            n += 1;
        }
        assert_eq!(n, 200);
        pool.join().unwrap();
    });
}
