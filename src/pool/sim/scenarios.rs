//! Rules that chance meets too seldom, each as a short list of events.

use std::{num::NonZeroU32, time::Duration};

use parzen_worker::protocol::{JobId, WorkerId};

use super::world::epoch;
use crate::pool::{
    orders::{Action, At, Config, Event, Outcome, Place, Reason},
    scheduler::Scheduler,
};

mod starts;

/// Feeds events and returns the actions, in order.
fn play(config: Config, events: &[Event]) -> Vec<Action> {
    let at_once: Vec<_> = events.iter().map(|&event| (0, event)).collect();
    play_timed(config, &at_once).0
}

/// Feeds events, each after so many seconds, and returns the actions, in order.
fn play_timed(config: Config, events: &[(u64, Event)]) -> (Vec<Action>, Scheduler) {
    let start = epoch();
    let mut scheduler = Scheduler::new(config);
    let mut actions = Vec::new();
    for &(seconds, event) in events {
        scheduler.handle(start + Duration::from_secs(seconds), event);
        let ordered = std::iter::from_fn(|| scheduler.poll_action());
        actions.extend(ordered.filter(|action| !matches!(action, Action::Tell(_))));
        scheduler.check();
    }
    (actions, scheduler)
}

const ONE: Config = Config {
    workers: NonZeroU32::MIN,
    depth: NonZeroU32::MIN,
    max_crashes: 0,
    max_failed_starts: 1,
    start_timeout: Duration::from_secs(5),
    job_timeout: None,
    stop_grace: Duration::from_secs(2),
    jobs_per_worker: None,
    once: false,
};

fn submit(job: JobId) -> Event {
    Event::Submit { job, place: Place::Back, divisible: false, crashes: 0 }
}

/// A worker that has not said what it was at.
fn gone(worker: WorkerId) -> Event {
    Event::Exited(worker, At::Unknown)
}

#[test]
fn a_late_job_that_returns_after_all_leaves_no_blame_behind() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let [late, next, other, last] = [0, 1, 2, 3].map(JobId::new);
    let two = NonZeroU32::new(2).unwrap();
    let config = Config { depth: two, job_timeout: Some(Duration::from_secs(2)), ..ONE };
    let events = [
        (0, Event::Start),
        (0, Event::Ready(a)),
        (0, submit(late)),
        (0, submit(next)),
        (0, submit(other)),
        (2, Event::Timeout),
        (2, Event::Returned(a, late)), // It was on its way.
        (2, gone(a)),
        (2, Event::Ready(b)),
        (2, submit(last)),
    ];
    let (actions, _) = play_timed(config, &events);
    let given = |worker, job| Action::Assign { worker, job, attempt: 0 };
    assert_eq!(
        actions,
        [
            Action::Spawn(a),
            given(a, late),
            given(a, next),
            Action::Kill(a, Reason::LateJob),
            Action::Finish(late, Outcome::Returned),
            Action::Spawn(b),
            given(b, next),
            given(b, other),
        ]
    );
}

#[test]
fn a_job_cancelled_while_it_waits_at_a_worker_is_not_run() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let [first, unwanted, last] = [0, 1, 2].map(JobId::new);
    let config = Config { depth: NonZeroU32::new(2).unwrap(), ..ONE };
    let events = [
        Event::Start,
        Event::Ready(a),
        submit(first),
        submit(unwanted),
        submit(last),
        Event::Cancel(unwanted),
        Event::Returned(a, first), // The worker begins the next, which may never end.
        gone(a),
        Event::Ready(b),
    ];
    assert_eq!(
        play(config, &events),
        [
            Action::Spawn(a),
            Action::Assign { worker: a, job: first, attempt: 0 },
            Action::Assign { worker: a, job: unwanted, attempt: 0 },
            Action::Finish(unwanted, Outcome::Cancelled),
            Action::Kill(a, Reason::Cancelled),
            Action::Finish(first, Outcome::Returned),
            Action::Spawn(b),
            Action::Assign { worker: b, job: last, attempt: 0 },
        ]
    );
}

