//! Runs with a journal, ended in every way and taken up again.

use std::{fs, path::PathBuf, sync::OnceLock};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    order::{JOBS, N_POINTS, all_bits, parse, serial},
    proc::{DEADLINE, Process, eventually},
    program::{Line, Program},
};

/// Enough jobs for a run to be ended in the middle, and more output than a pipe holds.
const CSV: &str = "estimate --widths linspace:0.1:2.4:24 --grid -3:3:16 --method direct \
    --chunk-rows 50 --format csv";
const N_JOBS: u64 = 4800;

/// All results of [`CSV`], without a journal.
fn expected_csv() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let ended = Program::start(&format!("{CSV} --backend serial")).end();
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stdout
    })
}

/// A place for a journal, with what belongs to it on the command line.
struct Place {
    _directory: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Self { path: directory.path().join("x.journal"), _directory: directory }
    }

    fn line(&self, line: &str) -> String {
        format!("{line} --journal {}", self.path.display())
    }

    fn start(&self, line: &str) -> Program {
        Program::start(&self.line(line))
    }

    /// Its bytes; none if it is not there.
    fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Runs `line`, whose format is JSON, to its end; gives how many jobs were not run for it, and
    /// the results.
    fn finish(&self, line: &str) -> (u64, Vec<Line>) {
        let ended = self.start(line).end();
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
        let mut json: Value = serde_json::from_str(&ended.stdout).unwrap();
        let lines = json["results"].as_array_mut().unwrap().iter_mut().map(|result| {
            result["seq"] = 0.into();
            serde_json::from_value(result.take()).unwrap()
        });
        let lines = lines.collect();
        (json["timing"]["resumed_jobs"].as_u64().unwrap(), lines)
    }
}

#[test]
fn killed_at_any_moment_a_run_goes_on_and_gives_the_same_bytes() {
    let place = Place::new();
    // Nobody reads their output, so that none of them gets to its end.
    for (grown, backend) in [
        (1, "processes"),
        (20_000, "threads"),
        (50_000, "serial"),
        (70_000, "processes"),
        (70_000, "threads"),
    ] {
        let before = place.len();
        let program = place.start(&format!("{CSV} -w 2 --backend {backend}"));
        eventually(DEADLINE, "the journal has grown", || before + grown <= place.len());
        program.signal(Signal::KILL);
        assert_eq!(program.wait().code(), None);
    }
    let ended = place.start(&format!("{CSV} -w 2")).end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout == expected_csv());
    assert_eq!(place.finish(&CSV.replace("csv", "json")).0, N_JOBS);
}

#[test]
fn every_result_that_was_seen_is_kept() {
    for (backend, n_seen) in [("serial", 1_u64), ("threads", 3), ("processes", 12)] {
        let place = Place::new();
        let mut program =
            place.start(&format!("{JOBS} --order completion -w 2 --backend {backend}"));
        // The last of these lines is the first of a job, which must be kept by then.
        let seen = program.lines(usize::try_from(n_seen).unwrap() * N_POINTS + 1);
        program.signal(Signal::KILL);
        program.wait();
        let (n_resumed, all) = place.finish(&JOBS.replace("jsonl", "json"));
        assert!(n_seen < n_resumed && n_resumed < 24, "{n_resumed} after {n_seen}");
        assert_eq!(all_bits(&all), all_bits(serial()));
        assert!(all_bits(&seen).is_subset(&all_bits(&all)));
    }
}

#[test]
fn a_run_that_is_asked_to_end_says_how_to_go_on() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let place = Place::new();
        let mut program = place.start(&format!("{JOBS} --order completion -w 2"));
        let mut lines = program.lines(1);
        program.signal(signal);
        let ended = program.end();
        assert_eq!(ended.status.code(), Some(code), "{}", ended.stderr);
        let expected = format!(
            "error: stopped before all results were complete\n\
             hint: `{}` has what is finished; the same command goes on from there\n",
            place.path.display()
        );
        assert_eq!(ended.stderr, expected);
        lines.extend(parse(&ended.stdout));
        assert!(lines.len() < 24 * N_POINTS);

        let ended = place.start(&format!("{JOBS} --order completion")).end();
        assert!(ended.status.success(), "{}", ended.stderr);
        assert_eq!(all_bits(&parse(&ended.stdout)), all_bits(serial()));
    }
}

#[test]
fn a_second_run_on_the_same_journal_is_refused() {
    let place = Place::new();
    let mut program = place.start(&format!("{JOBS} --order completion -w 2"));
    program.lines(1);
    let before = fs::read(&place.path).unwrap();
    let second = place.start(&format!("{JOBS} --backend serial")).end();
    assert_eq!((second.status.code(), second.stdout.as_str()), (Some(3), ""));
    let name = place.path.display();
    let expected = format!("error: the journal `{name}` is in use by another run\n");
    assert_eq!(second.stderr, expected);
    assert!(fs::read(&place.path).unwrap().starts_with(&before));

    // The lock goes with the process, however that ends, and not with its workers.
    let workers = program.workers(2);
    workers.iter().for_each(Process::stop);
    program.signal(Signal::KILL);
    program.wait();
    let ended = place.start(&format!("{JOBS} --backend serial")).end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    workers.iter().for_each(|worker| worker.signal(Signal::CONT));
}

#[test]
fn workers_do_not_have_the_journal() {
    let place = Place::new();
    let mut program = place.start(&format!("{JOBS} --order completion -w 2"));
    program.lines(1);
    for worker in program.workers(2) {
        assert!(worker.descriptors().iter().all(|(_, path)| *path != place.path), "{worker:?}");
    }
}
