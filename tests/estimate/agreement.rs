//! All backends, cuts and orders give the same bits.

use std::{collections::BTreeSet, num::NonZeroU32};

use parzen::estimate::{ByWidth, Serial, Stop, Threads, run};
use parzen_worker::clock::now_ns;

use crate::{
    data::{Dataset, METHODS, bits, estimate, outcome, problem},
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
    let reference = bits(&estimate(&problem(&prepared, METHODS[0], 0), &mut Serial));
    assert!(reference.iter().map(|&(.., count, _)| count).eq(expected));
    for method in METHODS {
        for chunk_rows in [0, 1, 7, 1024, 4999, 5000, 1_000_000] {
            let problem = problem(&prepared, method, chunk_rows);
            assert_eq!(bits(&estimate(&problem, &mut Serial)), reference, "{chunk_rows}");
            for n_threads in [1, 2, 3, 6] {
                let mut threads = Threads::new(NonZeroU32::new(n_threads).unwrap());
                let densities = estimate(&problem, &mut threads);
                assert_eq!(bits(&densities), reference, "{chunk_rows} rows, {n_threads} threads");
                assert!(densities.iter().all(|density| density.worker < n_threads));
            }
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
    let before = now_ns();
    let mut threads = Threads::new(NonZeroU32::new(2).unwrap());
    let (summary, densities) = outcome(&problem, &mut threads, &Stop::new());
    let (summary, after) = (summary.unwrap(), now_ns());

    assert_eq!((summary.n_jobs, summary.n_chunks, summary.n_blocks), (50, 10, 5));
    assert_eq!((summary.n_densities, summary.workers), (20, 2));
    assert!(before <= summary.started_ns && summary.started_ns <= summary.first_job_ns);
    assert!(summary.first_job_ns < summary.finished_ns && summary.finished_ns <= after);
    assert!(0 < summary.busy_ns && summary.busy_ns <= 2 * summary.total_ns());
    for density in &densities {
        assert!(summary.first_job_ns <= density.started_ns);
        assert!(density.started_ns <= density.finished_ns);
        assert!(density.finished_ns <= summary.finished_ns);
    }
    let widths: BTreeSet<_> = densities.iter().map(|density| density.h.to_bits()).collect();
    assert_eq!(widths.len(), WIDTHS.len());
}
