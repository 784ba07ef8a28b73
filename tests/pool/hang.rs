//! Jobs that do not end.

use std::time::Duration;

use parzen::pool::Error;
use parzen_worker::tasks::demo::{Cube, Hang, Sleep};
use rustix::process::Signal;

use crate::{
    actors::tasks::{Gate, begun},
    support::{PATIENCE, Scripts, alone, builder, eventually, send_signal, within},
};

/// Long for a job that does not hang, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(2);

fn a_hung_job_fails_alone(spins: bool, prefetch: u32) {
    let pool = builder(2).prefetch(prefetch).job_timeout(Some(LIMIT)).start().unwrap();
    within(PATIENCE, || {
        let hung = pool.apply_async::<Hang>(spins).unwrap();
        let others = (0..100).map(|number| (number, Duration::from_millis(1)));
        let results = pool.map::<Sleep>(others).unwrap();
        assert!((0..).zip(&results).all(|(number, result)| result.0 == number));
        let error = hung.get().unwrap_err();
        assert!(error.is_timeout() && !error.is_crash(), "{error}");
        let start = format!("input 0 of `demo.hang` ({spins}) ran longer than 2 s, having used ");
        assert!(error.to_string().starts_with(&start), "{error}");
        let cpu = error.exit().unwrap().cpu.unwrap().total();
        assert!(spins || cpu < LIMIT, "it slept, and used {cpu:?}");
        pool.join().unwrap();
    });
}

#[test]
fn a_job_that_sleeps_for_ever_fails_alone() {
    alone(|| {
        a_hung_job_fails_alone(false, 1);
        a_hung_job_fails_alone(false, 4);
    });
}

#[test]
fn a_job_that_spins_for_ever_fails_alone() {
    alone(|| {
        a_hung_job_fails_alone(true, 1);
        a_hung_job_fails_alone(true, 4);
    });
}

#[test]
fn hung_inputs_of_a_call_fail_each_alone() {
    alone(|| {
        let pool = builder(2).job_timeout(Some(LIMIT)).start().unwrap();
        let time = |number| match number {
            3 | 11 => Duration::from_secs(1000),
            _ => Duration::ZERO,
        };
        let inputs = (0..20).map(|number| (number, time(number)));
        let results = within(PATIENCE, || pool.imap::<Sleep>(inputs).collect::<Vec<_>>());
        for (number, result) in (0..).zip(results) {
            match result {
                Ok((value, _)) => assert_eq!(value, number),
                Err(error) => assert!(error.is_timeout() && matches!(number, 3 | 11), "{error}"),
            }
        }
        pool.join().unwrap();
    });
}

/// A limit holds for each job from when it begins, not for those that wait behind one another.
#[test]
fn jobs_that_wait_are_not_late() {
    alone(|| {
        let pool = builder(1).prefetch(8).job_timeout(Some(LIMIT)).start().unwrap();
        let inputs = (0..6).map(|number| (number, Duration::from_millis(400)));
        assert_eq!(pool.map::<Sleep>(inputs).unwrap().len(), 6);
        pool.join().unwrap();
    });
}

#[test]
fn a_stopped_worker_in_the_middle_of_a_job_is_late() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).job_timeout(Some(LIMIT)).start().unwrap();
        let names = (files.name("begun"), files.name("never"));
        let job = pool.apply_async::<Gate>(names).unwrap();
        let pid = eventually("the job begins", || begun(&files.path("begun")).pop());
        send_signal(pid, Signal::STOP);
        within(PATIENCE, || {
            assert!(job.get().unwrap_err().is_timeout());
            assert_eq!(pool.map::<Cube>(0..100).unwrap().len(), 100);
            pool.join().unwrap();
        });
    });
}

#[test]
fn a_worker_stopped_while_idle_takes_no_job_with_it() {
    alone(|| {
        let pool = builder(2).job_timeout(Some(LIMIT)).start().unwrap();
        send_signal(pool.pids()[0], Signal::STOP);
        within(PATIENCE, || {
            let results: Vec<_> = pool.imap::<Cube>(0..200).collect();
            assert!(results.len() == 200 && results.iter().all(Result::is_ok), "{results:?}");
            pool.join().unwrap();
        });
    });
}

#[test]
fn a_worker_stopped_while_idle_is_killed_when_it_does_not_leave() {
    alone(|| {
        let pool = builder(2).stop_grace(Duration::from_millis(200)).start().unwrap();
        send_signal(pool.pids()[1], Signal::STOP);
        within(Duration::from_secs(5), || pool.join().unwrap());
    });
}

/// Those that are not begun in time, too.
#[test]
fn a_limit_that_nobody_can_keep_ends_jobs_and_not_the_pool() {
    alone(|| {
        let limit = Some(Duration::from_nanos(1));
        let pool = builder(1).max_crashes(0).job_timeout(limit).start().unwrap();
        for result in pool.imap::<Cube>(0..4) {
            assert!(result.as_ref().map_or_else(Error::is_timeout, |_| true), "{result:?}");
        }
        pool.join().unwrap();
    });
}
