//! One process for one task.

use std::{sync::mpsc, time::Duration};

use parzen::pool::{Chaos, Event, Pool, Process, WorkerProgram};
use parzen_worker::tasks::demo::{Crash, Cube, Hang, Sleep, Way};
use rustix::process::Signal;

use crate::support::{alone, builder, eventually, send_signal, within};

#[test]
fn a_process_runs_its_task_elsewhere() {
    alone(|| {
        let process = Process::<Sleep>::spawn_with(builder(7), (4, Duration::ZERO)).unwrap();
        let id = process.id();
        assert_ne!(id, std::process::id());
        assert_eq!(process.join().unwrap(), (4, id));
        assert!(!send_signal(id, Signal::CONT), "it is gone");
    });
}

#[test]
fn processes_run_side_by_side() {
    alone(|| {
        let spawn = |x| Process::<Cube>::spawn_with(builder(1), x).unwrap();
        let processes: Vec<_> = (1..=6).map(spawn).collect();
        let mut ids: Vec<u32> = processes.iter().map(Process::id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 6);
        let cubes: Vec<i64> = processes.into_iter().map(|p| p.join().unwrap()).collect();
        assert_eq!(cubes, [1, 8, 27, 64, 125, 216]);
    });
}

#[test]
fn join_timeout_gives_the_process_back() {
    alone(|| {
        let process = Process::<Hang>::spawn_with(builder(1), false).unwrap();
        let process = process.join_timeout(Duration::from_millis(50)).unwrap_err();
        assert!(!process.is_finished());
        let id = process.id();
        within(Duration::from_secs(5), || process.kill());
        assert!(!send_signal(id, Signal::CONT), "it is gone");
        let process = Process::<Cube>::spawn_with(builder(1), 3).unwrap();
        eventually("the end", || process.is_finished().then_some(()));
        assert_eq!(process.join_timeout(Duration::from_secs(9)).unwrap().unwrap(), 27);
    });
}

#[test]
fn a_process_that_dies_is_not_begun_again() {
    alone(|| {
        let process = Process::<Crash>::spawn_with(builder(1), (1, Way::Exit(3))).unwrap();
        let error = process.join().unwrap_err();
        assert!(error.is_crash());
        assert_eq!(error.exit().unwrap().code(), Some(3));
        let text = error.to_string();
        let start = r#"1 worker died running input 0 of `demo.crash` ([1,{"Exit":3}]); "#;
        assert!(text.starts_with(&format!("{start}the last exited with code 3")), "{text}");
    });
}

#[test]
fn a_process_that_is_killed_is_not_begun_again_whoever_is_to_blame() {
    alone(|| {
        let (told, events) = mpsc::channel();
        let tell = move |event: &Event| drop(told.send(event.clone()));
        let chaos = Chaos::new(0.99, 0.0, 1).unwrap();
        let settings = builder(1).chaos(Some(chaos)).on_event(tell);
        let process = Process::<Sleep>::spawn_with(settings, (1, Duration::from_secs(2))).unwrap();
        let error = process.join().unwrap_err();
        assert_eq!(error.crashes(), Some(1), "{error}");
        let starts = events.iter().filter(|event| matches!(event, Event::Started { .. }));
        assert_eq!(starts.count(), 1);
    });
}

#[test]
fn a_dropped_process_is_killed() {
    alone(|| {
        let process = Process::<Hang>::spawn_with(builder(1), true).unwrap();
        let id = process.id();
        within(Duration::from_secs(5), || drop(process));
        assert!(!send_signal(id, Signal::CONT), "it is gone");
    });
}

#[test]
fn a_process_that_cannot_be_started_is_an_error() {
    alone(|| {
        let program = WorkerProgram::Path("/nowhere/worker".into());
        let builder = Pool::builder().worker_program(program);
        let error = Process::<Cube>::spawn_with(builder, 3).unwrap_err();
        assert_eq!(error.to_string(), "failed to start a process for `demo.cube`");
    });
}
