//! Estimates that are taken up again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use parzen::estimate::{
    Completed, Density, Error, Executor, Journal, JournalError, JournalFile, Mismatch, Observed,
    Prepared, Problem, Reason, Serial, Stop, Summary, Volume, resume,
};
use parzen_worker::tasks::density::Partial;
use tempfile::TempDir;

use crate::{
    data::{Dataset, METHODS, backends, bits, estimate, problem, processes},
    scripted::{Order, Scripted},
};

/// Three widths, ten chunks.
const N_JOBS: u64 = 30;
const N_CHUNKS: u64 = 10;

/// Checks a problem of [`N_JOBS`] jobs, with a place for its journal.
fn with_problem(check: impl Fn(&Problem<'_>, &Path)) {
    let dataset = Dataset::scattered(100, 2);
    let prepared = dataset.prepare(&[0.0, 0.0, 1.0, -1.0], &[0.5, 1.0, 2.0]);
    let directory = TempDir::new().unwrap();
    check(&problem(&prepared, METHODS[0], 10), &directory.path().join("x.journal"));
}

fn open<'a>(path: &Path, problem: &Problem<'a>) -> Journal<'a> {
    JournalFile::open(path).unwrap().resume(problem).unwrap()
}

type Emit<'a> = dyn FnMut(Density) -> Result<(), Error> + 'a;

fn resume_with(
    problem: &Problem<'_>,
    executor: &mut dyn Executor,
    path: &Path,
    stop: &Stop,
    emit: &mut Emit<'_>,
) -> Result<Summary, Error> {
    resume(open(path, problem), executor, stop, emit)
}

/// Runs to the end; gives what was emitted, sorted, and how many jobs were not run for it.
fn finish(problem: &Problem<'_>, executor: &mut dyn Executor, path: &Path) -> (Vec<Density>, u64) {
    let mut densities = Vec::new();
    let mut n_run = 0;
    let mut count = |_: &Completed| {
        n_run += 1;
        Ok(())
    };
    let mut observed = Observed::new(executor, &mut count);
    let summary = resume_with(problem, &mut observed, path, &Stop::new(), &mut |density| {
        densities.push(density);
        Ok(())
    });
    let n_resumed = summary.unwrap().n_resumed;
    assert_eq!(n_run, N_JOBS - n_resumed, "each job is run once");
    densities.sort_by_key(|density| (density.width_idx, density.point_idx));
    (densities, n_resumed)
}

/// Runs until `n_jobs` jobs are done, and stops there as if the program had been killed.
fn run_some(problem: &Problem<'_>, executor: &mut dyn Executor, path: &Path, n_jobs: u64) {
    let mut n_left = n_jobs;
    let mut observe = |_: &Completed| {
        n_left = n_left.checked_sub(1).ok_or(Error::Panicked)?;
        Ok(())
    };
    let mut observed = Observed::new(executor, &mut observe);
    let result = resume_with(problem, &mut observed, path, &Stop::new(), &mut |_| Ok(()));
    assert!(matches!(result, Err(Error::Panicked)), "{result:?}");
}

#[test]
fn wherever_it_ended_and_whoever_goes_on_the_bits_are_the_same() {
    let orders = [Order::Forwards, Order::Backwards, Order::Shuffled(3), Order::Shuffled(8)];
    with_problem(|problem, path| {
        let expected = bits(&estimate(problem, &mut Serial));
        for first in orders {
            for n_jobs in [0, 1, 9, 10, 11, 29] {
                run_some(problem, &mut Scripted::new(first), path, n_jobs);
                let (densities, n_resumed) = finish(problem, &mut Scripted::new(orders[2]), path);
                assert_eq!(n_resumed, n_jobs);
                assert_eq!(bits(&densities), expected, "{first:?}, {n_jobs} jobs");
                fs::remove_file(path).unwrap();
            }
        }
    });
}

