//! Who is charged with the end of a worker: the input that was running, and no other.

use parzen::pool::{Batch, Event, JobSummary};
use parzen_worker::tasks::demo::{Attempt, Crash, Cube, Way};
use rustix::process::Signal;

use crate::{
    actors::tasks::{Fall, Heavy, begun},
    support::{Scripts, alone, builder, children_of, eventually, send_signal},
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

#[test]
fn a_job_of_which_workers_die_before_they_begin_it_fails() {
    alone(|| {
        let files = Scripts::new();
        let program = files.actor("actors::rogue", "dies-before-it-begins");
        let pool = builder(1).worker_program(program).max_crashes(3).start().unwrap();
        for _ in 0..2 {
            let error = pool.apply::<Cube>(3).unwrap_err();
            // Three crashes are allowed, and two more that are none.
            assert!(error.is_crash() && error.crashes() == Some(6), "{error}");
        }
        pool.join().unwrap();
    });
}

/// Its pump has yet to find out, and a job is sent to it.
#[test]
fn who_is_sent_a_job_after_its_end_is_charged_with_what_it_died_of() {
    alone(|| {
        let files = Scripts::new();
        let (told, events) = std::sync::mpsc::channel();
        let tell = move |event: &Event| drop(told.send(event.clone()));
        let pool = files.builder(1).prefetch(8).max_crashes(0).on_event(tell).start().unwrap();
        let slow = pool.apply_async::<Heavy>(String::new()).unwrap();
        let fatal = pool.apply_async::<Heavy>(files.name("begun")).unwrap();
        let mut others: Vec<_> = (0..2).map(|x| pool.apply_async::<Cube>(x).unwrap()).collect();
        eventually("its end", || {
            children_of(std::process::id()).iter().any(|child| child.state == 'Z').then_some(())
        });
        others.extend((2..9).map(|x| pool.apply_async::<Cube>(x).unwrap()));
        slow.get().unwrap();
        let error = fatal.get().unwrap_err();
        assert_eq!(error.crashes(), Some(1), "{error}");
        assert!(others.into_iter().zip(0_i64..).all(|(job, x)| job.get().unwrap() == x.pow(3)));
        assert_eq!(begun(&files.path("begun")).len(), 1, "it ran again");
        pool.join().unwrap();
        let ends: Vec<_> = events.iter().filter_map(lost).collect();
        assert!(matches!(&ends[..], [Some(charged)] if charged.task == "test.heavy"), "{ends:?}");
    });
}

/// What was charged with the end of a worker, if that is what it tells.
fn lost(event: Event) -> Option<Option<JobSummary>> {
    if let Event::Lost { charged, .. } = event { Some(charged) } else { None }
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
