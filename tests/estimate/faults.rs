//! Executors that are slow, wrong or stopped, and samples that are not finite.

use std::io;

use parzen::estimate::{
    Completed, Density, Error, Executor, JobError, Mismatch, Observed, Problem, Reason, Serial,
    Stop, run,
};
use parzen_worker::tasks::density::Partial;

use crate::{
    data::{Dataset, METHODS, backends, bits, estimate, outcome, problem, processes, threads},
    scripted::{Order, Scripted},
};

/// 10 chunks, 3 blocks of one width, 2 points.
fn with_thirty_jobs(mut check: impl FnMut(&Problem<'_>)) {
    let dataset = Dataset::scattered(100, 2);
    let prepared = dataset.prepare(&[0.0, 0.0, 1.0, 1.0], &[0.5, 1.0, 2.0]);
    check(&problem(&prepared, METHODS[0], 10));
}

#[test]
fn wrong_results_are_errors_that_name_the_worker() {
    let check = |at: u64, tamper: fn(Completed) -> Vec<Completed>, expected: Mismatch| {
        with_thirty_jobs(|problem| {
            let mut executor = Scripted::tampering(Order::Forwards, move |completed| {
                if completed.job == at { tamper(completed) } else { vec![completed] }
            });
            let (result, _) = outcome(problem, &mut executor, &Stop::new());
            let Err(Error::Partial { worker: 7, source, .. }) = result else {
                panic!("{result:?}, not {expected:?}");
            };
            assert_eq!(source, expected);
        });
    };
    let twice = |completed: Completed| {
        let again = Ok(Partial::Counts(vec![0, 0]));
        vec![Completed { outcome: again, ..completed }, completed]
    };
    check(12, twice, Mismatch::Twice);
    let renamed = |completed| vec![Completed { job: 30, ..completed }];
    check(29, renamed, Mismatch::OutOfRange { n_jobs: 30 });
    let short = |completed| vec![Completed { outcome: Ok(Partial::Counts(vec![1])), ..completed }];
    check(0, short, Mismatch::Length { found: 1, expected: 2 });
    let many =
        |completed| vec![Completed { outcome: Ok(Partial::Counts(vec![1, 11])), ..completed }];
    check(5, many, Mismatch::Count { count: 11, rows: 10 });
    let liar = |completed| vec![Completed { outcome: Ok(Partial::NotFinite), ..completed }];
    check(5, liar, Mismatch::Finite);
}

#[test]
fn a_job_that_is_never_returned_is_missed() {
    with_thirty_jobs(|problem| {
        let mut executor = Scripted::tampering(Order::Shuffled(5), |completed| {
            if completed.job == 14 { vec![] } else { vec![completed] }
        });
        let (result, densities) = outcome(problem, &mut executor, &Stop::new());
        assert!(matches!(result, Err(Error::Unfinished { left: 1 })), "{result:?}");
        assert_eq!(densities.len(), 4, "the other two blocks are complete");
    });
}

#[test]
fn a_failed_job_costs_only_what_needs_it() {
    for failing in [0, 3, 14, 29] {
        with_thirty_jobs(|problem| {
            let mut executor = Scripted::tampering(Order::Backwards, move |completed| {
                let outcome = if completed.job == failing {
                    Err(JobError::Panicked("on purpose".to_owned()))
                } else {
                    completed.outcome
                };
                vec![Completed { outcome, ..completed }]
            });
            let (result, densities) = outcome(problem, &mut executor, &Stop::new());
            let Err(Error::Jobs { n_failed: 1, n_jobs: 30, job, source }) = result else {
                panic!("{result:?}");
            };
            assert_eq!((job, source.to_string().as_str()), (failing, "panicked: on purpose"));
            let mut all = bits(&estimate(problem, &mut Serial));
            all.retain(|&(_, width_idx, ..)| width_idx as u64 != failing / 10);
            let mut emitted = bits(&densities);
            emitted.sort_unstable();
            assert_eq!(emitted, all);
        });
    }
}

#[test]
fn the_first_number_that_is_not_finite_is_named_on_every_backend() {
    let mut numbers = Dataset::scattered(5000, 3).numbers;
    numbers[3 * 1234 + 2] = f64::NEG_INFINITY;
    numbers[3 * 1235] = f64::NAN;
    numbers[3 * 4999 + 1] = f64::NAN;
    let dataset = Dataset::new(numbers, 3);
    let prepared = dataset.prepare(&[0.0; 3], &[0.5, 1.0]);
    let (mut one, mut three) = (processes(1), processes(3));
    for method in METHODS {
        for chunk_rows in [0, 1, 1000, 5000] {
            let executors: [&mut dyn Executor; 7] = [
                &mut Serial,
                &mut threads(1),
                &mut threads(3),
                &mut one,
                &mut three,
                &mut Scripted::new(Order::Backwards),
                &mut Scripted::new(Order::Shuffled(6)),
            ];
            for executor in executors {
                let problem = problem(&prepared, method, chunk_rows);
                let (result, densities) = outcome(&problem, executor, &Stop::new());
                let Err(Error::NotFinite { row, column, value }) = result else {
                    panic!("{result:?}");
                };
                assert_eq!((row, column, value), (1234, 2, f64::NEG_INFINITY));
                assert_eq!(densities, [], "nothing is known before all samples are looked at");
            }
        }
    }
}

#[test]
fn a_failed_job_does_not_hide_a_number_that_is_not_finite() {
    let mut numbers = Dataset::scattered(100, 2).numbers;
    numbers[2 * 33] = f64::NAN;
    let dataset = Dataset::new(numbers, 2);
    let prepared = dataset.prepare(&[0.0; 2], &[0.5, 1.0]);
    // Job 3 reads row 33 and should look for it, 13 only reads it.
    let mut executor = Scripted::tampering(Order::Backwards, |completed| {
        let outcome = match completed.job {
            3 => Err(JobError::Panicked("on purpose".to_owned())),
            _ => completed.outcome,
        };
        vec![Completed { outcome, ..completed }]
    });
    let problem = problem(&prepared, METHODS[0], 10);
    let (result, densities) = outcome(&problem, &mut executor, &Stop::new());
    assert!(matches!(result, Err(Error::NotFinite { row: 33, column: 0, .. })), "{result:?}");
    assert_eq!(densities, []);
}

#[test]
fn stopping_keeps_what_is_complete() {
    for mut inner in backends() {
        with_thirty_jobs(|problem| {
            let all = bits(&estimate(problem, &mut Serial));
            let stop = Stop::new();
            let mut jobs = 0;
            let mut observe = |_: &Completed| {
                jobs += 1;
                if jobs == 15 {
                    stop.raise(Reason::Interrupted);
                }
                Ok(())
            };
            let mut executor = Observed::new(&mut *inner, &mut observe);
            let (result, densities) = outcome(problem, &mut executor, &stop);
            // The others may have been done with all jobs before the fifteenth result was looked at.
            assert!(matches!(result, Err(Error::Stopped) | Ok(_)), "{result:?}");
            // Of those that run at once, the first may be the last to end.
            assert!(2 <= densities.len() || 1 < inner.workers());
            assert!(bits(&densities).iter().all(|density| all.contains(density)));
        });
    }
}

#[test]
fn nothing_is_begun_after_stopping() {
    for mut inner in backends() {
        with_thirty_jobs(|problem| {
            let stop = Stop::new();
            stop.raise(Reason::Terminated);
            let mut begun = 0;
            let mut observe = |_: &Completed| {
                begun += 1;
                Ok(())
            };
            let mut executor = Observed::new(&mut *inner, &mut observe);
            let (result, densities) = outcome(problem, &mut executor, &stop);
            assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
            assert_eq!((densities, begun), (vec![], 0));
        });
    }
}

#[test]
fn an_error_of_the_reader_ends_the_estimate_and_comes_back() {
    let executors: [&mut dyn Executor; 4] =
        [&mut Serial, &mut threads(3), &mut processes(3), &mut Scripted::new(Order::Backwards)];
    for executor in executors {
        let dataset = Dataset::scattered(100, 2);
        let prepared = dataset.prepare(&[0.0, 0.0], &[0.5, 1.0, 2.0]);
        let mut emitted = 0;
        let mut emit = |_: Density| {
            emitted += 1;
            Err(Error::Emit(io::ErrorKind::BrokenPipe.into()))
        };
        let problem = problem(&prepared, METHODS[0], 10);
        let result = run(&problem, executor, &Stop::new(), &mut emit);
        let Err(Error::Emit(error)) = result else { panic!("{result:?}") };
        assert_eq!((error.kind(), emitted), (io::ErrorKind::BrokenPipe, 1));
    }
}