#[test]
fn every_backend_goes_on_where_another_ended() {
    with_problem(|problem, path| {
        let expected = bits(&estimate(problem, &mut Serial));
        for (idx, mut first) in backends().into_iter().enumerate() {
            for mut second in backends() {
                run_some(problem, &mut *first, path, 7 + idx as u64);
                let (densities, n_resumed) = finish(problem, &mut *second, path);
                assert_eq!((bits(&densities), n_resumed), (expected.clone(), 7 + idx as u64));
                let (densities, n_resumed) = finish(problem, &mut *second, path);
                assert_eq!((bits(&densities), n_resumed), (expected.clone(), N_JOBS));
                fs::remove_file(path).unwrap();
            }
        }
    });
}

#[test]
fn a_journal_may_end_many_times() {
    with_problem(|problem, path| {
        let mut executor = Scripted::new(Order::Shuffled(5));
        (0..10).for_each(|_| run_some(problem, &mut executor, path, 2));
        let (densities, n_resumed) = finish(problem, &mut executor, path);
        assert_eq!(n_resumed, 20);
        assert_eq!(bits(&densities), bits(&estimate(problem, &mut Serial)));
    });
}

#[test]
fn a_result_is_in_the_file_before_it_is_seen() {
    with_problem(|problem, path| {
        let copy: PathBuf = path.with_extension("copy");
        let mut n_seen = 0;
        let mut emit = |_: Density| {
            n_seen += 1;
            let n_blocks = u64::div_ceil(n_seen, 2);
            fs::copy(path, &copy).unwrap();
            assert!(N_CHUNKS * n_blocks <= open(&copy, problem).n_resumed());
            Ok(())
        };
        let mut executor = Scripted::new(Order::Forwards);
        resume_with(problem, &mut executor, path, &Stop::new(), &mut emit).unwrap();
        assert_eq!(n_seen, 6);
    });
}

#[test]
fn a_stop_keeps_what_is_finished() {
    with_problem(|problem, path| {
        let stop = Stop::new();
        let mut emitted = Vec::new();
        let result = resume_with(problem, &mut Serial, path, &stop, &mut |density| {
            emitted.push(density);
            stop.raise(Reason::Interrupted);
            Ok(())
        });
        assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
        assert_eq!(open(path, problem).n_resumed(), N_CHUNKS);

        // One that was stopped before it began reads no further than it must.
        let result = resume_with(problem, &mut Serial, path, &stop, &mut |density| {
            panic!("{density:?}");
        });
        assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
        let (densities, n_resumed) = finish(problem, &mut Serial, path);
        assert_eq!(n_resumed, N_CHUNKS);
        assert_eq!(bits(&densities[..2]), bits(&emitted));
    });
}

#[test]
fn a_job_that_failed_is_run_again() {
    with_problem(|problem, path| {
        let fails = |completed: Completed| {
            let panic = || Err(parzen::estimate::JobError::Panicked("on purpose".to_owned()));
            let outcome = if completed.job == 3 { panic() } else { completed.outcome };
            vec![Completed { outcome, ..completed }]
        };
        for n_resumed in [0, N_JOBS - 1] {
            let mut executor = Scripted::tampering(Order::Backwards, fails);
            let journal = open(path, problem);
            assert_eq!(journal.n_resumed(), n_resumed);
            let mut n_seen = 0;
            let result = resume(journal, &mut executor, &Stop::new(), &mut |_| {
                n_seen += 1;
                Ok(())
            });
            assert!(matches!(result, Err(Error::Jobs { n_failed: 1, job: 3, .. })), "{result:?}");
            assert_eq!(n_seen, 4, "all but the block of the job that failed");
        }
        let (densities, n_resumed) = finish(problem, &mut Serial, path);
        assert_eq!(n_resumed, N_JOBS - 1);
        assert_eq!(bits(&densities), bits(&estimate(problem, &mut Serial)));
    });
}

#[test]
fn a_wrong_partial_of_a_worker_is_not_kept() {
    with_problem(|problem, path| {
        let mut executor = Scripted::tampering(Order::Forwards, |completed| {
            let outcome = match completed.job {
                4 => Ok(Partial::Counts(vec![11, 0])),
                _ => completed.outcome,
            };
            vec![Completed { outcome, ..completed }]
        });
        let result = resume_with(problem, &mut executor, path, &Stop::new(), &mut |_| Ok(()));
        let mismatch = Mismatch::Count { count: 11, rows: 10 };
        assert!(
            matches!(&result, Err(Error::Partial { job: 4, source, .. }) if *source == mismatch),
            "{result:?}"
        );
        assert_eq!(open(path, problem).n_resumed(), 4);
    });
}

