//! Signals that come while the program begins to listen, and while the workers start.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use rustix::process::Signal;

use crate::{
    proc::is_ignored,
    program::{Ended, PARZEN, Program, command},
    starts::{SOON, with_worker},
};

/// Work of a minute or more, in many jobs.
const LONG: &str = "estimate --grid -3:3:300,-3:3:300 --widths linspace:0.1:2:200 --method direct \
    --order completion --format csv -w 3";

/// What a run says that was stopped when it had begun.
const STOPPED: &str = "error: stopped before all results were complete\n";

const SIGNALS: [(Signal, i32); 2] = [(Signal::INT, 130), (Signal::TERM, 143)];

/// What a shell would call the exit code. A program that does not yet listen is ended by the system.
fn code(ended: &Ended) -> Option<i32> {
    ended.status.code().or_else(|| ended.status.signal().map(|signal| 128 + signal))
}

/// A worker program that never says hello and sends its coordinator `signal`: so that comes while
/// workers start, however long that takes.
fn interrupting(signal: Signal) -> String {
    // Not whoever takes care of orphans.
    let is_there = "grep -qx parzen /proc/$PPID/comm";
    format!("{is_there} && kill -{} $PPID; exec sleep 1000", signal.as_raw())
}

#[test]
fn a_signal_while_workers_start_ends_every_command() {
    for line in [
        "estimate -w 1",
        // The first of them are there before the last are ordered.
        "estimate -w 40",
        "bench --quick --backends processes --workers 1",
        "bench --quick --backends processes --workers 8",
        "demo pool",
        "demo process",
        "demo benchmark",
    ] {
        for (signal, expected) in SIGNALS {
            let ended = Program::start_command(with_worker(&interrupting(signal), line)).end();
            assert_eq!((code(&ended), ended.stderr.as_str()), (Some(expected), ""), "{line}");
            assert!(ended.after < SOON, "{line}: {:?}", ended.after);
        }
    }
}

/// Sends the program a signal at many moments of its first 60 ms: before it listens, before there
/// are workers, while they start, and after. It must end with that signal's code, and leave nothing.
fn check_at_any_moment(start: impl Fn() -> Command, allowed_errors: &[&str]) {
    // What a shell starts in the background it often has ignore SIGINT, and until the program listens
    // that holds for it, too.
    let heeded = SIGNALS.iter().filter(|(signal, _)| !is_ignored(*signal)).cycle();
    for (moment, &(signal, expected)) in (0..=60).zip(heeded) {
        let program = Program::start_command(start());
        thread::sleep(Duration::from_millis(moment));
        program.signal(signal);
        let ended = program.end();
        assert_eq!(code(&ended), Some(expected), "after {moment} ms: {}", ended.stderr);
        let error = ended.stderr.as_str();
        assert!(allowed_errors.contains(&error), "after {moment} ms: {error}");
    }
}

#[test]
fn a_signal_at_any_moment_ends_a_run_whose_workers_say_nothing() {
    check_at_any_moment(|| with_worker("exec sleep 1000", LONG), &[""]);
}

#[test]
fn a_signal_at_any_moment_ends_a_run() {
    check_at_any_moment(|| command(PARZEN, LONG), &["", STOPPED]);
}

#[test]
fn a_signal_at_any_moment_ends_a_lesson() {
    check_at_any_moment(|| command(PARZEN, "demo all"), &[""]);
}

/// A library for `LD_PRELOAD` with which a program sends itself `signal` as soon as it has told the
/// system to call it for that signal: before it can have done anything else.
#[expect(clippy::disallowed_methods, reason = "a compiler is no worker")]
fn built_interruption(directory: &Path, signal: Signal) -> PathBuf {
    let source = directory.join("interruption.c");
    fs::write(&source, include_str!("interruption.c")).expect("there is room");
    let library = directory.join("interruption.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    compiler.arg(format!("-DSIGNAL={}", signal.as_raw()));
    assert!(compiler.status().expect("there is a C compiler").success());
    library
}

#[test]
fn a_signal_while_the_program_begins_to_listen_is_not_lost() {
    for (signal, expected) in SIGNALS {
        let directory = tempfile::tempdir().expect("there is room");
        let mut run = command(PARZEN, LONG);
        run.env("LD_PRELOAD", built_interruption(directory.path(), signal));
        let ended = Program::start_command(run).end();
        // An exit of its own: it was listening by then.
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(expected), ""));
    }
}
