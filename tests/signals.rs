//! The program when it is asked to end.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Backends that every test runs on.
const BACKENDS: &[&str] = &["serial", "threads", "processes"];

/// Far longer than an end in order takes, and far shorter than the work that is cut short.
const DEADLINE: Duration = Duration::from_secs(10);

/// Work of a minute or more, whose results come one after the other.
const LONG: &str = "estimate --grid -3:3:300,-3:3:300 --widths linspace:0.1:2:200 --method direct";

#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn start(line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.args(line.split_whitespace()).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits for the end, which must come soon.
fn wait(mut child: Child) -> ExitStatus {
    let pid = Pid::from_child(&child);
    let (sender, ended) = std::sync::mpsc::channel::<()>();
    let watchdog = thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
        let is_late = ended.recv_timeout(DEADLINE).is_err();
        if is_late {
            // Only if `wait` has not returned: until then the number is the child's.
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let status = child.wait().unwrap();
    let _ = sender.send(());
    watchdog.unwrap().join().unwrap();
    status
}

fn first_line(child: &mut Child) -> (String, BufReader<ChildStdout>) {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    (line, stdout)
}

#[test]
fn a_signal_ends_the_run_after_what_is_finished() {
    for backend in BACKENDS {
        for (sent, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
            // Under `nohup`, the program too is to ignore it.
            if sent == Signal::HUP && has_signal("/proc/self/status", "SigIgn:", sent) {
                continue;
            }
            let line = format!("{LONG} --format json --backend {backend} --order completion");
            let mut child = start(&line);
            let (mut text, mut stdout) = first_line(&mut child);
            signal(&child, sent);
            stdout.read_to_string(&mut text).unwrap();
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            assert_eq!(wait(child).code(), Some(code), "{backend} {sent:?}: {errors}");
            let json: Value = serde_json::from_str(&text).unwrap();
            assert!(!json["results"].as_array().unwrap().is_empty());
            assert!(
                errors.starts_with("error: stopped") && errors.lines().count() == 1,
                "{errors}"
            );
        }
    }
}

#[test]
fn a_signal_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.csv");
    let line = format!("{LONG} --backend serial --progress always -o {}", path.display());
    let mut child = start(&line);
    // The first line of progress comes when the run has begun.
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    progress.read_line(&mut String::new()).unwrap();
    signal(&child, Signal::INT);
    assert_eq!(wait(child).code(), Some(130));
    assert_eq!(directory.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_second_signal_waits_for_nothing() {
    for backend in BACKENDS {
        // Nobody reads on, so that the program is stuck in a write and cannot end in order.
        let mut child = start(&format!("{LONG} --format jsonl --backend {backend}"));
        let (_, stdout) = first_line(&mut child);
        signal(&child, Signal::INT);
        signal(&child, Signal::TERM);
        let code = wait(child).code();
        assert!(matches!(code, Some(130 | 143)), "{backend}: {code:?}");
        drop(stdout);
    }
}

#[test]
fn a_signal_while_input_is_awaited_ends_at_once() {
    let mut child = start("estimate - --backend serial");
    let stdin = child.stdin.take().unwrap();
    while !listens(&child) {
        thread::yield_now();
    }
    signal(&child, Signal::TERM);
    assert_eq!(wait(child).code(), Some(143));
    drop(stdin);
}

/// Whether the program has a handler for SIGTERM by now.
fn listens(child: &Child) -> bool {
    has_signal(&format!("/proc/{}/status", child.id()), "SigCgt:", Signal::TERM)
}

/// Whether signal `signal` is in the set called `name` in a process's status.
fn has_signal(status: &str, name: &str, signal: Signal) -> bool {
    let status = std::fs::read_to_string(status).unwrap();
    let set = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(set.trim(), 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0
}
