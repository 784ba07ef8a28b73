//! Workers that misbehave: they are killed, and nothing else is harmed.

use std::{sync::mpsc, time::Duration};

use parzen::pool::{Builder, Event, Pool};
use parzen_worker::tasks::demo::Cube;

use crate::support::{PATIENCE, Scripts, alone, within};

fn rogues(files: &Scripts, role: &str) -> Builder {
    Pool::builder().workers(2).worker_program(files.actor("actors::rogue", role))
}

/// A job that only rogues run fails as one that kills its workers.
fn fails_as_a_crash(role: &str) {
    let files = Scripts::new();
    let pool = rogues(&files, role).start().unwrap();
    within(PATIENCE, || {
        let pending = pool.apply_async::<Cube>(3).unwrap();
        let error = pending.get_timeout(PATIENCE).expect("it fails").unwrap_err();
        assert!(error.is_crash(), "{role}: {error}");
        let results: Vec<_> = pool.imap::<Cube>([4, 5]).collect();
        assert!(results.iter().all(|r| r.as_ref().is_err_and(|e| e.is_crash())), "{role}");
        pool.terminate();
    });
}

/// Has a test for each role.
macro_rules! fail_as_crashes {
    ($($name:ident: $role:literal,)*) => {
        $(
            #[test]
            fn $name() {
                alone(|| fails_as_a_crash($role));
            }
        )*
    };
}

fail_as_crashes! {
    garbage_for_results: "garbage-results",
    an_empty_message: "empty-message",
    a_result_for_another_job: "wrong-job",
    a_result_for_no_job: "unknown-job",
    too_many_items: "too-many-items",
    no_items: "no-items",
    items_that_skip: "skips-items",
    items_that_overflow: "overflowing-items",
    a_job_that_is_never_done: "never-last",
    bytes_behind_the_outcome: "trailing-bytes",
    no_outcome: "no-outcome",
    a_length_that_is_only_claimed: "claims-length",
    a_message_too_large: "large-message",
    a_flood: "flood",
    memory_of_another_process: "others-segment",
    memory_that_is_not_there: "no-segment",
    memory_that_is_not_sealed: "unsealed-segment",
    memory_too_large: "long-segment",
    memory_of_another_length: "lying-segment",
    a_closed_channel: "closes-results",
    a_control_for_a_result: "control-as-result",
    a_job_for_a_result: "job-as-result",
}

/// Right results that are followed by nonsense still count.
fn counts_what_was_right(role: &str) {
    let files = Scripts::new();
    let pool = rogues(&files, role).max_crashes(1000).start().unwrap();
    within(PATIENCE, || {
        for x in 0..5 {
            let pending = pool.apply_async::<Cube>(x).unwrap();
            let result = pending.get_timeout(PATIENCE).expect("it ends");
            assert_eq!(result.unwrap(), x.pow(3), "{role}");
        }
        pool.terminate();
    });
}

#[test]
fn a_result_that_comes_twice() {
    alone(|| counts_what_was_right("twice"));
}

#[test]
fn a_right_result_and_then_a_flood() {
    alone(|| counts_what_was_right("floods-right-then-wrong"));
}

#[test]
fn a_right_result_and_then_death() {
    alone(|| counts_what_was_right("says-right-then-dies"));
}

/// Packets that the channel's own framing cannot have made.
#[test]
fn packets_that_are_not_framed() {
    alone(|| {
        for role in ["short-packet", "wrong-fragment", "claims-pieces", "pieces-from-nowhere"] {
            fails_as_a_crash(role);
        }
    });
}

/// Only the time limit ends the wait for what never comes.
#[test]
fn a_message_that_is_never_whole() {
    alone(|| {
        let files = Scripts::new();
        let pool = rogues(&files, "pieces-that-never-come");
        let pool = pool.job_timeout(Some(Duration::from_millis(500))).start().unwrap();
        let pending = pool.apply_async::<Cube>(3).unwrap();
        let error = pending.get_timeout(PATIENCE).expect("it fails").unwrap_err();
        assert!(error.is_timeout(), "{error}");
        within(PATIENCE, || pool.terminate());
    });
}

/// Descriptors that come with a result are nobody's: the audit finds those that stay open.
#[test]
fn a_right_result_and_descriptors_with_it() {
    alone(|| {
        let files = Scripts::new();
        let pool = rogues(&files, "right-with-sockets").start().unwrap();
        let pending = pool.apply_async::<Cube>(3).unwrap();
        assert_eq!(pending.get_timeout(PATIENCE).expect("it returns").unwrap(), 27);
        within(PATIENCE, || pool.terminate());
    });
}

/// Each is given some seconds, as its end may be on its way.
#[test]
fn a_job_that_nobody_takes() {
    alone(|| {
        let files = Scripts::new();
        let (tell, told) = mpsc::channel();
        let tell = move |event: &Event| drop(tell.send(event.clone()));
        let pool = rogues(&files, "takes-no-jobs").workers(1).max_crashes(0).on_event(tell);
        let pool = pool.start().unwrap();
        let pending = pool.apply_async::<Cube>(3).unwrap();
        let error = pending.get_timeout(3 * PATIENCE).expect("it fails").unwrap_err();
        let text = error.to_string();
        let start = "3 workers died holding input 0 of `demo.cube` (3); the last was killed by";
        assert!(error.is_crash() && text.starts_with(start), "{text}");
        within(PATIENCE, || pool.terminate());
        let starts = told.iter().filter(|event| matches!(event, Event::Started { .. }));
        assert!(starts.count() <= 4);
    });
}

#[test]
fn one_that_ignores_that_it_should_leave_is_killed() {
    alone(|| {
        let files = Scripts::new();
        let grace = Duration::from_millis(200);
        let pool = rogues(&files, "ignores-leave").stop_grace(grace).start().unwrap();
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        within(Duration::from_secs(5), || pool.join().unwrap());
    });
}

#[test]
fn one_that_leaves_late_is_killed() {
    alone(|| {
        let files = Scripts::new();
        let grace = Duration::from_millis(200);
        let pool = rogues(&files, "leaves-late").stop_grace(grace).start().unwrap();
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        within(Duration::from_secs(5), || pool.join().unwrap());
    });
}

/// A worker that never listens to its lifeline must not hold up the coordinator.
#[test]
fn one_that_is_deaf_holds_up_nobody() {
    alone(|| {
        let files = Scripts::new();
        let grace = Duration::from_millis(200);
        let pool = rogues(&files, "deaf").workers(1).stop_grace(grace).start().unwrap();
        within(PATIENCE, || {
            for x in 0..300 {
                let pending = pool.apply_async::<Cube>(x).unwrap();
                let result = pending.get_timeout(PATIENCE).expect("it ends");
                assert_eq!(result.unwrap(), x.pow(3));
            }
            pool.join().unwrap();
        });
    });
}
