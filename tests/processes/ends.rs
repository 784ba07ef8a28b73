//! However the coordinator or a worker ends, nothing is lost and nothing is left.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    order::{JOBS, N_POINTS, all_bits, parse, serial, start_with_one_stopped},
    proc::{Process, eventually, now},
    program::Program,
};

/// Time that workers have to find out that their coordinator is gone.
const LIFELINE: Duration = Duration::from_secs(1);

/// Time that a job has to end when the run is interrupted.
const GRACE: Duration = Duration::from_secs(2);

const CSV: &str = "estimate --widths linspace:0.1:2.4:24 --grid -3:3:50 --method direct \
    --format csv --max-crashes 1000000";

/// All results of [`CSV`], from one thread.
fn serial_csv() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let ended = Program::start(&format!("{CSV} --backend serial")).end();
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stdout
    })
}

#[test]
fn a_job_whose_worker_is_killed_is_run_again() {
    let (program, [stopped, _], mut lines) = start_with_one_stopped();
    stopped.signal(Signal::KILL);
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    lines.extend(parse(&ended.stdout));
    assert_eq!(all_bits(&lines), all_bits(serial()));
    assert!(stopped.is_reaped());
}

#[test]
fn a_killed_worker_changes_no_byte() {
    let mut program = Program::start(&format!("{CSV} -w 2"));
    let first = program.text_line();
    program.workers(2)[0].signal(Signal::KILL);
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(first + &ended.stdout == serial_csv());
}

#[test]
fn workers_killed_all_the_time_change_no_byte() {
    let mut program = Program::start(&format!("{CSV} --chunk-rows 100 -w 3"));
    let first = program.text_line();
    let coordinator = program.process();
    let (is_over, mut n_killed) = (AtomicBool::new(false), 0_u32);
    let ended = thread::scope(|scope| {
        let kill_some = || {
            let mut seed = coordinator.pid;
            while !is_over.load(Ordering::Relaxed) && n_killed < 60 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // One that dies before it has said hello is another matter: it did not start.
                let mut workers = Process::children_of(coordinator.pid);
                workers.retain(Process::has_said_hello);
                if !workers.is_empty() {
                    workers[seed as usize / 7 % workers.len()].signal(Signal::KILL);
                    n_killed += 1;
                }
                thread::sleep(Duration::from_micros(u64::from(seed >> 19)));
            }
        };
        thread::Builder::new().name("killer".to_owned()).spawn_scoped(scope, kill_some).unwrap();
        let ended = program.end();
        is_over.store(true, Ordering::Relaxed);
        ended
    });
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(first + &ended.stdout == serial_csv(), "{n_killed} killed");
    assert!(10 < n_killed, "{n_killed}");
}

#[test]
fn workers_go_with_their_coordinator() {
    let (program, workers, _) = start_with_one_stopped();
    program.signal(Signal::KILL);
    assert_eq!(program.wait().code(), None);
    program.check_nothing_left(LIFELINE);
    // Its environment goes a moment before the process does.
    eventually(LIFELINE, "they have ended", || workers.iter().all(Process::has_ended));

    let mut program = Program::start(&format!("{JOBS} -w 3"));
    program.lines(1);
    let workers = program.workers(3);
    program.signal(Signal::KILL);
    program.wait();
    program.check_nothing_left(LIFELINE);
    eventually(LIFELINE, "they have ended", || workers.iter().all(Process::has_ended));
}

/// Interrupts a run in the middle; it must print what is finished, and nothing else.
fn check_interrupted(code: i32, interrupt: impl FnOnce(&Program)) {
    let mut program = Program::start(&format!("{JOBS} --order completion -w 2"));
    let mut lines = program.lines(1);
    let workers = program.workers(2);
    interrupt(&program);
    let ended = program.end();
    assert_eq!(ended.status.code(), Some(code), "{}", ended.stderr);
    assert_eq!(ended.stderr, "error: stopped before all results were complete\n");
    assert!(workers.iter().all(Process::is_reaped));
    lines.extend(parse(&ended.stdout));
    let (printed, all) = (all_bits(&lines), all_bits(serial()));
    assert_eq!(lines.len() % N_POINTS, 0, "the results of one job are printed together");
    assert!(!printed.is_empty() && printed.len() < all.len() && printed.is_subset(&all));
}

#[test]
fn an_interrupted_run_prints_what_is_finished() {
    check_interrupted(130, |program| program.signal(Signal::INT));
}

#[test]
fn ctrl_c_reaches_the_coordinator_alone() {
    check_interrupted(130, |program| program.signal_group(Signal::INT));
}

#[test]
fn a_terminated_run_prints_what_is_finished() {
    check_interrupted(143, |program| program.signal(Signal::TERM));
}

#[test]
fn a_worker_that_does_not_listen_is_killed_after_a_while() {
    let (program, [stopped, _], _) = start_with_one_stopped();
    let start = now();
    program.signal(Signal::INT);
    let ended = program.end();
    let took = start.elapsed();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    assert!(GRACE <= took && took < 5 * GRACE, "{took:?}");
    assert!(stopped.is_reaped());
}

#[test]
fn a_second_interrupt_waits_for_nothing() {
    let (program, [stopped, _], _) = start_with_one_stopped();
    let start = now();
    // Two that come at the same time are one, so it is told until it hears.
    while program.is_running() {
        program.signal(Signal::INT);
        thread::sleep(Duration::from_millis(5));
    }
    assert!(start.elapsed() < GRACE, "{:?}", start.elapsed());
    assert_eq!(program.end().status.code(), Some(130));
    assert!(stopped.has_ended());
}

#[test]
fn a_closed_pipe_is_success_and_ends_the_workers() {
    for format in ["jsonl", "csv", "json"] {
        let mut program = Program::start(&format!("{JOBS} -w 2").replace("jsonl", format));
        program.text_line();
        let workers = program.workers(2);
        drop(program.stdout.take());
        let ended = program.end();
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{format}");
        assert!(workers.iter().all(Process::is_reaped));
    }
}

#[test]
fn a_stopped_run_goes_on() {
    let (mut program, workers, mut lines) = start_with_one_stopped();
    program.signal(Signal::STOP);
    workers.iter().for_each(Process::stop);
    program.signal(Signal::CONT);
    workers.iter().for_each(|worker| worker.signal(Signal::CONT));
    lines.extend(parse(&program.rest()));
    assert!(program.end().status.success());
    assert_eq!(all_bits(&lines), all_bits(serial()));
}
