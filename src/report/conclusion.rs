//! What the figures say, in words. Every sentence is computed from them.

use super::quantity::{bytes, count, digits, interval, nanoseconds, percent, time};
use crate::bench::{
    Axis, Backend, Benchmark, BreakEven, Case, CaseSummary, Crossing, MAX_DEVIATION, Measurement,
    NEAR, PoolState, Round, Scaling, Sharing, Sweep,
    stats::{Estimate, Interval},
};

/// Fewer rounds than this make intervals that are too short to be believed.
const ENOUGH_ROUNDS: u32 = 5;

/// What a reader must know before believing any figure, the worst first.
#[must_use]
pub fn warnings(benchmark: &Benchmark) -> Vec<String> {
    let Benchmark { settings, machine, measurements, .. } = benchmark;
    let mut warnings = Vec::new();
    if benchmark.interrupted {
        warnings.push("the benchmark was stopped before its end".to_owned());
    }
    warnings.extend(busy(benchmark));
    if !benchmark.sees_others {
        warnings.push("the system does not tell how much others use the machine".to_owned());
    }
    if machine.profile == "debug" {
        warnings.push("this is a debug build: a release build is faster".to_owned());
    }
    warnings.extend(not_counted(benchmark));
    if settings.rounds < ENOUGH_ROUNDS {
        warnings.push(match settings.rounds {
            1 => "one round says nothing about chance: there are no intervals".to_owned(),
            n => format!("the intervals of {n} rounds are too short to be relied on"),
        });
    }
    warnings.extend(deviating(measurements));
    for measurement in measurements {
        let of_size = of_size(benchmark.sweep.as_ref(), measurement);
        warnings.extend(measurement.cases.iter().filter_map(|summary| {
            Some(format!("{}{of_size}: {}", summary.case, outliers(summary)?))
        }));
    }
    warnings
}

/// Which measurement of a sweep, if it is one of several.
pub(super) fn of_size(sweep: Option<&Sweep>, measurement: &Measurement) -> String {
    match sweep.map(|sweep| sweep.axis) {
        Some(Axis::N) => format!(", n={}", measurement.subject.n),
        Some(Axis::Widths) => format!(", {} widths", measurement.subject.widths),
        Some(Axis::Workers) | None => String::new(),
    }
}

fn busy(benchmark: &Benchmark) -> Option<String> {
    let settings = &benchmark.settings;
    let rounds = || benchmark.measurements.iter().flat_map(|one| &one.rounds);
    let busy: Vec<&Round> = rounds().filter(|round| settings.is_busy(round)).collect();
    if busy.is_empty() {
        return None;
    }
    let worst = busy.iter().map(|round| round.foreign_share).fold(0.0, f64::max);
    Some(format!(
        "this machine is busy with other work: in {} of {} others used more than {} of its cores, \
         up to {}, also when they were repeated; the figures below are not those of a quiet machine",
        busy.len(),
        count(rounds().count(), "round"),
        percent(settings.max_foreign),
        percent(worst),
    ))
}

fn not_counted(benchmark: &Benchmark) -> Vec<String> {
    let repeated = || benchmark.measurements.iter().flat_map(|one| &one.repeated);
    let busy = repeated().filter(|round| round.lost == 0).count();
    let lost = repeated().filter(|round| 0 < round.lost && round.again).count();
    let given_up = repeated().filter(|round| !round.again).count();
    let were = |n: usize| if n == 1 { "was" } else { "were" };
    let mut lines = Vec::new();
    if 0 < lost {
        let cases: Vec<String> =
            unique(repeated().filter(|round| 0 < round.lost).map(|round| round.case));
        lines.push(format!(
            "{} {} not counted but repeated, because a worker died: {}",
            count(lost, "round"),
            were(lost),
            cases.join("; ")
        ));
    }
    if 0 < given_up {
        lines.push(format!(
            "{} {} given up, because workers died again and again",
            count(given_up, "round"),
            were(given_up)
        ));
    }
    if 0 < busy {
        lines.push(format!(
            "{} {} repeated, because others used the machine",
            count(busy, "round"),
            were(busy)
        ));
    }
    lines
}

fn unique(cases: impl Iterator<Item = Case>) -> Vec<String> {
    let mut names: Vec<String> = cases.map(|case| case.to_string()).collect();
    names.sort();
    names.dedup();
    names
}

fn deviating(measurements: &[Measurement]) -> Option<String> {
    let rounds = || measurements.iter().flat_map(|one| &one.rounds);
    let n = rounds().filter(|round| MAX_DEVIATION < round.deviation()).count();
    let worst = rounds().map(Round::deviation).fold(0.0, f64::max);
    (0 < n).then(|| {
        format!(
            "in {} the parts add up to the whole only within {}",
            count(n, "round"),
            percent(worst)
        )
    })
}