#[test]
fn the_last_jobs_are_not_queued_behind_others() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let two = NonZeroU32::new(2).unwrap();
    let config = Config { workers: two, depth: two, ..ONE };
    let start = [Event::Start, Event::Ready(a), Event::Ready(b)];
    let few: Vec<_> = (0..4).map(JobId::new).map(submit).collect();
    let assigned = |events: &[Event]| {
        let actions = play(config, events);
        actions.iter().filter(|action| matches!(action, Action::Assign { .. })).count()
    };
    assert_eq!(assigned(&[&start[..], &few].concat()), 2, "one each, two wait");
    let many: Vec<_> = (0..9).map(JobId::new).map(submit).collect();
    assert_eq!(assigned(&[&start[..], &many].concat()), 4, "two each while there is plenty");
}

#[test]
fn a_limit_beyond_the_clock_is_none() {
    let a = WorkerId::new(0);
    let [job, next] = [0, 1].map(JobId::new);
    let for_ever = Duration::MAX;
    let config = Config {
        depth: NonZeroU32::new(2).unwrap(),
        start_timeout: for_ever,
        job_timeout: Some(for_ever),
        stop_grace: for_ever,
        ..ONE
    };
    let events = [
        Event::Start,
        Event::Ready(a),
        submit(job),
        submit(next),
        submit(JobId::new(2)),
        Event::Returned(a, job),
        Event::Returned(a, next),
        Event::Returned(a, JobId::new(2)),
        Event::Close,
    ];
    let at_once = events.map(|event| (0, event));
    for n in 1..=events.len() {
        let (_, scheduler) = play_timed(config, &at_once[..n]);
        assert_eq!(scheduler.poll_timeout(), None, "after {n} events");
    }
}

#[test]
fn a_worker_that_comes_to_a_cancelled_job_is_killed() {
    let a = WorkerId::new(0);
    let config = Config { depth: NonZeroU32::new(2).unwrap(), ..ONE };
    let [first, cancelled, third] = [0, 1, 2].map(JobId::new);
    let mut events = vec![Event::Start];
    // All before it is ready: with so many in the queue it gets two at once.
    events.extend([first, cancelled, third].map(submit));
    events.extend([Event::Ready(a), Event::Cancel(cancelled)]);
    let until_then = play(config, &events);
    assert!(!until_then.contains(&Action::Kill(a, Reason::Cancelled)), "it runs another");
    events.push(Event::Returned(a, first));
    assert_eq!(
        play(config, &events)[until_then.len()..],
        [Action::Kill(a, Reason::Cancelled), Action::Finish(first, Outcome::Returned)]
    );
}

#[test]
fn of_a_batch_the_item_that_ran_is_charged() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let [batch, before, item, behind] = [0, 1, 2, 3].map(JobId::new);
    let config = Config { max_crashes: 1, ..ONE };
    let place = Place::Front;
    let piece = |job, divisible, crashes| Event::Submit { job, place, divisible, crashes };
    let events = [
        Event::Start,
        Event::Ready(a),
        Event::Submit { job: batch, place: Place::Back, divisible: true, crashes: 0 },
        Event::Exited(a, At::Running(batch, 4)),
        piece(behind, true, 0),
        piece(item, false, 1),
        piece(before, true, 0),
        Event::Divided,
        Event::Ready(b),
        Event::Returned(b, before),
        gone(b), // It did not say what it was at, but it had one item only.
    ];
    assert_eq!(
        play(config, &events),
        [
            Action::Spawn(a),
            Action::Assign { worker: a, job: batch, attempt: 0 },
            Action::Divide { job: batch, charged: Some(4) },
            Action::Spawn(b),
            Action::Assign { worker: b, job: before, attempt: 0 },
            Action::Finish(before, Outcome::Returned),
            Action::Assign { worker: b, job: item, attempt: 1 },
            Action::Finish(item, Outcome::Crashed(2)),
            Action::Spawn(WorkerId::new(2)),
        ]
    );
}