#[test]
fn samples_that_are_not_finite_are_told_however_often_it_is_tried() {
    let mut numbers = Dataset::scattered(100, 2).numbers;
    numbers[2 * 33] = f64::NAN;
    let dataset = Dataset::new(numbers, 2);
    let prepared = dataset.prepare(&[0.0; 2], &[0.5, 1.0]);
    let problem = problem(&prepared, METHODS[0], 10);
    let directory = TempDir::new().unwrap();
    for _ in 0..2 {
        let path = directory.path().join("x.journal");
        let emit = &mut |density: Density| panic!("{density:?}");
        let result = resume_with(&problem, &mut Serial, &path, &Stop::new(), emit);
        assert!(matches!(result, Err(Error::NotFinite { row: 33, column: 0, .. })), "{result:?}");
    }
}

/// Checks that the journal of `problem` is refused for `other`, and why, and that it is left as it
/// is.
fn check_refused(problem: &Problem<'_>, path: &Path, other: &Problem<'_>, expected: &str) {
    run_some(problem, &mut Serial, path, 3);
    let before = fs::read(path).unwrap();
    let error = JournalFile::open(path).unwrap().resume(other).unwrap_err();
    let Error::Journal(JournalError::OtherEstimate { differences, .. }) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(differences, expected);
    assert!(error.to_string().contains("x.journal"), "{error}");
    assert_eq!(fs::read(path).unwrap(), before);
    fs::remove_file(path).unwrap();
}

#[test]
fn the_journal_of_another_estimate_is_refused() {
    let dataset = Dataset::scattered(100, 2);
    let mut changed = dataset.numbers.clone();
    changed[137] = 0.125;
    let (changed, shorter) = (Dataset::new(changed, 2), Dataset::scattered(99, 2));
    let (points, widths) = ([0.0, 0.0, 1.0, -1.0], [0.5, 1.0, 2.0]);
    let prepared = dataset.prepare(&points, &widths);
    with_problem(|first, path| {
        let same = problem(&prepared, METHODS[0], 10);
        let check = |prepared: &Prepared, expected| {
            check_refused(first, path, &Problem { prepared, ..same }, expected);
        };
        check(&changed.prepare(&points, &widths), "its samples differ: 100×2, now others");
        check(&shorter.prepare(&points, &widths), "its samples differ: 100×2, now 99×2");
        check(&dataset.prepare(&points[..2], &widths), "its points differ: 2, now 1");
        let swapped = [1.0, -1.0, 0.0, 0.0];
        check(&dataset.prepare(&swapped, &widths), "its points differ: 2, now others");
        let expected = "its widths differ: 3 from 0.5 to 2, now 2 from 0.5 to 1";
        check(&dataset.prepare(&points, &widths[..2]), expected);
        let expected = "its widths differ: 3 from 0.5 to 2, now others";
        check(&dataset.prepare(&points, &[0.5, 1.5, 2.0]), expected);

        let method = Problem { method: METHODS[1], ..same };
        check_refused(first, path, &method, "its methods differ: direct, now shared");
        let chunks = problem(&prepared, METHODS[0], 25);
        let expected = "its chunks differ: 10 of 10 rows, now 4 of 25 rows";
        check_refused(first, path, &chunks, expected);

        // These do not decide what a job gives.
        run_some(first, &mut Serial, path, 3);
        let same = Problem { volume: Volume::Notebook, ..same };
        let (densities, n_resumed) = finish(&same, &mut processes(3), path);
        assert_eq!((bits(&densities), n_resumed), (bits(&estimate(&same, &mut Serial)), 3));
    });
}

#[test]
fn a_journal_is_of_one_run_at_a_time() {
    with_problem(|problem, path| {
        let journal = open(path, problem);
        let error = JournalFile::open(path).unwrap_err();
        assert!(matches!(error, JournalError::InUse(_)), "{error:?}");
        drop(journal);
        open(path, problem);
    });
}
