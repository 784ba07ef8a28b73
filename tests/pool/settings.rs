//! What a pool is told when it is built.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use parzen_worker::tasks::demo::{Crash, Cube, Echo, Hang, Sleep, Way};

use crate::{
    actors::tasks::{Recall, Remember, Tell, Unknown},
    support::{Scripts, alone, builder, eventually, within},
};

#[test]
fn the_initializer_runs_in_every_worker_before_its_jobs() {
    alone(|| {
        let files = Scripts::new();
        let builder = files.builder(3).jobs_per_worker(2);
        let pool = builder.initializer::<Remember>(&42).unwrap().start().unwrap();
        let recalled: Vec<(u64, u32)> = pool.map::<Recall>((0..12).map(|_| ())).unwrap();
        assert!(recalled.iter().all(|&(number, _)| number == 42), "{recalled:?}");
        pool.join().unwrap();
    });
}

#[test]
fn an_initializer_that_fails_ends_the_start() {
    alone(|| {
        for (way, says) in [
            (Way::Error, "task 1 failed"),
            (Way::Panic, "task 1 panicked"),
            (Way::Exit(3), "initializer"),
            (Way::Kill, "initializer"),
        ] {
            let builder = builder(2).initializer::<Crash>(&(1, way)).unwrap();
            let error = within(Duration::from_secs(10), || builder.start()).unwrap_err();
            let text = error.to_string();
            assert!(text.contains("initializer") && text.contains(says), "{way:?}: {text}");
        }
        let builder = builder(2).initializer::<Unknown>(&1).unwrap();
        let text = builder.start().unwrap_err().to_string();
        assert!(text.contains("no task `test.unknown`"), "{text}");
    });
}

#[test]
fn an_initializer_that_hangs_runs_into_the_start_timeout() {
    alone(|| {
        let builder = builder(2).start_timeout(Duration::from_millis(300));
        let builder = builder.initializer::<Hang>(&true).unwrap();
        let error = within(Duration::from_secs(5), || builder.start()).unwrap_err();
        let says = "the initializer failed in `";
        let error = error.to_string();
        let ends = "not done within 0.3 s of the start";
        assert!(error.starts_with(says) && error.ends_with(ends), "{error}");
    });
}

#[test]
fn an_initializer_may_give_a_large_value() {
    alone(|| {
        let builder = builder(1).initializer::<Echo>(&(Vec::new().into(), 5_000_000)).unwrap();
        let pool = builder.start().unwrap();
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}

#[test]
fn workers_are_replaced_after_their_jobs() {
    alone(|| {
        let pool = builder(2).jobs_per_worker(3).start().unwrap();
        let mut jobs = BTreeMap::<u32, u32>::new();
        for (number, pid) in pool.map::<Sleep>((0..60).map(|n| (n, Duration::ZERO))).unwrap() {
            assert!(number < 60);
            *jobs.entry(pid).or_default() += 1;
        }
        assert_eq!(jobs.values().sum::<u32>(), 60);
        assert!(jobs.values().all(|&jobs| jobs <= 3), "{jobs:?}");
        assert!(20 <= jobs.len());
        // And what is handed in one by one.
        let one = |n| pool.apply::<Sleep>((n, Duration::ZERO)).unwrap().1;
        let pids: Vec<u32> = (0..12).map(one).collect();
        assert!(pids.iter().all(|pid| pids.iter().filter(|other| *other == pid).count() <= 3));
        pool.join().unwrap();
    });
}

#[test]
fn what_workers_print_arrives_line_by_line() {
    alone(|| {
        let files = Scripts::new();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let handler = move |id: u32, line: &str| sink.lock().unwrap().push((id, line.to_owned()));
        let pool = files.builder(2).on_stderr(handler).start().unwrap();
        let mut expected = Vec::new();
        for n in 0..20 {
            let id = pool.apply::<Tell>(format!("line {n}")).unwrap();
            expected.push((id, format!("out line {n}")));
            expected.push((id, format!("err line {n}")));
        }
        let arrived = || {
            let lines = lines.lock().unwrap();
            // Not the whole line: the test harness, which the worker runs in, prints too.
            let has = |(id, end): &(u32, String)| {
                lines.iter().any(|(from, line)| from == id && line.ends_with(end))
            };
            expected.iter().all(has).then_some(())
        };
        eventually("the lines", arrived);
        pool.join().unwrap();
    });
}

#[test]
fn what_a_worker_said_last_is_told_with_its_death() {
    alone(|| {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let handler = move |id: u32, line: &str| sink.lock().unwrap().push((id, line.to_owned()));
        let pool = builder(1).on_stderr(handler).max_crashes(0).start().unwrap();
        let error = pool.apply::<Crash>((1, Way::StackOverflow)).unwrap_err();
        assert!(error.exit().unwrap().stderr.contains("overflow"), "{error:?}");
        pool.join().unwrap();
        let lines = lines.lock().unwrap();
        assert!(lines.iter().any(|(id, line)| *id == 0 && line.contains("overflow")), "{lines:?}");
    });
}

/// A worker that prints without end neither stops nor is stopped.
#[test]
fn a_flood_of_lines_is_read() {
    alone(|| {
        let files = Scripts::new();
        let bytes = Arc::new(Mutex::new(0));
        let sink = Arc::clone(&bytes);
        let handler = move |_: u32, line: &str| *sink.lock().unwrap() += line.len();
        let pool = files.builder(2).on_stderr(handler).start().unwrap();
        let lines = (0..40).map(|_| "x".repeat(100_000));
        assert_eq!(pool.map::<Tell>(lines).unwrap().len(), 40);
        pool.join().unwrap();
        assert!(2 * 40 * 100_000 < *bytes.lock().unwrap());
    });
}

#[test]
fn nice_workers_let_others_go_first() {
    alone(|| {
        let nice = |pid: u32| -> i32 {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            let fields = stat.rsplit_once(") ").unwrap().1;
            fields.split(' ').nth(16).unwrap().parse().unwrap()
        };
        let own = nice(std::process::id());
        let pool = builder(2).nice(5).start().unwrap();
        assert!(pool.pids().into_iter().all(|pid| nice(pid) == (own + 5).min(19)));
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}

#[test]
fn zero_workers_are_one() {
    alone(|| {
        let pool = builder(0).prefetch(0).jobs_per_worker(0).start().unwrap();
        assert_eq!((pool.workers(), pool.pids().len()), (1, 1));
        assert_eq!(pool.map::<Cube>(0..3).unwrap(), [0, 1, 8]);
        pool.join().unwrap();
    });
}

#[test]
fn a_pool_of_many_workers_starts() {
    alone(|| {
        let pool = builder(48).start().unwrap();
        let mut pids = pool.pids();
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), 48);
        assert_eq!(pool.map::<Cube>(0..2000).unwrap().len(), 2000);
        pool.join().unwrap();
    });
}
