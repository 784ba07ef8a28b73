//! Workers that do not start, or are of no use once they have.

use std::{num::NonZeroU32, time::Duration};

use parzen_worker::protocol::{JobId, WorkerId};

use super::{ONE, gone, play, play_timed, submit};
use crate::pool::{
    orders::{Action, Config, Event, Outcome, Reason},
    scheduler::Scheduler,
    sim::world::epoch,
};

#[test]
fn a_returned_job_clears_the_count_of_failed_starts() {
    let [a, b, c, d] = [0, 1, 2, 3].map(WorkerId::new);
    let (t, u) = (JobId::new(1), JobId::new(2));
    let actions = play(
        ONE,
        &[
            Event::Start,
            gone(a), // Failed start 1 of the 1 allowed.
            Event::Ready(b),
            submit(t),
            Event::Returned(b, t),
            submit(u),
            gone(b), // `u` was running: its fault, not the start's.
            gone(c), // 1 again, not 2.
            gone(d), // One too many.
            submit(JobId::new(3)),
        ],
    );
    assert_eq!(
        actions,
        [
            Action::Spawn(a),
            Action::Spawn(b),
            Action::Assign { worker: b, job: t, attempt: 0 },
            Action::Finish(t, Outcome::Returned),
            Action::Assign { worker: b, job: u, attempt: 0 },
            Action::Finish(u, Outcome::Crashed(1)),
            Action::Spawn(c),
            Action::Spawn(d),
            Action::Finish(JobId::new(3), Outcome::NoWorkers),
        ]
    );
}

#[test]
fn a_program_that_never_says_hello_is_not_tried_twice() {
    let a = WorkerId::new(0);
    let events = [(0, Event::Start), (5, Event::Timeout), (5, gone(a))];
    let (actions, scheduler) = play_timed(ONE, &events);
    assert_eq!(actions, [Action::Spawn(a), Action::Kill(a, Reason::LateStart)]);
    assert!(scheduler.is_broken());
}

#[test]
fn a_program_that_said_hello_before_may_once_be_slow() {
    let [a, b, c] = [0, 1, 2].map(WorkerId::new);
    let events = [
        (0, Event::Start),
        (0, Event::Ready(a)),
        (9, gone(a)),
        (14, Event::Timeout),
        (14, gone(b)),
    ];
    let (actions, scheduler) = play_timed(ONE, &events);
    assert_eq!(
        actions,
        [Action::Spawn(a), Action::Spawn(b), Action::Kill(b, Reason::LateStart), Action::Spawn(c)]
    );
    assert!(!scheduler.is_broken());
}

#[test]
fn a_program_that_is_ready_and_leaves_is_a_failed_start() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let events = [Event::Start, Event::Ready(a), gone(a), Event::Ready(b), gone(b)];
    assert_eq!(play(ONE, &events), [Action::Spawn(a), Action::Spawn(b)]);
}

/// Two workers, of which one works from the start on. Gives whether the pool is broken after a second
/// failed start of the other, which was there before if `complete`.
fn is_broken_by_the_other(complete: bool) -> bool {
    let [a, b, c, d] = [0, 1, 2, 3].map(WorkerId::new);
    let config = Config { workers: NonZeroU32::new(2).unwrap(), ..ONE };
    let other_is_ready = complete.then_some((0, Event::Ready(b)));
    let mut events = vec![(0, Event::Start), (0, Event::Ready(a))];
    events.extend(other_is_ready);
    events.extend([(0, gone(b)), (1, Event::Timeout), (1, gone(c)), (2, Event::Timeout)]);
    let (actions, scheduler) = play_timed(config, &events);
    let last = if complete { Action::Spawn(d) } else { Action::Kill(a, Reason::Broken) };
    let spawned = [a, b, c].map(Action::Spawn);
    assert_eq!(actions, [&spawned[..], &[last]].concat());
    scheduler.is_broken()
}

