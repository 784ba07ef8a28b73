//! The notebook's benchmark: serial against several numbers of processes.

use std::num::NonZeroU32;

use parzen_worker::{kernel::Width, tasks::density::Method};
use serde::Serialize;

use super::{
    Error, Stage,
    bars::{self, Row},
    count, others,
};
use crate::{
    bench::{
        self, Case, Local, Machine, Measurement, PoolState, Settings, Sharing, Subject,
        stats::Spread,
    },
    estimate::{self, Stop},
    input::{self, SampleSpec, Widths},
};

/// Numbers of processes, as in the notebook.
const WORKERS: [u32; 4] = [2, 3, 4, 6];

/// The notebook's widths for this.
const WIDTHS: &str = "linspace:1:1.2:100";

/// Samples for the second run: 100 times the notebook's.
const MANY: usize = 1_000_000;

/// The same work by serial and by processes.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Where it ran.
    pub machine: Machine,
    /// One with the notebook's samples, one with many more.
    pub runs: Vec<Run>,
}

/// One number of samples.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Samples.
    pub n: usize,
    /// Widths.
    pub widths: usize,
    /// Rounds of which the median is shown.
    pub rounds: u32,
    /// Serial first, then the processes, ascending.
    pub cases: Vec<Timing>,
    /// The number of processes from which on more did not clearly help; `None` if none was clearly
    /// faster than serial.
    pub helped_up_to: Option<u32>,
    /// The share of the machine, from 0 to 1, that others used in the median round, if the system
    /// tells.
    pub used_by_others: Option<f64>,
}

/// How long one way took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// Processes; `None` is serial.
    pub processes: Option<u32>,
    /// The median.
    pub seconds: f64,
    /// A quarter of the rounds took less.
    pub lower_quartile_s: f64,
    /// A quarter of the rounds took more.
    pub upper_quartile_s: f64,
    /// Serial time divided by this, in percent, as the notebook has it.
    pub percent_of_serial: f64,
    /// The share of the time, from 0 to 1, that starting and stopping the processes took.
    pub start_share: f64,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Comparison, Error> {
    let machine = Machine::read();
    let (workers, cores) = (workers(stage.workers), machine.available);
    stage.say("One point, a hundred widths from 1 to 1.2, serial and in processes. Starting and");
    stage.say("stopping the processes is part of the time. First the notebook's samples:");
    let subject = subject()?;
    let few = run(stage, &subject, &workers, 9, cores)?;
    tell(stage, &few, cores);
    stage.say("");
    stage.say(format!("And the same with {MANY} samples:"));
    let many = run(stage, &subject.resized(MANY)?, &workers, 5, cores)?;
    tell(stage, &many, cores);
    stage.say("");
    stage.say("Measured on:");
    for line in system(&machine) {
        stage.say(format!("  {line}"));
    }
    stage.say_build();
    Ok(Comparison { machine, runs: vec![few, many] })
}

/// The notebook's numbers of processes, or those of them below the one asked for, and that.
fn workers(asked: Option<NonZeroU32>) -> Vec<u32> {
    let Some(most) = asked.map(NonZeroU32::get) else { return WORKERS.to_vec() };
    WORKERS.into_iter().filter(|&workers| workers < most).chain([most]).collect()
}

fn subject() -> Result<Subject, Error> {
    let samples = input::open(&SampleSpec::default())?;
    let widths: Widths = WIDTHS.parse().expect("it is one of the forms that are accepted");
    let origin = vec![0.0; samples.source.d];
    // A width is a job, as in the notebook.
    let widths = widths.into_vec().into_iter().map(Width::h).collect();
    Ok(Subject::new(samples, origin, widths, Method::Direct))
}

fn run(
    stage: &Stage<'_>,
    subject: &Subject,
    workers: &[u32],
    rounds: u32,
    cores: usize,
) -> Result<Run, Error> {
    let processes = |&workers| Case::processes(workers, PoolState::Fresh, Sharing::Once);
    let cases: Vec<Case> =
        [Case::SERIAL].into_iter().chain(workers.iter().map(processes)).collect();
    let settings =
        Settings { rounds, warmup: 1, max_repeats: 0, max_foreign: 1.0, seed: stage.seed };
    let mut local = Local::new(subject, stage.settings(), Stop::new(), stage.kill.clone())?;
    let session = bench::measure(&cases, &settings, &mut local, &mut |_| {})?;
    if session.interrupted {
        return Err(estimate::Error::Stopped.into());
    }
    let (outline, sees_others) = (subject.outline()?, session.sees_others);
    let (n, widths) = (outline.n, outline.widths);
    let measurement = Measurement::new(outline, &cases, session, &settings, cores);
    let cases = timings(&measurement);
    let shares: Vec<f64> = measurement.rounds.iter().map(|round| round.foreign_share).collect();
    let median = Spread::of(&shares).map(|spread| spread.median);
    let used_by_others = median.filter(|_| sees_others);
    let helped_up_to = helped_up_to(&cases);
    Ok(Run { n, widths, rounds, cases, helped_up_to, used_by_others })
}

fn timings(measurement: &Measurement) -> Vec<Timing> {
    let serial = measurement.case(Case::SERIAL).map_or(f64::NAN, |serial| serial.wall_ns.median);
    let timing = |summary: &bench::CaseSummary| {
        let wall = &summary.wall_ns;
        let around = measurement.typical(summary).map_or(0.0, |round| {
            let around = round.parts.start_ns + round.parts.stop_ns;
            around as f64 / round.wall_ns.max(1) as f64
        });
        let is_serial = summary.case == Case::SERIAL;
        Timing {
            processes: (!is_serial).then_some(summary.case.workers),
            seconds: wall.median / 1e9,
            lower_quartile_s: wall.lower_quartile / 1e9,
            upper_quartile_s: wall.upper_quartile / 1e9,
            percent_of_serial: 100.0 * serial / wall.median,
            start_share: if is_serial { 0.0 } else { around },
        }
    };
    measurement.cases.iter().map(timing).collect()
}