fn outliers(summary: &CaseSummary) -> Option<String> {
    let farthest =
        summary.outliers.iter().max_by(|a, b| a.score.abs().total_cmp(&b.score.abs()))?;
    let (n, all) = (summary.outliers.len(), summary.wall_ns.n);
    let are = if n == 1 { "is an outlier" } else { "are outliers" };
    Some(format!(
        "{n} of {all} rounds {are}, {} at a median of {}",
        time(farthest.value),
        time(summary.wall_ns.median)
    ))
}

/// What was found, the most important first.
#[must_use]
pub fn conclusions(benchmark: &Benchmark) -> Vec<String> {
    let mut lines = Vec::new();
    let swept_size = benchmark.sweep.as_ref().filter(|sweep| sweep.axis != Axis::Workers);
    if let Some(sweep) = &benchmark.sweep {
        lines.extend(sweep.break_even.iter().flat_map(|found| crossing(sweep, found)));
    }
    // Over sizes, the largest one stands for the others.
    let Some(measurement) = benchmark.measurements.last() else { return lines };
    let cores = benchmark.machine.available;
    let mut of_one = about(measurement, cores);
    if swept_size.is_some() && !of_one.is_empty() {
        let size = of_size(swept_size, measurement);
        lines.push(format!("At the largest size{size}:"));
    }
    lines.append(&mut of_one);
    lines
}

fn about(measurement: &Measurement, cores: usize) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(fastest(measurement));
    let best = |pool| best_processes(measurement, pool);
    if let Some(fresh) = best(PoolState::Fresh) {
        lines.extend(against_serial(fresh));
        lines.extend(against_threads(fresh));
        lines.extend(costs(measurement, fresh));
    }
    if let Some(warm) = best(PoolState::Warm) {
        lines.extend(against_serial(warm));
        lines.extend(against_threads(warm));
    }
    lines.extend(measurement.scaling.iter().map(amdahl));
    lines.extend(measurement.cases.iter().filter_map(|case| per_job_copy(measurement, case)));
    let crowded = measurement.cases.iter().any(|summary| cores < summary.case.workers as usize);
    if crowded {
        lines.push(format!(
            "This program may use {}: more workers than that take turns.",
            count(cores, "core")
        ));
    }
    lines
}

/// The fastest case, if serial is there to compare it with.
fn fastest(measurement: &Measurement) -> Option<String> {
    let serial = measurement.case(Case::SERIAL)?;
    let faster = |one: &&CaseSummary, other: &&CaseSummary| {
        one.wall_ns.median.total_cmp(&other.wall_ns.median)
    };
    let best = measurement.cases.iter().min_by(faster)?;
    if measurement.cases.len() < 2 {
        return None;
    }
    let took = time(best.wall_ns.median);
    let Some(speedup) = &best.speedup else {
        return Some(format!("Nothing was faster than serial, which took {took}."));
    };
    let by_chance = match speedup.interval {
        Some(interval) if interval.low <= 1.0 => "; chance may have made the difference",
        Some(_) | None => "",
    };
    Some(format!(
        "The fastest was `{}` with {took}: {} times as fast as serial with {}{}{by_chance}.",
        best.case,
        digits(speedup.point),
        time(serial.wall_ns.median),
        within(speedup),
    ))
}

/// ` (1.2 to 1.5)`, or nothing.
fn within(estimate: &Estimate) -> String {
    match interval(estimate) {
        text if text.is_empty() => text,
        text => format!(" ({text})"),
    }
}

/// The fastest number of processes.
fn best_processes(measurement: &Measurement, pool: PoolState) -> Option<&CaseSummary> {
    let fits = |summary: &&CaseSummary| {
        let Case { backend, pool: own, sharing, .. } = summary.case;
        backend == Backend::Processes && own == pool && sharing == Sharing::Once
    };
    let median = |summary: &&CaseSummary| summary.wall_ns.median;
    measurement.cases.iter().filter(fits).min_by(|a, b| median(a).total_cmp(&median(b)))
}

fn against_serial(summary: &CaseSummary) -> Option<String> {
    let speedup = summary.speedup?;
    let case = name(summary.case);
    let sentence = match speedup.interval {
        Some(Interval { low, .. }) if 1.0 < low => {
            format!(
                "{case} are faster than serial: {} times{}.",
                digits(speedup.point),
                within(&speedup)
            )
        }
        Some(Interval { high, .. }) if high < 1.0 => {
            let slower = Estimate {
                point: 1.0 / speedup.point,
                interval: speedup
                    .interval
                    .map(|Interval { low, high }| Interval { low: 1.0 / high, high: 1.0 / low }),
                standard_error: None,
            };
            format!(
                "{case} take {} times as long as serial{}.",
                digits(slower.point),
                within(&slower)
            )
        }
        Some(_) => format!(
            "{case} and serial cannot be told apart: a speed-up of {}{}.",
            digits(speedup.point),
            within(&speedup)
        ),
        None => return None,
    };
    Some(sentence)
}