#[test]
fn a_pool_does_not_wait_for_ever_for_its_first_workers() {
    assert!(is_broken_by_the_other(false));
    assert!(!is_broken_by_the_other(true), "those that work go on");
}

#[test]
fn the_pause_before_the_next_start_grows_to_a_limit() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let mut scheduler = Scheduler::new(Config { workers: NonZeroU32::new(2).unwrap(), ..ONE });
    let events = [Event::Start, Event::Ready(a), Event::Ready(b)];
    events.into_iter().for_each(|event| scheduler.handle(epoch(), event));
    let pauses = (0..12_u32).map(|round| {
        let now = epoch() + Duration::from_secs(60) * round;
        scheduler.handle(now, Event::Timeout);
        scheduler.handle(now, gone(WorkerId::new(round + 1)));
        scheduler.poll_timeout().unwrap() - now
    });
    let expected = (0..12).map(|round| Duration::from_millis(50) * (1 << round.min(7)));
    assert!(pauses.eq(expected));
}

#[test]
fn starts_that_fail_together_while_others_work_count_as_one() {
    let [a, b, c, d] = [0, 1, 2, 3].map(WorkerId::new);
    let config = Config { workers: NonZeroU32::new(4).unwrap(), ..ONE };
    let fail = [b, c, d].map(|id| (0, gone(id)));
    let events = [&[(0, Event::Start), (0, Event::Ready(a))][..], &fail].concat();
    assert!(!play_timed(config, &events).1.is_broken());
    let next = (1, Event::Timeout);
    let again = (1, gone(WorkerId::new(4)));
    assert!(play_timed(config, &[&events[..], &[next, again]].concat()).1.is_broken());
}

#[test]
fn a_worker_that_waited_long_or_did_something_was_not_a_failed_start() {
    let ids = [0, 1, 2, 3].map(WorkerId::new);
    let [a, b, c, _] = ids;
    let events = [
        (0, Event::Start),
        (0, Event::Ready(a)),
        (1, gone(a)), // It was ready for a second.
        (1, Event::Ready(b)),
        (2, gone(b)),
        (2, Event::Ready(c)),
        (2, submit(JobId::new(0))),
        (2, Event::Returned(c, JobId::new(0))),
        (2, gone(c)), // At once, but it had done its job.
    ];
    let none = Config { max_failed_starts: 0, ..ONE };
    let (actions, scheduler) = play_timed(none, &events);
    let spawned: Vec<_> =
        actions.into_iter().filter(|action| matches!(action, Action::Spawn(_))).collect();
    assert_eq!(spawned, ids.map(Action::Spawn));
    assert!(!scheduler.is_broken());
}

#[test]
fn a_program_that_only_misbehaves_is_a_failed_start() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let misbehaves = |id| [Event::Ready(id), Event::Misbehaved(id), gone(id)];
    let events = [&[Event::Start][..], &misbehaves(a), &misbehaves(b)].concat();
    let killed = |id| Action::Kill(id, Reason::Misbehaved);
    assert_eq!(play(ONE, &events), [Action::Spawn(a), killed(a), Action::Spawn(b), killed(b)]);
}

#[test]
fn a_worker_that_misbehaves_after_all_was_not_a_failed_start() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let job = JobId::new(0);
    let none = Config { max_failed_starts: 0, ..ONE };
    let ready = [(0, Event::Start), (0, Event::Ready(a))];
    let misbehaves = |seconds| [(seconds, Event::Misbehaved(a)), (seconds, gone(a))];
    for (before, seconds) in [
        (vec![], 1), // It was ready for a second.
        (vec![(0, submit(job)), (0, Event::Returned(a, job))], 0),
        (vec![(0, submit(job))], 0), // That is the job's fault.
    ] {
        let events = [&ready[..], &before, &misbehaves(seconds)].concat();
        let (actions, scheduler) = play_timed(none, &events);
        assert_eq!(actions.last(), Some(&Action::Spawn(b)), "{before:?}");
        assert!(!scheduler.is_broken());
    }
}