/// The last number of processes, ascending, that was clearly faster than all before it, serial
/// included: three quarters of its rounds took less than three quarters of theirs did.
fn helped_up_to(cases: &[Timing]) -> Option<u32> {
    let (mut best, processes) = cases.split_first()?;
    for case in processes {
        if case.upper_quartile_s < best.lower_quartile_s {
            best = case;
        }
    }
    best.processes
}

/// Shows the notebook's chart, and says what it shows.
fn tell(stage: &mut Stage<'_>, run: &Run, cores: usize) {
    stage.say(format!("Time for n={}, in percent how fast compared with serial:", run.n));
    let label =
        |case: &Timing| case.processes.map_or_else(|| "serial".to_owned(), |n| n.to_string());
    let row = |case: &Timing| Row {
        label: label(case),
        value: case.seconds,
        note: format!("{}  {:.2} %", milliseconds(case.seconds), case.percent_of_serial),
    };
    let rows: Vec<Row> = run.cases.iter().map(row).collect();
    let serial = run.cases.first().map(|case| case.seconds);
    bars::draw(&rows, serial).iter().for_each(|line| stage.say(line));
    stage.say("  (`|` is where serial ends)");
    for line in conclude(run, cores) {
        stage.say(line);
    }
}

/// What the figures say.
fn conclude(run: &Run, cores: usize) -> Vec<String> {
    let [serial, processes @ ..] = &run.cases[..] else { return Vec::new() };
    let [fewest, ..] = processes else { return Vec::new() };
    let best = processes.iter().find(|case| case.processes == run.helped_up_to);
    let shown = best.unwrap_or(fewest);
    let cores = count(u32::try_from(cores).unwrap_or(u32::MAX), "core", "cores");
    let mut lines = vec![match best {
        None => format!(
            "On {cores}, no number of processes was clearly faster than serial, which took {}.",
            milliseconds(serial.seconds)
        ),
        Some(best) if processes.last() == Some(best) => format!(
            "On {cores}, {} were the fastest, {:.2} times as fast as serial; more were not tried.",
            name(best),
            best.percent_of_serial / 100.0
        ),
        Some(best) => format!(
            "On {cores}, adding processes stopped helping at {}: {:.2} times as fast as serial.",
            best.processes.unwrap_or(1),
            best.percent_of_serial / 100.0,
        ),
    }];
    lines.push(format!(
        "Starting and stopping {} alone took {}, {:.0} % of their time.",
        name(shown),
        milliseconds(shown.seconds * shown.start_share),
        100.0 * shown.start_share
    ));
    lines.extend(run.used_by_others.and_then(others));
    lines
}

fn name(case: &Timing) -> String {
    count(case.processes.unwrap_or(1), "process", "processes")
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.2} ms", 1e3 * seconds)
}

/// What the notebook prints of its machine, of this one.
fn system(machine: &Machine) -> Vec<String> {
    let Machine { system, kernel, architecture, processor, compiler, .. } = machine;
    vec![
        format!("system     {system}, kernel {kernel}"),
        format!("machine    {architecture}, {processor}"),
        format!("cores      {}, of which {} to use", machine.logical_cores, machine.available),
        format!("compiler   {compiler}, {} build", machine.profile),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Serial, then 2, 3, 4 processes, with these seconds.
    fn run(seconds: &[f64]) -> Run {
        let case = |(idx, &seconds): (usize, &f64)| Timing {
            processes: u32::try_from(idx).ok().filter(|&idx| 0 < idx).map(|idx| idx + 1),
            seconds,
            lower_quartile_s: 0.95 * seconds,
            upper_quartile_s: 1.05 * seconds,
            percent_of_serial: 100.0,
            start_share: 0.25,
        };
        let cases: Vec<Timing> = seconds.iter().enumerate().map(case).collect();
        let helped_up_to = helped_up_to(&cases);
        Run { n: 1, widths: 1, rounds: 1, cases, helped_up_to, used_by_others: None }
    }

    #[test]
    fn the_conclusion_follows_the_figures() {
        let check = |seconds: &[f64], helped, says: &str| {
            let run = run(seconds);
            assert_eq!(run.helped_up_to, helped, "{seconds:?}");
            let lines = conclude(&run, 2);
            assert!(lines[0].starts_with("On 2 cores, ") && lines[0].contains(says), "{lines:?}");
            assert!(lines[1].contains("25 % of their time"), "{lines:?}");
            assert_eq!(lines.len(), 2);
        };
        check(&[1.0, 0.5, 0.51, 0.49], Some(2), "adding processes stopped helping at 2: ");
        check(&[1.0, 0.5, 0.4, 0.3], Some(4), "4 processes were the fastest");
        check(&[1.0, 2.0, 0.99, 3.0], None, "no number of processes was clearly faster");
        assert!(conclude(&run(&[1.0]), 2).is_empty());
    }

    #[test]
    fn a_busy_machine_is_named() {
        let run = Run { used_by_others: Some(0.5), ..run(&[1.0, 0.5]) };
        assert!(conclude(&run, 2).iter().any(|line| line.starts_with("Others used 50 %")));
    }

    #[test]
    fn the_number_asked_for_is_the_most() {
        assert_eq!(workers(None), [2, 3, 4, 6]);
        assert_eq!(workers(NonZeroU32::new(1)), [1]);
        assert_eq!(workers(NonZeroU32::new(4)), [2, 3, 4]);
        assert_eq!(workers(NonZeroU32::new(9)), [2, 3, 4, 6, 9]);
    }
}
