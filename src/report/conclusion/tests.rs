//! Sentences, from figures made up for them.

use super::*;
use crate::bench::{Machine, Outline, Parts, Session, Settings, Traffic};

const FRESH: Case = Case {
    backend: Backend::Processes,
    workers: 2,
    pool: PoolState::Fresh,
    sharing: Sharing::Once,
};

fn round(case: Case, number: u32, wall_ns: u64) -> Round {
    let parts = Parts { start_ns: wall_ns / 4, work_ns: wall_ns - wall_ns / 4, ..Parts::default() };
    Round {
        case,
        round: number,
        order: number,
        started_ns: 0,
        wall_ns,
        parts,
        compute_ns: wall_ns,
        idle_ns: wall_ns / 2,
        merge_ns: 0,
        traffic: Some(Traffic { bytes_sent: 1024 * wall_ns, ..Traffic::default() }),
        workers: Vec::new(),
        jobs: Vec::new(),
        foreign_share: 0.0,
        lost: 0,
        digest: 1,
    }
}

/// Rounds with these times, each a little apart from the others.
fn rounds(times: &[(Case, u64)]) -> Vec<Round> {
    let some = |&(case, time): &(Case, u64)| {
        (0..5).map(move |number| round(case, number, time + u64::from(number)))
    };
    times.iter().flat_map(some).collect()
}

fn benchmark(times: &[(Case, u64)], change: impl FnOnce(&mut Session)) -> Benchmark {
    let settings = Settings { rounds: 5, warmup: 1, max_repeats: 5, max_foreign: 0.05, seed: 1 };
    let subject = Outline {
        samples: "`x.npy`".to_owned(),
        n: 10,
        d: 2,
        points: 1,
        widths: 3,
        width_range: (0.5, 1.0),
        method: "shared",
        jobs: 1,
        chunks: 1,
        sample_bytes: 160,
        mapped: true,
    };
    let cases: Vec<Case> = times.iter().map(|&(case, _)| case).collect();
    let mut session = Session { rounds: rounds(times), ..Session::default() };
    change(&mut session);
    Benchmark {
        machine: Machine { available: 2, profile: "release".to_owned(), ..Machine::default() },
        settings,
        interrupted: session.interrupted,
        sees_others: true,
        measurements: vec![Measurement::new(subject, &cases, session, &settings, 2)],
        sweep: None,
        order: None,
    }
}

fn check(lines: &[String], expected: &[&str]) {
    for part in expected {
        assert!(lines.iter().any(|line| line.contains(part)), "{part:?} in {lines:#?}");
    }
}

#[test]
fn a_quiet_machine_gives_no_warning() {
    let found = benchmark(&[(Case::SERIAL, 1000), (FRESH, 500)], |_| ());
    assert_eq!(warnings(&found), [""; 0]);
}

#[test]
fn a_busy_machine_is_told_first() {
    let found = benchmark(&[(Case::SERIAL, 1000)], |session| {
        session.rounds[0].foreign_share = 0.4;
        session.rounds[1].foreign_share = 0.2;
    });
    let lines = warnings(&found);
    assert!(
        lines[0].starts_with("this machine is busy with other work: in 2 of 5 rounds"),
        "{lines:?}"
    );
    assert!(lines[0].contains("up to 40 %"), "{lines:?}");
}

#[test]
fn what_does_not_count_is_told() {
    let repeated = |lost, foreign_share, again| crate::bench::Repeated {
        case: FRESH,
        round: 0,
        order: 0,
        wall_ns: 1,
        foreign_share,
        lost,
        again,
    };
    let mut found = benchmark(&[(Case::SERIAL, 1000), (FRESH, 500)], |session| {
        session.repeated = vec![
            repeated(1, 0.0, true),
            repeated(0, 0.5, true),
            repeated(0, 0.6, true),
            repeated(2, 0.0, false),
        ];
        session.interrupted = true;
        session.rounds[3].wall_ns = 90_000;
    });
    found.machine.profile = "debug".to_owned();
    found.settings.rounds = 1;
    check(
        &warnings(&found),
        &[
            "the benchmark was stopped before its end",
            "this is a debug build",
            "1 round was not counted but repeated, because a worker died: 2 processes",
            "1 round was given up, because workers died again and again",
            "2 rounds were repeated, because others used the machine",
            "one round says nothing about chance",
            "in 1 round the parts add up to the whole only within 99 %",
            "serial: 1 of 5 rounds is an outlier, 90.0 µs at a median of 1.00 µs",
        ],
    );
}

#[test]
fn processes_that_pay_are_said_to() {
    let times = [(Case::SERIAL, 100_000), (Case::threads(2), 50_000), (FRESH, 51_000)];
    check(
        &conclusions(&benchmark(&times, |_| ())),
        &[
            "The fastest was `2 threads` with 50.0 µs: 2.00 times as fast as serial",
            "`2 processes` are faster than serial: 1.96 times",
            "`2 processes` come within 5 % of `2 threads`: 1.02 times their time",
            "starting took 12.8 µs (25 %)",
            "Amdahl's law, fitted to processes with 1, 2 workers, leaves 2.0 %",
            "they would not be more than",
        ],
    );
}

#[test]
fn processes_that_do_not_pay_are_said_to() {
    let copying = Case { sharing: Sharing::PerJobCopy, ..FRESH };
    let crowd = Case { workers: 4, ..FRESH };
    let times = [
        (Case::SERIAL, 100_000),
        (Case::threads(2), 150_000),
        (FRESH, 400_000),
        (crowd, 500_000),
        (copying, 800_000),
    ];
    check(
        &conclusions(&benchmark(&times, |_| ())),
        &[
            "Nothing was faster than serial, which took 100 µs.",
            "`2 processes` take 4.00 times as long as serial",
            "`2 processes` take longer than `2 threads`: 2.67 times",
            "finds nothing that more of them would speed up",
            "Copying the samples for every job makes `2 processes` take 2.00 times as long",
            "This program may use 2 cores: more workers than that take turns.",
        ],
    );
}

#[test]
fn nothing_measured_says_nothing() {
    let found = Benchmark { measurements: Vec::new(), ..benchmark(&[(Case::SERIAL, 1)], |_| ()) };
    assert_eq!(conclusions(&found), [""; 0]);
}

#[test]
fn a_sweep_says_where_or_that_it_was_not_found() {
    let mut found = benchmark(&[(Case::SERIAL, 1000), (FRESH, 500)], |_| ());
    let crossings = |beats_serial, nears_threads| BreakEven {
        workers: Some(2),
        pool: PoolState::Fresh,
        beats_serial,
        nears_threads,
    };
    found.sweep = Some(Sweep {
        axis: Axis::N,
        values: vec![10, 100, 1000],
        break_even: vec![
            crossings(Crossing::From(100), Crossing::NotInRange),
            crossings(Crossing::Everywhere(10), Crossing::Unknown),
        ],
    });
    check(
        &conclusions(&found),
        &[
            "From n=100 on, 2 processes are faster than serial.",
            "That 2 processes come within 5 % of threads was not found in the range: n measured from 10 \
             to 1000.",
            "At every n from 10 on, the smallest measured, 2 processes are faster than serial.",
            "At the largest size, n=10:",
        ],
    );
}
