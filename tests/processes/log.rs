//! What the program says of its own doing, and what comes of it if nobody can hear that.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    process::Stdio,
};

use tempfile::TempDir;

use crate::{
    fakes,
    program::{Ended, PARZEN, Program, command},
    starts::{run, with_worker},
};

/// Jobs that are one width each.
const LINE: &str = "estimate --method direct --chunk-rows 10000 --format csv -w 2";

/// A worker that writes a line to its standard error first.
fn talkative() -> String {
    format!("echo a word >&2; exec '{}'", env!("CARGO_BIN_EXE_parzen-worker"))
}

/// The line of `log` that has all of `parts`.
fn find<'a>(log: &'a str, parts: &[&str]) -> &'a str {
    let mut lines = log.lines();
    let found = lines.find(|line| parts.iter().all(|part| line.contains(part)));
    found.unwrap_or_else(|| panic!("no line has {parts:?}:\n{log}"))
}

/// What `line` says of `field`.
fn value<'a>(line: &'a str, field: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!(" {field}=")).unwrap_or_else(|| panic!("{line}"));
    rest.split(' ').next().unwrap_or_default()
}

#[test]
fn a_trace_of_the_pool_shows_what_became_of_a_lost_job() {
    // With a time limit each width is a job of its own; others share a message, which is then cut up.
    let line = format!("{LINE} --job-timeout 3600");
    let mut command = with_worker(&fakes::shell_command("is_killed_once"), &line);
    command.env("RUST_LOG", "parzen::pool=trace");
    let Ended { status, stderr: log, .. } = Program::start_command(command).end();
    assert!(status.success(), "{log}");

    let lost = find(&log, &[" lost: it was killed by SIGKILL (9)"]);
    let (worker, job) = (value(lost, "worker"), value(lost, "charged"));
    let (worker, job) =
        (format!(" worker={worker} "), format!("={job} (`parzen.density-tile` 2..3)"));
    assert!(lost.contains(&format!("charged{job}")), "{lost}");
    find(&log, &[" assigned ", &worker, &format!(" job{job} "), " attempt=0"]);
    find(&log, &[" requeued ", &format!(" job{job} "), " charged=true"]);
    let newcomer = find(&log, &[" started ", &format!(" replaces={}", value(lost, "worker"))]);
    assert_ne!(value(newcomer, "worker"), value(lost, "worker"));
    find(&log, &[" assigned ", &format!(" job{job} "), " attempt=1"]);
}

#[test]
fn a_workers_words_are_shown_if_they_are_asked_for() {
    let shown = run(&talkative(), &format!("-v {LINE}"));
    let quiet = run(&talkative(), LINE);
    for worker in 0..2 {
        find(&shown.stderr, &["parzen::worker: a word", &format!("worker={worker}")]);
    }
    assert_eq!((quiet.status.code(), quiet.stderr.as_str()), (Some(0), ""));
    assert_eq!((shown.status.code(), shown.stdout), (Some(0), quiet.stdout));
}

/// Runs `line` with a standard error that takes nothing, in all the ways there are; how it ends
/// must be as if all could be written.
fn check_unheard(worker: &str, line: &str) {
    let command = || with_worker(worker, line);
    let heard = Program::start_command(command()).end();
    assert!(!heard.stderr.is_empty(), "{line} says nothing");
    let (closed, pipe) = io::pipe().unwrap();
    drop(closed);
    let full = File::options().write(true).open("/dev/full").unwrap();
    for (name, stderr) in [("full", Stdio::from(full)), ("closed", Stdio::from(pipe))] {
        let ended = Program::start_with_stderr(command(), stderr).end();
        assert_eq!(ended.status, heard.status, "{name}: {line}");
        assert!(ended.stdout == heard.stdout, "{name}: {line}");
    }
}

#[test]
fn what_cannot_be_told_changes_nothing() {
    for line in [
        "-v estimate",
        "-vv estimate --format csv",
        "-vvv estimate --backend threads",
        "estimate --progress always",
        "-vvv demo density --format json",
    ] {
        check_unheard(&talkative(), line);
    }
}

#[test]
fn errors_that_cannot_be_told_keep_their_exit_codes() {
    check_unheard(&talkative(), "estimate --widths 0");
    check_unheard(&talkative(), "-v estimate no/such.csv");
    check_unheard("echo out of licences >&2; exit 7", "-vvv estimate");
    check_unheard(&fakes::shell_command("aborts"), LINE);
}

#[test]
fn a_warning_that_cannot_be_told_is_no_error() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.journal");
    let line = format!("{LINE} --journal {}", path.display());
    let whole = Program::start(&line).end();
    // More than a record that was torn off.
    let damage = || {
        let mut journal = File::options().append(true).open(&path).unwrap();
        journal.write_all(&[7; 1 << 18]).unwrap();
    };
    damage();
    let warned = Program::start(&line).end();
    assert!(warned.stderr.contains("WARN") && warned.stderr.contains("the journal is damaged"));
    damage();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let unheard = Program::start_with_stderr(command(PARZEN, &line), full).end();
    assert_eq!((unheard.status.code(), unheard.stdout), (Some(0), whole.stdout));
}

#[test]
fn a_log_of_which_only_the_first_line_is_read_ends_nothing() {
    let expected = Program::start(LINE).end().stdout;
    let (log, pipe) = io::pipe().unwrap();
    let command = command(PARZEN, &format!("-vvv {LINE}"));
    let program = Program::start_with_stderr(command, pipe);
    let mut first = String::new();
    let mut log = BufReader::new(log);
    log.read_line(&mut first).unwrap();
    drop(log);
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stdout), (Some(0), expected));
    assert!(first.contains("parzen"), "{first}");
}
