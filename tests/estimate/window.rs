//! Executors by themselves: what they promise about `todo`, the window and the sink.

use std::{collections::BTreeSet, num::NonZeroU64};

use parzen::estimate::{
    Completed, Error, Executor, Plan, Problem, Reason, Serial, Shape, Stop, Work,
};

use crate::data::{Dataset, METHODS, problem, processes, threads};

fn executors() -> [Box<dyn Executor>; 6] {
    let threads = |n| Box::new(threads(n));
    let processes = |n| Box::new(processes(n));
    [Box::new(Serial), threads(1), threads(2), threads(5), processes(1), processes(3)]
}

/// 50 jobs.
fn with_problem(check: impl Fn(&Problem<'_>)) {
    let dataset = Dataset::scattered(50, 2);
    let prepared = dataset.prepare(&[0.0, 0.0], &[1.0]);
    check(&problem(&prepared, METHODS[1], 1));
}

fn run(
    problem: &Problem<'_>,
    executor: &mut dyn Executor,
    window: u64,
    todo: &mut (dyn Iterator<Item = u64> + Send),
    sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
) -> Result<(), Error> {
    run_until(problem, executor, &Stop::new(), window, todo, sink)
}

fn run_until(
    problem: &Problem<'_>,
    executor: &mut dyn Executor,
    stop: &Stop,
    window: u64,
    todo: &mut (dyn Iterator<Item = u64> + Send),
    sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
) -> Result<(), Error> {
    let plan = problem.plan();
    let window = NonZeroU64::new(window).unwrap();
    let (inputs, method) = (problem.prepared.inputs(), problem.method);
    executor.run(Work { inputs, method, plan: &plan, stop, window }, todo, sink)
}

#[test]
fn every_job_is_run_once_and_never_too_far_ahead_of_the_oldest() {
    with_problem(|problem| {
        for mut executor in executors() {
            for window in [1, 2, 3, 1000] {
                let mut unfinished: BTreeSet<u64> = (0..50).filter(|job| job % 3 != 1).collect();
                let mut todo = unfinished.clone().into_iter();
                let mut sink = |completed: Completed| {
                    let oldest = *unfinished.first().unwrap();
                    assert!(completed.job < oldest + window, "{} at {oldest}", completed.job);
                    assert!(unfinished.remove(&completed.job));
                    Ok(())
                };
                run(problem, &mut *executor, window, &mut todo, &mut sink).unwrap();
                assert_eq!(unfinished, BTreeSet::new());
            }
        }
    });
}

#[test]
fn an_endless_list_of_jobs_is_taken_only_as_needed() {
    with_problem(|problem| {
        for mut executor in executors() {
            let mut taken = 0;
            let mut todo = std::iter::from_fn(|| {
                taken += 1;
                Some(taken - 1)
            });
            let mut sunk = 0;
            let mut sink = |_: Completed| {
                sunk += 1;
                if sunk == 10 { Err(Error::Unfinished { left: u64::MAX }) } else { Ok(()) }
            };
            let result = run(problem, &mut *executor, 4, &mut todo, &mut sink);
            assert!(matches!(result, Err(Error::Unfinished { .. })), "{result:?}");
            assert!(taken <= 10 + 4 + 1, "{taken}");
        }
    });
}

#[test]
fn being_stopped_is_told_only_if_something_is_left() {
    with_problem(|problem| {
        for mut executor in executors() {
            let stop = Stop::new();
            stop.raise(Reason::Interrupted);
            let never = &mut |completed: Completed| panic!("{completed:?}");
            let result = run_until(problem, &mut *executor, &stop, 3, &mut (0..1), never);
            assert!(matches!(result, Err(Error::Stopped)), "{result:?}");
            run_until(problem, &mut *executor, &stop, 3, &mut (0..0), never).unwrap();
        }
    });
}

#[test]
fn a_thread_that_panics_is_an_error_and_not_a_hang() {
    with_problem(|problem| {
        for n in [1, 2, 5] {
            let mut threads = threads(n);
            let mut todo = (0..50).inspect(|&job| assert!(job < 20, "on purpose"));
            let result = run(problem, &mut threads, 3, &mut todo, &mut |_| Ok(()));
            assert!(matches!(result, Err(Error::Panicked)), "{result:?}");
        }
    });
}

#[test]
fn a_thread_that_panics_with_a_job_in_flight_leaves_nobody_waiting_for_it() {
    with_problem(|problem| {
        let shape = Shape { n: 0, d: 1, m: 1, widths: 1 };
        let no_plan = Plan::new(shape, problem.method, None);
        let (inputs, method) = (problem.prepared.inputs(), problem.method);
        let (stop, window) = (Stop::new(), NonZeroU64::MIN);
        let work = Work { inputs, method, plan: &no_plan, stop: &stop, window };
        let mut threads = threads(3);
        let result = threads.run(work, &mut (0..9), &mut |_| Ok(()));
        assert!(matches!(result, Err(Error::Panicked)), "{result:?}");
    });
}