#[test]
fn who_is_free_as_a_job_is_divided_gets_the_first_piece() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let [batch, first, second] = [0, 1, 2].map(JobId::new);
    let config = Config { workers: NonZeroU32::new(2).unwrap(), ..ONE };
    let piece = |job| Event::Submit { job, place: Place::Front, divisible: false, crashes: 0 };
    let events = [
        Event::Start,
        Event::Ready(a),
        Event::Submit { job: batch, place: Place::Back, divisible: true, crashes: 0 },
        Event::Ready(b),
        gone(a),
        piece(second),
        piece(first),
        Event::Divided,
    ];
    let expected = Action::Assign { worker: b, job: first, attempt: 0 };
    assert_eq!(play(config, &events).last(), Some(&expected));
}

/// What becomes of two jobs, before the first of which workers die, when they do or when the time
/// is up: the workers that it takes, and how it ends.
fn lost_before_they_begin(config: Config, event: fn(WorkerId) -> Vec<Event>) -> (u32, Outcome) {
    let [bad, good] = [0, 1].map(JobId::new);
    let mut events = vec![Event::Start, submit(bad), submit(good)];
    for number in 0..20 {
        let id = WorkerId::new(number);
        events.push(Event::Ready(id));
        let actions = play(config, &events);
        let outcome = actions.iter().find_map(|action| match *action {
            Action::Finish(job, outcome) => Some((job, outcome)),
            _ => None,
        });
        if let Some((job, outcome)) = outcome {
            assert_eq!(job, bad);
            let next = Action::Assign { worker: id, job: good, attempt: 0 };
            assert_eq!(actions.last(), Some(&next), "it is not to blame");
            return (number, outcome);
        }
        events.extend(event(id));
    }
    panic!("it takes every worker with it");
}

#[test]
fn a_job_before_which_workers_die_fails_alone() {
    let die = |id| vec![Event::Exited(id, At::Resting)];
    let after = |config| lost_before_they_begin(config, die);
    assert_eq!(after(ONE), (3, Outcome::Lost(3)));
    assert_eq!(after(Config { max_crashes: 2, ..ONE }), (5, Outcome::Lost(5)));
    assert_eq!(after(Config { once: true, ..ONE }), (1, Outcome::Lost(1)));
    let die_first = |id| vec![Event::Gone(id), Event::Exited(id, At::Resting)];
    assert_eq!(lost_before_they_begin(ONE, die_first), (3, Outcome::Lost(3)));
}

#[test]
fn a_job_that_nobody_can_be_sent_fails_alone() {
    let deaf = |id| vec![Event::Undelivered(id, JobId::new(0)), gone(id)];
    assert_eq!(lost_before_they_begin(ONE, deaf), (3, Outcome::Lost(3)));
}

#[test]
fn a_job_that_nobody_begins_in_time_fails_alone() {
    let [bad, good] = [0, 1].map(JobId::new);
    let config = Config { job_timeout: Some(Duration::from_secs(1)), ..ONE };
    let mut events = vec![(0, Event::Start), (0, submit(bad)), (0, submit(good))];
    for number in 0..3 {
        let (id, time) = (WorkerId::new(number), u64::from(number));
        events.push((time, Event::Ready(id)));
        events.extend([(time + 1, Event::Timeout), (time + 1, Event::Exited(id, At::Resting))]);
    }
    events.push((3, Event::Ready(WorkerId::new(3))));
    let (actions, scheduler) = play_timed(config, &events);
    assert!(actions.contains(&Action::Finish(bad, Outcome::NotBegun)), "{actions:?}");
    let next = Action::Assign { worker: WorkerId::new(3), job: good, attempt: 0 };
    assert_eq!(actions.last(), Some(&next));
    assert!(!scheduler.is_broken());
}

#[test]
fn a_batch_before_which_workers_die_is_divided() {
    let batch = JobId::new(0);
    let whole = Event::Submit { job: batch, place: Place::Back, divisible: true, crashes: 0 };
    let mut events = vec![Event::Start, whole];
    for id in (0..3).map(WorkerId::new) {
        let divided = Action::Divide { job: batch, charged: None };
        assert!(!play(ONE, &events).contains(&divided));
        events.extend([Event::Ready(id), Event::Exited(id, At::Resting)]);
    }
    let actions = play(ONE, &events);
    assert!(actions.contains(&Action::Divide { job: batch, charged: None }), "{actions:?}");
}

