//! Who is charged with the end of a worker: the input that was running, and no other.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use parzen::pool::{Batch, Event};
use parzen_worker::tasks::demo::{Attempt, Crash, Cube, Way};
use rustix::process::Signal;

use crate::{
    actors::tasks::Fall,
    support::{Scripts, alone, builder, eventually, send_signal},
};

fn fixed(size: u32) -> Batch {
    Batch::Fixed(size.try_into().unwrap())
}

#[test]
fn of_a_batch_only_the_input_that_was_running_is_charged() {
    alone(|| {
        let files = Scripts::new();
        for prefetch in [1, 4] {
            let pool = files.builder(1).batch(fixed(64)).prefetch(prefetch).start().unwrap();
            let falls = |number| match number {
                0 | 37 | 90 | 91 => 1,
                63 | 199 => 2,
                _ => 0,
            };
            let attempts = pool.map::<Fall>((0..200).map(falls)).unwrap();
            assert!((0..200).map(falls).eq(attempts), "each is told what it was charged with");
            pool.join().unwrap();
        }
    });
}

#[test]
fn inputs_share_messages_although_no_crash_is_allowed() {
    alone(|| {
        let pool = builder(2).batch(fixed(50)).max_crashes(0).start().unwrap();
        let way = |number| if number % 97 == 5 { Way::Abort } else { Way::None };
        let results = pool.imap::<Crash>((0..1000).map(|number| (number, way(number))));
        for (number, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert!(value == number && number % 97 != 5),
                Err(error) => {
                    assert!(number % 97 == 5 && error.crashes() == Some(1), "{number}: {error}");
                    assert_eq!(error.item(), Some(number));
                }
            }
        }
        let sent = pool.usage().traffic.messages_sent;
        assert!((20..100).contains(&sent), "{sent}");
        pool.join().unwrap();
    });
}

#[test]
fn a_job_that_was_not_begun_is_not_charged() {
    alone(|| {
        let pool = builder(1).max_crashes(0).start().unwrap();
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        let pid = pool.pids()[0];
        send_signal(pid, Signal::STOP);
        // It lies in the socket of a worker that will never read it.
        let job = pool.apply_async::<Attempt>((7, std::time::Duration::ZERO)).unwrap();
        send_signal(pid, Signal::KILL);
        assert_eq!(job.get().unwrap(), (7, 0));
        pool.join().unwrap();
    });
}

/// Starts of workers that all die of a job before they begin it have an end.
#[test]
fn workers_that_begin_nothing_end_the_pool() {
    alone(|| {
        let files = Scripts::new();
        let program = files.actor("actors::rogue", "dies-before-it-begins");
        let starts = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&starts);
        let count = move |event: &Event| {
            if let Event::Started { .. } = event {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        let pool = builder(1).worker_program(program).max_crashes(3).on_event(count);
        let pool = pool.start().unwrap();
        let error = pool.apply::<Cube>(3).unwrap_err();
        assert!(error.start_error().is_some(), "{error}");
        pool.join().unwrap_err();
        // Two starts and three crashes are allowed.
        assert_eq!(starts.load(Ordering::Relaxed), 6);
    });
}

#[test]
fn a_worker_that_lies_about_what_it_runs_is_not_believed() {
    alone(|| {
        let files = Scripts::new();
        let program = files.actor("actors::rogue", "lies-about-what-it-runs");
        let pool = builder(1).worker_program(program).batch(fixed(4)).max_crashes(1);
        let pool = pool.start().unwrap();
        let results: Vec<_> = pool.imap::<Cube>(0..4).collect();
        assert!(results.iter().all(|result| result.as_ref().is_err_and(|e| e.is_crash())));
        pool.terminate();
    });
}

#[test]
fn the_event_names_the_input_that_is_charged() {
    alone(|| {
        let (told, events) = std::sync::mpsc::channel();
        let tell = move |event: &Event| drop(told.send(event.clone()));
        let pool = builder(1).batch(fixed(16)).max_crashes(0).on_event(tell).start().unwrap();
        let way = |number| if number == 21 { Way::Kill } else { Way::None };
        pool.imap::<Crash>((0..32).map(|number| (number, way(number)))).for_each(drop);
        let lost = eventually("the end of its worker", || {
            events.try_iter().find_map(|event| match event {
                Event::Lost { charged, .. } => Some(charged),
                _ => None,
            })
        });
        assert_eq!(lost.unwrap().items, 21..22);
        pool.join().unwrap();
    });
}
