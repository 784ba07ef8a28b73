//! Results as comma-separated values: a line for each case of each measurement.

use std::io::{self, Write};

use csv::Writer;
use serde::Serialize;

use crate::bench::{
    Backend, Benchmark, CaseSummary, Measurement, PoolState, Round, Sharing, stats::Estimate,
};

/// What is unknown is an empty field. Times are in nanoseconds; those of parts are of the round with
/// the median time.
#[derive(Serialize)]
struct Line<'a> {
    samples: &'a str,
    n: usize,
    d: usize,
    points: usize,
    widths: usize,
    method: &'a str,
    jobs: u64,
    backend: Backend,
    workers: u32,
    pool: PoolState,
    sharing: Sharing,
    rounds: usize,
    busy_rounds: usize,
    outliers: usize,
    median_ns: f64,
    mad_ns: f64,
    lower_quartile_ns: f64,
    upper_quartile_ns: f64,
    min_ns: f64,
    max_ns: f64,
    speedup: Option<f64>,
    speedup_low: Option<f64>,
    speedup_high: Option<f64>,
    efficiency: Option<f64>,
    serial_fraction: Option<f64>,
    over_threads: Option<f64>,
    over_shared_once: Option<f64>,
    whole_ns: Option<u64>,
    start_ns: Option<u64>,
    share_ns: Option<u64>,
    dispatch_ns: Option<u64>,
    work_ns: Option<u64>,
    collect_ns: Option<u64>,
    stop_ns: Option<u64>,
    compute_ns: Option<u64>,
    idle_ns: Option<u64>,
    merge_ns: Option<u64>,
    messages_sent: Option<u64>,
    bytes_sent: Option<u64>,
    messages_received: Option<u64>,
    bytes_received: Option<u64>,
    peak_memory: Option<u64>,
    foreign_share: Option<f64>,
}

impl<'a> Line<'a> {
    fn new(measurement: &'a Measurement, summary: &CaseSummary) -> Self {
        let (subject, wall, case) = (&measurement.subject, summary.wall_ns, summary.case);
        let point = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.point);
        let interval = summary.speedup.and_then(|speedup| speedup.interval);
        let round: Option<&Round> = measurement.typical(summary);
        let parts = round.map(|round| round.parts);
        let traffic = round.and_then(|round| round.traffic);
        let workers = round.map_or(&[][..], |round| &round.workers);
        Self {
            samples: &subject.samples,
            n: subject.n,
            d: subject.d,
            points: subject.points,
            widths: subject.widths,
            method: subject.method,
            jobs: subject.jobs,
            backend: case.backend,
            workers: case.workers,
            pool: case.pool,
            sharing: case.sharing,
            rounds: wall.n,
            busy_rounds: summary.busy,
            outliers: summary.outliers.len(),
            median_ns: wall.median,
            mad_ns: wall.mad,
            lower_quartile_ns: wall.lower_quartile,
            upper_quartile_ns: wall.upper_quartile,
            min_ns: wall.min,
            max_ns: wall.max,
            speedup: point(summary.speedup),
            speedup_low: interval.map(|interval| interval.low),
            speedup_high: interval.map(|interval| interval.high),
            efficiency: point(summary.efficiency),
            serial_fraction: point(summary.serial_fraction),
            over_threads: point(summary.over_threads),
            over_shared_once: point(summary.over_shared_once),
            whole_ns: round.map(|round| round.wall_ns),
            start_ns: parts.map(|parts| parts.start_ns),
            share_ns: parts.map(|parts| parts.share_ns),
            dispatch_ns: parts.map(|parts| parts.dispatch_ns),
            work_ns: parts.map(|parts| parts.work_ns),
            collect_ns: parts.map(|parts| parts.collect_ns),
            stop_ns: parts.map(|parts| parts.stop_ns),
            compute_ns: round.map(|round| round.compute_ns),
            idle_ns: round.map(|round| round.idle_ns),
            merge_ns: round.map(|round| round.merge_ns),
            messages_sent: traffic.map(|traffic| traffic.messages_sent),
            bytes_sent: traffic.map(|traffic| traffic.bytes_sent),
            messages_received: traffic.map(|traffic| traffic.messages_received),
            bytes_received: traffic.map(|traffic| traffic.bytes_received),
            peak_memory: workers.iter().filter_map(|worker| worker.peak_memory).max(),
            foreign_share: round.map(|round| round.foreign_share),
        }
    }
}

/// Writes the cases of a benchmark under a header.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write_benchmark(out: &mut dyn Write, benchmark: &Benchmark) -> io::Result<()> {
    let mut writer = Writer::from_writer(out);
    for measurement in &benchmark.measurements {
        for summary in &measurement.cases {
            writer.serialize(Line::new(measurement, summary))?;
        }
    }
    writer.flush()
}