#[test]
fn who_is_sent_a_job_too_late_is_judged_by_what_it_died_of() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let [ran, unsent, last] = [0, 1, 2].map(JobId::new);
    let config = Config { depth: NonZeroU32::new(2).unwrap(), ..ONE };
    let mut events = vec![Event::Start];
    events.extend([ran, unsent, last].map(submit));
    events.extend([Event::Ready(a), Event::Gone(a)]);
    let until_then = play(config, &events);
    assert!(!until_then.iter().any(|action| matches!(action, Action::Kill(..))), "it is dead");
    events.extend([Event::Exited(a, At::Running(ran, 0)), Event::Ready(b)]);
    assert_eq!(
        play(config, &events)[until_then.len()..],
        [
            Action::Finish(ran, Outcome::Crashed(1)),
            Action::Spawn(b),
            Action::Assign { worker: b, job: unsent, attempt: 0 },
        ]
    );
}

#[test]
fn who_has_closed_its_channel_and_lives_on_is_killed() {
    let a = WorkerId::new(0);
    let job = JobId::new(0);
    let ready = [(0, Event::Start), (0, Event::Ready(a)), (0, submit(job)), (1, Event::Gone(a))];
    let (_, scheduler) = play_timed(ONE, &ready);
    assert!(scheduler.poll_timeout().is_some());
    let late = [&ready[..], &[(6, Event::Timeout)]].concat();
    let (actions, _) = play_timed(ONE, &late);
    assert_eq!(actions.last(), Some(&Action::Kill(a, Reason::Undelivered)));
}

#[test]
fn a_job_that_deaf_workers_let_lie_fails_alone() {
    let [bad, good] = [0, 1].map(JobId::new);
    let mut events = vec![(0, Event::Start), (0, submit(bad)), (0, submit(good))];
    for number in 0..3 {
        let (id, time) = (WorkerId::new(number), 5 * u64::from(number));
        events.extend([(time, Event::Ready(id)), (time, Event::Gone(id))]);
        let (actions, _) = play_timed(ONE, &events);
        assert!(!actions.iter().any(|action| matches!(action, Action::Finish(..))), "{number}");
        events.extend([(time + 5, Event::Timeout), (time + 5, gone(id))]);
    }
    let last = WorkerId::new(3);
    events.push((15, Event::Ready(last)));
    let (actions, _) = play_timed(ONE, &events);
    assert!(actions.contains(&Action::Finish(bad, Outcome::Lost(3))), "{actions:?}");
    let next = Action::Assign { worker: last, job: good, attempt: 0 };
    assert_eq!(actions.last(), Some(&next), "it is not to blame");
}

#[test]
fn what_a_deaf_worker_returns_after_all_is_no_loss() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let [ran, unsent, last] = [0, 1, 2].map(JobId::new);
    let config = Config { depth: NonZeroU32::new(2).unwrap(), once: true, ..ONE };
    let mut events = vec![(0, Event::Start)];
    events.extend([ran, unsent, last].map(|job| (0, submit(job))));
    events.extend([(0, Event::Ready(a)), (0, Event::Gone(a)), (5, Event::Timeout)]);
    events.extend([(5, Event::Returned(a, ran)), (5, Event::Cancel(unsent)), (5, gone(a))]);
    events.push((5, Event::Ready(b)));
    let (actions, _) = play_timed(config, &events);
    let ended = actions.into_iter().filter(|action| matches!(action, Action::Finish(..)));
    let expected = [(ran, Outcome::Returned), (unsent, Outcome::Cancelled)];
    assert_eq!(ended.collect::<Vec<_>>(), expected.map(|(job, end)| Action::Finish(job, end)));
}

