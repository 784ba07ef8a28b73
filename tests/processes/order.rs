//! Results as they arrive, and sorted.

use std::{collections::BTreeSet, sync::OnceLock};

use rustix::process::Signal;

use crate::{
    proc::Process,
    program::{Line, Program},
};

const N_WIDTHS: usize = 24;

/// 32 × 32.
pub(crate) const N_POINTS: usize = 1024;

/// The most jobs that a worker is given at once.
const DEPTH: usize = 2;

/// A job for each width. The results of one fill the pipe several times over, and as long as nobody
/// reads them the program hands out few more jobs: so it stands still until it is read on.
///
/// With a time limit, each job is given out by itself.
pub(crate) const JOBS: &str = "estimate --widths linspace:0.1:2.4:24 --grid -3:3:32 \
    --method direct --chunk-rows 10000 --job-timeout 1m --format jsonl";

/// Reads on until only the jobs of a worker that was stopped are missing.
pub(crate) fn read_all_others(program: &mut Program) -> Vec<Line> {
    program.lines((N_WIDTHS - DEPTH) * N_POINTS - 1)
}

/// Starts [`JOBS`] on two workers, and stops one in the middle of a job. Gives what can be read
/// all the same.
pub(crate) fn start_with_one_stopped() -> (Program, [Process; 2], Vec<Line>) {
    let mut program = Program::start(&format!("{JOBS} --order completion -w 2"));
    let mut lines = program.lines(1);
    let [stopped, other] = program.workers(2).try_into().unwrap();
    stopped.stop();
    lines.extend(read_all_others(&mut program));
    assert!(program.is_running(), "the stopped worker has jobs");
    (program, [stopped, other], lines)
}

pub(crate) fn parse(text: &str) -> Vec<Line> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn widths(lines: &[Line]) -> Vec<f64> {
    lines.iter().map(|line| line.h).collect()
}

pub(crate) fn all_bits(lines: &[Line]) -> BTreeSet<(u64, Vec<u64>, u64, u64)> {
    lines.iter().map(Line::bits).collect()
}

/// All results of [`JOBS`], from one thread.
pub(crate) fn serial() -> &'static [Line] {
    static LINES: OnceLock<Vec<Line>> = OnceLock::new();
    LINES.get_or_init(|| {
        let ended = Program::start(&format!("{JOBS} --backend serial")).end();
        assert!(ended.status.success(), "{}", ended.stderr);
        parse(&ended.stdout)
    })
}

#[test]
fn results_come_as_they_are_ready() {
    let (program, [stopped, _], mut lines) = start_with_one_stopped();
    stopped.signal(Signal::CONT);
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    lines.extend(parse(&ended.stdout));

    assert_eq!(lines.len(), N_WIDTHS * N_POINTS);
    assert!(lines.iter().map(|line| line.seq).eq(0..lines.len() as u64));
    assert!(!widths(&lines).is_sorted(), "the stopped worker's widths come last");
    assert_eq!(all_bits(&lines), all_bits(serial()));
}

#[test]
fn results_come_sorted_by_width() {
    let mut program = Program::start(&format!("{JOBS} --order width -w 2"));
    let mut lines = program.lines(1);
    let [stopped, _] = program.workers(2).try_into().unwrap();
    stopped.stop();
    // Those that are on their way to a reader are not held back by others.
    lines.extend(program.lines(N_POINTS - 1));
    assert!(program.is_running());
    stopped.signal(Signal::CONT);
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    lines.extend(parse(&ended.stdout));

    assert!(widths(&lines).is_sorted());
    assert!(lines.iter().map(Line::bits).eq(serial().iter().map(Line::bits)));
    let mut numbers: Vec<u64> = lines.iter().map(|line| line.seq).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..lines.len() as u64));
}
