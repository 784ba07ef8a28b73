//! Ordered against unordered results.

use std::collections::HashMap;

use serde::Serialize;

use super::{Align, Column, Table, markup};
use crate::{bench::Job, report::width::short};

/// A width whose result has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Arrival {
    /// The width.
    pub h: f64,
    /// Who ran its last job.
    pub worker: u32,
    /// When that job ended, counted from the begin.
    pub after_ns: u64,
}

/// The widths of `jobs`, which are in the order in which they came back: a width has arrived when
/// all of its jobs have. Empty if a job has several widths, which then arrive together.
#[must_use]
pub fn arrivals(jobs: &[Job], started_ns: u64) -> Vec<Arrival> {
    if jobs.iter().any(|job| job.widths.0 != job.widths.1) {
        return Vec::new();
    }
    let last: HashMap<u64, usize> =
        jobs.iter().enumerate().map(|(index, job)| (job.widths.0.to_bits(), index)).collect();
    let complete = |(index, job): (usize, &Job)| {
        (last[&job.widths.0.to_bits()] == index).then(|| Arrival {
            h: job.widths.0,
            worker: job.worker,
            after_ns: job.finished_ns.saturating_sub(started_ns),
        })
    };
    jobs.iter().enumerate().filter_map(complete).collect()
}

/// What the script draws into, and the same as a table.
pub(super) fn markup(arrivals: &[Arrival], arrivals_of: &str) -> String {
    if arrivals.is_empty() {
        return String::new();
    }
    let table = markup::table(&table(arrivals));
    markup::fill(
        include_str!("order.html"),
        &[("of", markup::words(arrivals_of)), ("sentence", sentence(arrivals)), ("table", table)],
    )
}

/// Indices of `arrivals`, by width.
fn by_width(arrivals: &[Arrival]) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..arrivals.len()).collect();
    indices.sort_by(|&a, &b| arrivals[a].h.total_cmp(&arrivals[b].h));
    indices
}

fn sentence(arrivals: &[Arrival]) -> String {
    let sorted = by_width(arrivals);
    let n_elsewhere = sorted.iter().enumerate().filter(|(place, index)| place != *index).count();
    match n_elsewhere {
        0 => format!("All {} widths arrived in order, this time.", arrivals.len()),
        _ => format!(
            "{n_elsewhere} of {} widths arrived at another place than they have when sorted.",
            arrivals.len()
        ),
    }
}

fn table(arrivals: &[Arrival]) -> Table {
    let sorted = by_width(arrivals);
    let row = |(place, (arrival, &index)): (usize, (&Arrival, &usize))| {
        vec![
            (place + 1).to_string(),
            short(arrival.h).to_string(),
            format!("worker {}", arrival.worker),
            format!("{:.3}", arrival.after_ns as f64 / 1e6),
            short(arrivals[index].h).to_string(),
            (index + 1).to_string(),
        ]
    };
    let column = |name: &str, align| Column { name: name.to_owned(), align };
    Table {
        caption: "Widths as they arrived, and sorted".to_owned(),
        columns: vec![
            column("Place", Align::Number),
            column("Arrived: h", Align::Number),
            column("From", Align::Text),
            column("Finished after (ms)", Align::Number),
            column("Sorted: h", Align::Number),
            column("Arrived at place", Align::Number),
        ],
        rows: arrivals.iter().zip(&sorted).enumerate().map(row).collect(),
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(h: f64, worker: u32, finished_ns: u64) -> Job {
        let (started_ns, rows, widths, points) = (100, (0, 10), (h, h), 1);
        Job { job: 0, worker, started_ns, finished_ns, rows, widths, points }
    }

    #[test]
    fn a_width_arrives_with_its_last_job() {
        let jobs = [job(0.2, 0, 110), job(0.1, 1, 120), job(0.2, 1, 130)];
        let expected = [
            Arrival { h: 0.1, worker: 1, after_ns: 20 },
            Arrival { h: 0.2, worker: 1, after_ns: 30 },
        ];
        assert_eq!(arrivals(&jobs, 100), expected);
    }

    #[test]
    fn widths_that_share_a_job_have_no_order() {
        let several = Job { widths: (0.2, 0.1), ..job(0.1, 0, 110) };
        assert_eq!(arrivals(&[several], 100), []);
    }

    #[test]
    fn the_table_has_both_orders() {
        let arrival = |h| Arrival { h, worker: 3, after_ns: 1_500_000 };
        let arrivals = [arrival(0.1 + 0.2), arrival(0.1), arrival(0.5)];
        assert_eq!(
            table(&arrivals).rows,
            [
                ["1", "0.3", "worker 3", "1.500", "0.1", "2"],
                ["2", "0.1", "worker 3", "1.500", "0.3", "1"],
                ["3", "0.5", "worker 3", "1.500", "0.5", "3"],
            ]
        );
        assert!(sentence(&arrivals).starts_with("2 of 3"));
        assert!(sentence(&arrivals[..1]).contains("in order"));
    }
}
