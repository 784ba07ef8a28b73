//! All backends, cuts and orders give the same bits.

use std::collections::BTreeSet;

use parzen::estimate::{
    ByWidth, Completed, Density, Executor, Observed, Processes, Serial, Stop, Summary, run,
};
use parzen_worker::clock::now_ns;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    data::{
        Dataset, METHODS, backends, bits, estimate, outcome, pool, problem, processes, threads,
    },
    scripted::{Order, Scripted},
};

const WIDTHS: [f64; 5] = [0.125, 0.3, 1.0, 2.5, 9.0];
const POINTS: [f64; 8] = [0.0, 0.0, 0.5, -0.25, -4.0, 4.0, 100.0, 0.0];

/// The definition, with nothing clever about it.
fn counts_by_definition(dataset: &Dataset, points: &[f64], widths: &[f64]) -> Vec<u64> {
    let is_inside = |sample: &[f64], point: &[f64], h: f64| {
        sample.iter().zip(point).all(|(s, x)| ((x - s) / h).abs() <= 0.5)
    };
    let count = |point: &[f64], h: f64| {
        dataset.numbers.chunks(dataset.d).filter(|sample| is_inside(sample, point, h)).count()
    };
    let points = || points.chunks(dataset.d);
    widths.iter().flat_map(|&h| points().map(move |point| count(point, h) as u64)).collect()
}

#[test]
fn every_backend_and_every_cut_gives_the_same_bits() {
    let dataset = Dataset::scattered(5000, 2);
    let prepared = dataset.prepare(&POINTS, &WIDTHS);
    let expected = counts_by_definition(&dataset, &POINTS, &WIDTHS);
    let mut parallel: Vec<(u32, Box<dyn Executor>)> = Vec::new();
    for n in [1, 2, 3, 6] {
        parallel.push((n, Box::new(threads(n))));
        parallel.push((u32::MAX, Box::new(processes(n))));
    }
    let reference = bits(&estimate(&problem(&prepared, METHODS[0], 0), &mut Serial));
    assert!(reference.iter().map(|&(.., count, _)| count).eq(expected));
    for method in METHODS {
        for chunk_rows in [0, 1, 7, 1024, 4999, 5000, 1_000_000] {
            let problem = problem(&prepared, method, chunk_rows);
            assert_eq!(bits(&estimate(&problem, &mut Serial)), reference, "{chunk_rows}");
            for (ids, executor) in &mut parallel {
                let densities = estimate(&problem, &mut **executor);
                let workers = executor.workers();
                assert!(bits(&densities) == reference, "{chunk_rows} rows, {workers} workers");
                assert!(densities.iter().all(|density| density.worker < *ids));
            }
        }
    }
}

#[test]
fn workers_killed_on_the_way_change_nothing() {
    let dataset = Dataset::scattered(5000, 2);
    let prepared = dataset.prepare(&POINTS, &WIDTHS);
    let pool = pool(3).max_crashes(u32::MAX).start().unwrap();
    let mut processes = Processes::new(pool);
    for (method, chunk_rows) in METHODS.into_iter().zip([100, 20]) {
        let problem = problem(&prepared, method, chunk_rows);
        let reference = bits(&estimate(&problem, &mut Serial));
        for round in 0..10 {
            let pids = processes.pool().pids();
            let (mut n_done, mut pids) = (0, pids.into_iter());
            let mut kill = |_: &Completed| {
                n_done += 1;
                if n_done % (7 + round) == 0
                    && let Some(pid) = pids.next()
                {
                    let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
                }
                Ok(())
            };
            let densities = estimate(&problem, &mut Observed::new(&mut processes, &mut kill));
            assert!(bits(&densities) == reference, "{method:?}, round {round}");
            assert_eq!(pids.next(), None, "all were killed");
        }
    }
}

#[test]
fn any_order_of_completion_gives_the_same_bits() {
    let dataset = Dataset::scattered(300, 2);
    let prepared = dataset.prepare(&POINTS, &WIDTHS);
    for method in METHODS {
        let problem = problem(&prepared, method, 13);
        let reference = bits(&estimate(&problem, &mut Serial));
        for order in [Order::Forwards, Order::Backwards, Order::Shuffled(1), Order::Shuffled(2)] {
            let densities = estimate(&problem, &mut Scripted::new(order));
            assert_eq!(bits(&densities), reference, "{order:?}");
        }
    }
}

#[test]
fn many_points_are_cut_into_blocks() {
    let dataset = Dataset::scattered(40, 1);
    let points: Vec<_> = (0..10_000).map(|idx| f64::from(idx) / 1000.0 - 5.0).collect();
    let prepared = dataset.prepare(&points, &WIDTHS);
    let expected = counts_by_definition(&dataset, &points, &WIDTHS);
    for method in METHODS {
        let problem = problem(&prepared, method, 9);
        for mut executor in [Scripted::new(Order::Backwards), Scripted::new(Order::Shuffled(3))] {
            let densities = estimate(&problem, &mut executor);
            assert!(densities.iter().map(|density| density.count).eq(expected.iter().copied()));
        }
    }
    assert_eq!(problem(&prepared, METHODS[1], 9).plan().n_blocks(), 4);
}

#[test]
fn results_stream_sorted_by_width() {
    let dataset = Dataset::scattered(100, 2);
    let prepared = dataset.prepare(&POINTS, &WIDTHS);
    let problem = problem(&prepared, METHODS[0], 10);
    let reference = bits(&estimate(&problem, &mut Serial));
    for order in [Order::Forwards, Order::Backwards, Order::Shuffled(4)] {
        let mut by_width = ByWidth::new(POINTS.len() / 2);
        let mut sorted = Vec::new();
        run(&problem, &mut Scripted::new(order), &Stop::new(), &mut |density| {
            by_width.push(density);
            sorted.extend(std::iter::from_fn(|| by_width.pop()));
            Ok(())
        })
        .unwrap();
        assert_eq!(bits(&sorted), reference, "{order:?}");
    }
}

#[test]
fn densities_are_tagged_and_the_summary_adds_up() {
    let dataset = Dataset::scattered(5000, 2);
    let prepared = dataset.prepare(&POINTS, &WIDTHS);
    let problem = problem(&prepared, METHODS[0], 500);
    for mut executor in backends() {
        let before = now_ns();
        let (summary, densities) = outcome(&problem, &mut *executor, &Stop::new());
        let (summary, after) = (summary.unwrap(), now_ns());
        assert_eq!((summary.n_jobs, summary.n_chunks, summary.n_blocks), (50, 10, 5));
        assert_eq!((summary.n_densities, summary.workers), (20, executor.workers()));
        check_times(&summary, &densities, before, after);
        let widths: BTreeSet<_> = densities.iter().map(|density| density.h.to_bits()).collect();
        assert_eq!(widths.len(), WIDTHS.len());
    }
}

fn check_times(summary: &Summary, densities: &[Density], before: u64, after: u64) {
    assert!(before <= summary.started_ns && summary.started_ns <= summary.first_job_ns);
    assert!(summary.first_job_ns < summary.finished_ns && summary.finished_ns <= after);
    assert!(0 < summary.busy_ns);
    assert!(summary.busy_ns <= u64::from(summary.workers) * summary.total_ns());
    for density in densities {
        assert!(summary.first_job_ns <= density.started_ns);
        assert!(density.started_ns <= density.finished_ns);
        assert!(density.finished_ns <= summary.finished_ns);
    }
}
