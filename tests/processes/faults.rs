//! Jobs that go wrong, in the real program.

use crate::{
    fakes,
    order::{all_bits, parse},
    program::{Ended, Program},
    starts::run,
};

const LINE: &str = "estimate --method direct --chunk-rows 10000 --order completion --format jsonl";

/// Checks that of 12 widths all but one are printed, and that one error line says why.
fn check(fake: &str, options: &str, reason: &str) {
    let line = format!("{LINE} -w 2 {options}");
    let Ended { status, stdout, stderr, .. } = run(&fakes::shell_command(fake), &line);
    assert_eq!(status.code(), Some(4), "{stderr}");
    let error = "error: 1 of 12 jobs failed, first job 2: ";
    assert!(stderr.starts_with(error) && stderr.contains(reason), "{stderr}");
    let mut others = stderr.lines().skip(1);
    assert!(others.all(|line| line.starts_with("hint: ")), "{stderr}");

    let lines = parse(&stdout);
    assert!(lines.iter().map(|line| line.seq).eq(0..11), "{stdout}");
    let all = parse(&Program::start(&format!("{LINE} --backend serial")).end().stdout);
    let (printed, mut others) = (all_bits(&lines), all_bits(&all));
    others.retain(|(h, ..)| *h != all[2].h.to_bits());
    assert_eq!(printed, others);
}

#[test]
fn a_job_that_hangs_fails_alone() {
    // Long for the other jobs, however busy the machine is.
    check("hangs", "--job-timeout 2s", " ran longer than 2 s, having used ");
}

#[test]
fn a_job_that_crashes_fails_alone() {
    let input = "died running input 2 of `parzen.density-tile` ({\"inputs\":";
    check("aborts", "", &format!("3 workers {input}"));
    check("aborts", "--max-crashes 0", &format!("1 worker {input}"));
    check("aborts", "", "; the last was killed by SIGABRT (6)");
}

#[test]
fn a_job_that_panics_or_fails_does_so_alone() {
    check("panics", "", "no such luck");
    check("fails", "", "no such width");
}

#[test]
fn a_result_that_cannot_be_ends_the_run() {
    let ended = run(&fakes::shell_command("lies"), &format!("{LINE} -w 2"));
    assert_eq!(ended.status.code(), Some(4), "{}", ended.stderr);
    assert!(ended.stderr.contains("returned a wrong result for job 2"), "{}", ended.stderr);
}

#[test]
fn a_worker_without_the_task_is_told() {
    let ended = run(&fakes::shell_command("knows_no_task"), &format!("{LINE} -w 2"));
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(4), ""));
    assert!(ended.stderr.contains("12 of 12 jobs failed, first job "), "{}", ended.stderr);
    assert!(ended.stderr.contains("has no task `parzen.density-tile`"), "{}", ended.stderr);
}
