//! Charts of a benchmark.

use super::{Axis, Chart, Lines, Point, Series, break_even, speed_up, times};
use crate::bench::{
    self, Backend, Benchmark, Case, CaseSummary, Crossing, Measurement, PoolState, Sharing, Sweep,
    stats::Estimate,
};

/// The times of a benchmark: the notebook's bars or, over sizes, lines and where processes begin to
/// pay. `None` if serial, which all is compared with, or everything else is missing.
#[must_use]
pub fn of_times(benchmark: &Benchmark) -> Option<Chart> {
    match &benchmark.sweep {
        Some(sweep @ Sweep { axis: bench::Axis::N | bench::Axis::Widths, .. }) => {
            Some(over_sizes(benchmark, sweep))
        }
        Some(Sweep { axis: bench::Axis::Workers, .. }) | None => {
            let measurement = benchmark.measurements.last()?;
            let serial = measurement.case(Case::SERIAL)?;
            let series = over_workers(measurement, |summary| Some(seconds(summary)));
            let point = seconds(serial).at(1.0);
            (!series.is_empty()).then(|| times(measurement.subject.n, point, &series))
        }
    }
}

/// The speed-ups of a benchmark against the number of workers; of a sweep over sizes, those of the
/// largest. `None` if there are none.
#[must_use]
pub fn of_speed_up(benchmark: &Benchmark) -> Option<Chart> {
    let measurement = benchmark.measurements.last()?;
    let series = over_workers(measurement, |summary| Some(Value::from(summary.speedup?)));
    (!series.is_empty()).then(|| speed_up(measurement.subject.n, series))
}

/// A figure and its whiskers.
#[derive(Clone, Copy, Debug)]
struct Value {
    y: f64,
    ends: Option<(f64, f64)>,
}

impl Value {
    fn at(self, x: f64) -> Point {
        let point = Point::from((x, self.y));
        self.ends.map_or(point, |(low, high)| point.between(low, high))
    }
}

impl From<Estimate> for Value {
    fn from(estimate: Estimate) -> Self {
        let ends = estimate.interval.map(|interval| (interval.low, interval.high));
        Self { y: estimate.point, ends }
    }
}

/// The median in seconds, between the quartiles.
fn seconds(summary: &CaseSummary) -> Value {
    let wall = &summary.wall_ns;
    let ends = (1 < wall.n).then_some((wall.lower_quartile / 1e9, wall.upper_quartile / 1e9));
    Value { y: wall.median / 1e9, ends }
}

/// What a case is called, whatever the number of workers.
fn kind(case: Case) -> &'static str {
    match (case.backend, case.pool, case.sharing) {
        (Backend::Serial, ..) => "serial",
        (Backend::Threads, ..) => "threads",
        (Backend::Processes, PoolState::Fresh, Sharing::Once) => "processes",
        (Backend::Processes, PoolState::Warm, Sharing::Once) => "warm processes",
        (Backend::Processes, _, Sharing::PerJobCopy) => "processes, copy per job",
    }
}

/// A line for each kind of case but serial.
fn over_workers(
    measurement: &Measurement,
    value: impl Fn(&CaseSummary) -> Option<Value>,
) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for summary in &measurement.cases {
        if summary.case.backend != Backend::Serial
            && let Some(value) = value(summary)
        {
            push(&mut series, kind(summary.case), value.at(f64::from(summary.case.workers)));
        }
    }
    series
}

fn push(series: &mut Vec<Series>, name: &str, point: Point) {
    match series.iter_mut().find(|one| one.name == name) {
        Some(one) => one.points.push(point),
        None => series.push(Series::new(name, vec![point])),
    }
}

fn over_sizes(benchmark: &Benchmark, sweep: &Sweep) -> Chart {
    let mut series: Vec<Series> = Vec::new();
    for (&value, measurement) in sweep.values.iter().zip(&benchmark.measurements) {
        for summary in &measurement.cases {
            push(&mut series, &summary.case.to_string(), seconds(summary).at(value as f64));
        }
    }
    let breaks: Vec<(String, f64)> = sweep
        .break_even
        .iter()
        .filter_map(|found| match found.beats_serial {
            Crossing::From(value) => {
                let case = Case::processes(found.workers?, found.pool, Sharing::Once);
                Some((format!("{case} beat serial"), value as f64))
            }
            Crossing::Everywhere(_) | Crossing::NotInRange | Crossing::Unknown => None,
        })
        .collect();
    match sweep.axis {
        bench::Axis::N => break_even(series, &breaks),
        bench::Axis::Widths | bench::Axis::Workers => Chart::Lines(Lines {
            title: format!("Time against the number of {}", sweep.axis.name()),
            x: Axis::log(format!("number of {}", sweep.axis.name())),
            y: Axis::log("time in seconds"),
            series,
            ..Lines::default()
        }),
    }
}