#[test]
fn after_the_stop_nobody_has_longer_than_its_grace() {
    let ids = [0, 1, 2].map(WorkerId::new);
    let [leaves, goes, works] = ids;
    let start = epoch();
    let at = |seconds| start + Duration::from_secs(seconds);
    // One leaves because it did its job, which is all that it may do.
    let config = Config { jobs_per_worker: Some(NonZeroU32::MIN), ..ONE };
    let config = Config { workers: NonZeroU32::new(3).unwrap(), ..config };
    for stop_grace in [Duration::from_secs(60), Duration::MAX] {
        let mut scheduler = Scheduler::new(Config { stop_grace, ..config });
        let mut feed = |seconds, event| {
            scheduler.handle(at(seconds), event);
            let actions: Vec<_> = std::iter::from_fn(|| scheduler.poll_action()).collect();
            (scheduler.poll_timeout(), actions)
        };
        feed(0, Event::Start);
        for (job, id) in (0..).map(JobId::new).zip(ids) {
            feed(0, Event::Ready(id));
            feed(0, submit(job));
        }
        feed(0, Event::Returned(leaves, JobId::new(0)));
        assert_eq!(feed(1, Event::Gone(goes)).0, Some(at(6)));
        for (seconds, grace, deadline) in [(2, 3, 5), (3, 100, 5), (3, 1, 4), (3, u64::MAX, 4)] {
            let stop = Event::Stop { grace: Some(Duration::from_secs(grace)) };
            assert_eq!(feed(seconds, stop).0, Some(at(deadline)), "{grace} s after {seconds}");
        }
        let expected = [
            Action::Kill(leaves, Reason::LateLeaving),
            Action::Kill(goes, Reason::Undelivered),
            Action::Kill(works, Reason::LateLeaving),
        ];
        assert_eq!(feed(4, Event::Timeout).1, expected);
    }
}

#[test]
fn what_may_run_once_is_not_run_again_whatever_its_worker_died_of() {
    let a = WorkerId::new(0);
    let job = JobId::new(0);
    let config = Config { once: true, max_crashes: 9, ..ONE };
    let start = [Event::Start, Event::Ready(a), submit(job)];
    let (crashed, lost) = (Outcome::Crashed(1), Outcome::Lost(1));
    for (end, outcome) in [
        (vec![gone(a)], crashed),
        (vec![Event::Struck(a), gone(a)], crashed),
        (vec![Event::Misbehaved(a), gone(a)], crashed),
        (vec![Event::Exited(a, At::Resting)], lost),
        (vec![Event::Exited(a, At::Running(job, 0))], crashed),
        (vec![Event::Undelivered(a, job), gone(a)], lost),
    ] {
        let actions = play(config, &[&start[..], &end].concat());
        assert!(actions.contains(&Action::Finish(job, outcome)), "{end:?}");
    }
}

#[test]
fn time_counts_from_when_a_job_begins_and_that_is_told_once() {
    let a = WorkerId::new(0);
    let [job, other] = [0, 1].map(JobId::new);
    let config = Config { job_timeout: Some(Duration::from_secs(10)), ..ONE };
    let begin = epoch();
    let at = |seconds| begin + Duration::from_secs(seconds);
    let mut scheduler = Scheduler::new(config);
    let mut deadline_after = |seconds, event| {
        scheduler.handle(at(seconds), event);
        while scheduler.poll_action().is_some() {}
        scheduler.poll_timeout()
    };
    deadline_after(0, Event::Start);
    deadline_after(1, Event::Ready(a));
    assert_eq!(deadline_after(2, submit(job)), Some(at(12)), "it may have begun now");
    assert_eq!(deadline_after(3, Event::Began(a, other, at(3))), Some(at(12)), "another's");
    assert_eq!(deadline_after(9, Event::Began(a, job, at(5))), Some(at(15)));
    assert_eq!(deadline_after(9, Event::Began(a, job, at(9))), Some(at(15)), "said once");
    assert_eq!(deadline_after(9, submit(other)), Some(at(15)));
    assert_eq!(deadline_after(11, Event::Returned(a, job)), Some(at(21)));
    assert_eq!(deadline_after(12, Event::Began(a, other, begin)), Some(at(21)), "sent at 11");
}