fn against_threads(summary: &CaseSummary) -> Option<String> {
    let ratio = summary.over_threads?;
    let case = name(summary.case);
    let threads = Case::threads(summary.case.workers);
    ratio.interval.map(|Interval { low, high }| {
        let figures = format!("{} times their time{}", digits(ratio.point), within(&ratio));
        if high <= NEAR {
            format!("{case} come within 5 % of `{threads}`: {figures}.")
        } else if NEAR < low {
            format!("{case} take longer than `{threads}`: {figures}.")
        } else {
            format!("Whether {case} come within 5 % of `{threads}` cannot be told: {figures}.")
        }
    })
}

/// Where the time of processes goes that is not work.
fn costs(measurement: &Measurement, summary: &CaseSummary) -> Option<String> {
    let round = measurement.typical(summary)?;
    let whole = round.wall_ns.max(1) as f64;
    let parts = round.parts;
    let share = |ns: u64| format!("{} ({})", nanoseconds(ns), percent(ns as f64 / whole));
    Some(format!(
        "Of the {} of {}, starting took {}, sharing {}, the first job to begin {}, work {}, \
         collecting {} and stopping {}; workers were idle for {} of the working part.",
        nanoseconds(round.wall_ns),
        name(summary.case),
        share(parts.start_ns),
        share(parts.share_ns),
        share(parts.dispatch_ns),
        share(parts.work_ns),
        share(parts.collect_ns),
        share(parts.stop_ns),
        percent(
            round.idle_ns as f64
                / (parts.work_ns.max(1) as f64 * f64::from(round.case.workers.max(1)))
        ),
    ))
}

fn amdahl(scaling: &Scaling) -> String {
    let fraction = scaling.amdahl.serial_fraction;
    let who = match (scaling.backend, scaling.pool) {
        (Backend::Serial, _) => "serial",
        (Backend::Threads, _) => "threads",
        (Backend::Processes, PoolState::Fresh) => "processes",
        (Backend::Processes, PoolState::Warm) => "warm processes",
    };
    let workers: Vec<String> = scaling.workers.iter().map(ToString::to_string).collect();
    if 0.999 < fraction.point {
        return format!(
            "Amdahl's law, fitted to {who} with {} workers, finds nothing that more of them would \
             speed up.",
            workers.join(", ")
        );
    }
    let shares = fraction
        .interval
        .map(|Interval { low, high }| format!(" ({} to {})", percent(low), percent(high)));
    let limit = if 0.001 < fraction.point {
        format!(
            ": however many, they would not be more than {} times as fast",
            digits(1.0 / fraction.point)
        )
    } else {
        String::new()
    };
    format!(
        "Amdahl's law, fitted to {who} with {} workers, leaves {}{} of the time serial{limit}.",
        workers.join(", "),
        percent(fraction.point),
        shares.unwrap_or_default(),
    )
}

fn per_job_copy(measurement: &Measurement, summary: &CaseSummary) -> Option<String> {
    let ratio = summary.over_shared_once?;
    let once = measurement.case(Case { sharing: Sharing::Once, ..summary.case })?;
    let sent =
        |summary: &CaseSummary| Some(bytes(measurement.typical(summary)?.traffic?.bytes_sent));
    Some(format!(
        "Copying the samples for every job makes {} take {} times as long{}: {} are sent, instead \
         of {}.",
        name(once.case),
        digits(ratio.point),
        within(&ratio),
        sent(summary)?,
        sent(once)?,
    ))
}

/// A case within a sentence.
fn name(case: Case) -> String {
    format!("`{case}`")
}

fn crossing(sweep: &Sweep, found: &BreakEven) -> Vec<String> {
    let pool = match found.pool {
        PoolState::Fresh => "",
        PoolState::Warm => "warm ",
    };
    let who = match found.workers {
        Some(1) => format!("1 {pool}process"),
        Some(workers) => format!("{workers} {pool}processes"),
        None => format!("{pool}processes"),
    };
    let measured = match (sweep.values.first(), sweep.values.last()) {
        (Some(first), Some(last)) => format!("measured from {first} to {last}"),
        _ => "nothing measured".to_owned(),
    };
    let axis = sweep.axis.name();
    let sentence = |crossing: Crossing, what: &str| match crossing {
        Crossing::From(value) => Some(format!("From {axis}={value} on, {who} {what}.")),
        Crossing::Everywhere(value) => {
            Some(format!("At every {axis} from {value} on, the smallest measured, {who} {what}."))
        }
        Crossing::NotInRange => {
            Some(format!("That {who} {what} was not found in the range: {axis} {measured}."))
        }
        Crossing::Unknown => None,
    };
    let beats = sentence(found.beats_serial, "are faster than serial");
    let nears = sentence(found.nears_threads, "come within 5 % of threads");
    beats.into_iter().chain(nears).collect()
}

#[cfg(test)]
mod tests;
