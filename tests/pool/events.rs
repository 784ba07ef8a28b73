//! What a pool tells of what happens in it.

use std::sync::{Arc, Mutex};

use parzen::pool::{Batch, Event, JobSummary, Outcome};
use parzen_worker::tasks::demo::{Crash, Cube, Way};

use crate::support::{alone, builder};

/// Keeps what is told.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    fn keep(&self) -> impl Fn(&Event) + Send + Sync + use<> {
        let log = self.clone();
        move |event| log.0.lock().unwrap().push(event.clone())
    }

    fn take(self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn is_job(job: &JobSummary, items: std::ops::Range<u64>) -> bool {
    job.task == "demo.crash" && job.items == items
}

/// The life of a job that kills its workers, in the order in which it happens.
#[test]
fn each_decision_about_a_job_that_kills_is_told() {
    alone(|| {
        let log = Log::default();
        let pool = builder(1).max_crashes(1).on_event(log.keep()).start().unwrap();
        pool.apply::<Crash>((1, Way::Kill)).unwrap_err();
        pool.join().unwrap();
        let events = log.take();
        let one = |job: &JobSummary| is_job(job, 0..1);
        let told = |n: usize, right: bool| assert!(right, "event {n} of {events:#?}");
        for (first, worker) in [(0, 0), (5, 1)] {
            let before = (worker == 1).then_some(0);
            told(
                first,
                matches!(events[first], Event::Started { worker: it, replaces, .. }
                if it == worker && replaces == before),
            );
            told(
                first + 1,
                matches!(events[first + 1], Event::Ready { worker: it } if it == worker),
            );
            told(
                first + 2,
                matches!(&events[first + 2], Event::Assigned { worker: it, job, attempt }
                if *it == worker && *attempt == worker && one(job)),
            );
            told(
                first + 3,
                matches!(&events[first + 3], Event::Lost { worker: it, death, charged: Some(job) }
                if *it == worker && death.signal() == Some(9) && one(job)),
            );
        }
        told(4, matches!(&events[4], Event::Requeued { job, charged: true } if one(job)));
        told(
            9,
            matches!(&events[9], Event::Finished { job, outcome: Outcome::Crashed(2) }
            if one(job)),
        );
    });
}

#[test]
fn all_is_told_before_a_pool_is_gone() {
    alone(|| {
        let log = Log::default();
        let ten = Batch::Fixed(10.try_into().unwrap());
        let pool = builder(2).batch(ten).on_event(log.keep()).start().unwrap();
        pool.map::<Cube>(0..1000).unwrap();
        pool.join().unwrap();
        let events = log.take();
        let count = |is: fn(&Event) -> bool| events.iter().filter(|&event| is(event)).count();
        assert_eq!(count(|event| matches!(event, Event::Assigned { .. })), 100);
        let returned = |event: &Event| matches!(event, Event::Finished { outcome: Outcome::Returned, job } if job.task == "demo.cube");
        assert_eq!(count(returned), 100);
        assert_eq!(count(|event| matches!(event, Event::Left { .. })), 2);
    });
}

#[test]
fn a_start_that_fails_is_told() {
    alone(|| {
        let log = Log::default();
        let nothing = parzen::pool::WorkerProgram::Path("/bin/true".into());
        builder(1).worker_program(nothing).on_event(log.keep()).start().unwrap_err();
        let events = log.take();
        assert!(events.iter().any(|event| matches!(event, Event::NotStarted { worker: 0, .. })));
        assert!(events.iter().any(|event| matches!(event, Event::Broken { .. })), "{events:?}");
    });
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    alone(|| {
        let log = Log::default();
        let keep = log.keep();
        let panics = move |event: &Event| {
            keep(event);
            panic!("in a listener");
        };
        let pool = builder(2).on_event(panics).start().unwrap();
        assert_eq!(pool.map::<Cube>(0..100).unwrap().len(), 100);
        pool.join().unwrap();
        assert!(log.take().iter().any(|event| matches!(event, Event::Left { .. })));
    });
}
