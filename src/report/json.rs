//! Results as one JSON object.

use std::io::{self, Write};

use serde::Serialize;

use super::conclusion::{conclusions, warnings};
use crate::bench::{
    Benchmark, Case, CaseSummary, Machine, Measurement, Outline, Parts, Repeated, Round, Scaling,
    Settings, Sweep, Traffic, Worker,
};

#[derive(Serialize)]
struct Document<'a> {
    machine: &'a Machine,
    settings: Settings,
    interrupted: bool,
    sees_others: bool,
    warnings: Vec<String>,
    conclusions: Vec<String>,
    sweep: Option<&'a Sweep>,
    measurements: Vec<Results<'a>>,
}

#[derive(Serialize)]
struct Results<'a> {
    subject: &'a Outline,
    cases: &'a [CaseSummary],
    scaling: &'a [Scaling],
    rounds: Vec<Line<'a>>,
    repeated: &'a [Repeated],
}

/// A round without its jobs, which are what a trace is for.
#[derive(Serialize)]
struct Line<'a> {
    case: Case,
    round: u32,
    order: u32,
    started_ns: u64,
    wall_ns: u64,
    parts: Parts,
    compute_ns: u64,
    idle_ns: u64,
    merge_ns: u64,
    traffic: Option<Traffic>,
    workers: &'a [Worker],
    jobs: usize,
    foreign_share: f64,
    lost: u32,
    /// Of 16 digits, because not every reader of JSON has whole numbers that large.
    digest: String,
}

impl<'a> From<&'a Round> for Line<'a> {
    fn from(round: &'a Round) -> Self {
        Self {
            case: round.case,
            round: round.round,
            order: round.order,
            started_ns: round.started_ns,
            wall_ns: round.wall_ns,
            parts: round.parts,
            compute_ns: round.compute_ns,
            idle_ns: round.idle_ns,
            merge_ns: round.merge_ns,
            traffic: round.traffic,
            workers: &round.workers,
            jobs: round.jobs.len(),
            foreign_share: round.foreign_share,
            lost: round.lost,
            digest: format!("{:016x}", round.digest),
        }
    }
}

impl<'a> From<&'a Measurement> for Results<'a> {
    fn from(measurement: &'a Measurement) -> Self {
        Self {
            subject: &measurement.subject,
            cases: &measurement.cases,
            scaling: &measurement.scaling,
            rounds: measurement.rounds.iter().map(Line::from).collect(),
            repeated: &measurement.repeated,
        }
    }
}

/// Writes a benchmark, all rounds included, but not their jobs.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write_benchmark(out: &mut dyn Write, benchmark: &Benchmark) -> io::Result<()> {
    let document = Document {
        machine: &benchmark.machine,
        settings: benchmark.settings,
        interrupted: benchmark.interrupted,
        sees_others: benchmark.sees_others,
        warnings: warnings(benchmark),
        conclusions: conclusions(benchmark),
        sweep: benchmark.sweep.as_ref(),
        measurements: benchmark.measurements.iter().map(Results::from).collect(),
    };
    write_line(out, &document)
}

/// Writes what is known of the machine.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write_machine(out: &mut dyn Write, machine: &Machine) -> io::Result<()> {
    write_line(out, machine)
}

fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}
