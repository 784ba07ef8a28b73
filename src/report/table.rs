//! Results for people: on a terminal, or as Markdown.

use std::io::{self, Write};

use super::{
    conclusion::{conclusions, warnings},
    grid::Grid,
    quantity::{bytes, count, digits, interval, nanoseconds, percent, time},
};
use crate::bench::{Axis, Benchmark, CaseSummary, Machine, Measurement, Outline, Round, Settings};

/// How tables look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Aligned columns.
    Text,
    /// Markdown.
    Markdown,
}

/// Writes a benchmark: what was measured, warnings, times, where they go, and conclusions.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write_benchmark(out: &mut dyn Write, benchmark: &Benchmark, style: Style) -> io::Result<()> {
    let mut page = Page { out, style };
    page.paragraphs(&intro(benchmark))?;
    page.list("Warnings", "warning: ", &warnings(benchmark))?;
    if benchmark.measurements.is_empty() {
        return page.paragraphs(&["Nothing was measured.".to_owned()]);
    }
    for (title, grid) in grids(benchmark) {
        page.section(title, &grid)?;
    }
    page.list("Conclusions", "- ", &conclusions(benchmark))
}

/// The figures, each table with its title.
pub(super) fn grids(benchmark: &Benchmark) -> [(&'static str, Grid); 3] {
    [
        ("Times", times(benchmark)),
        ("Where the time goes, in the round with the median time", parts(benchmark)),
        ("What was sent and used in that round", usage(benchmark)),
    ]
}

/// Writes what is known of the machine.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write_machine(out: &mut dyn Write, machine: &Machine) -> io::Result<()> {
    let lines = facts(machine);
    let widest = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in &lines {
        writeln!(out, "{name:widest$}  {value}")?;
    }
    Ok(())
}

/// What is known of the machine, each fact with its name.
pub(super) fn facts(machine: &Machine) -> [(&'static str, String); 16] {
    let none = || "none".to_owned();
    [
        ("system", machine.system.clone()),
        ("kernel", machine.kernel.clone()),
        ("host", machine.host.clone()),
        ("architecture", machine.architecture.clone()),
        ("processor", machine.processor.clone()),
        ("logical cores", machine.logical_cores.to_string()),
        ("physical cores", machine.physical_cores.map_or_else(none, |cores| cores.to_string())),
        ("affinity", ranges(&machine.affinity)),
        ("cgroup CPU quota", machine.quota.map_or_else(none, count_cores)),
        ("workers by default", machine.available.to_string()),
        ("memory", bytes(machine.memory)),
        ("memory available", bytes(machine.memory_available)),
        ("cgroup memory limit", machine.memory_limit.map_or_else(none, bytes)),
        ("parzen", format!("{} ({} build)", machine.version, machine.profile)),
        ("worker protocol", machine.protocol.to_string()),
        ("compiler", machine.compiler.clone()),
    ]
}

fn count_cores(cores: f64) -> String {
    format!("{} cores", digits(cores))
}

/// `0-3,6`.
fn ranges(cores: &[usize]) -> String {
    let runs = cores.chunk_by(|left, right| left + 1 == *right);
    let text = |run: &[usize]| match run {
        [] => String::new(),
        [core] => core.to_string(),
        [first, .., last] => format!("{first}-{last}"),
    };
    runs.map(text).collect::<Vec<_>>().join(",")
}

/// What is written, piece after piece.
struct Page<'a> {
    out: &'a mut dyn Write,
    style: Style,
}

impl Page<'_> {
    fn paragraphs(&mut self, lines: &[String]) -> io::Result<()> {
        for line in lines {
            writeln!(self.out, "{line}")?;
            if self.style == Style::Markdown {
                writeln!(self.out)?;
            }
        }
        Ok(())
    }

    fn title(&mut self, title: &str) -> io::Result<()> {
        match self.style {
            Style::Text => writeln!(self.out, "\n{title}"),
            Style::Markdown => writeln!(self.out, "## {title}\n"),
        }
    }

    fn section(&mut self, title: &str, grid: &Grid) -> io::Result<()> {
        self.title(title)?;
        match self.style {
            Style::Text => grid.write_text(self.out),
            Style::Markdown => {
                grid.write_markdown(self.out)?;
                writeln!(self.out)
            }
        }
    }

    /// `mark` begins each line of text; Markdown has its own.
    fn list(&mut self, title: &str, mark: &str, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        match self.style {
            Style::Text => {
                match mark {
                    "- " => self.title(title)?,
                    _ => writeln!(self.out)?,
                }
                lines.iter().try_for_each(|line| writeln!(self.out, "{mark}{line}"))
            }
            Style::Markdown => {
                self.title(title)?;
                lines.iter().try_for_each(|line| writeln!(self.out, "- {line}"))?;
                writeln!(self.out)
            }
        }
    }
}

/// What was measured, where and how often.
pub(super) fn intro(benchmark: &Benchmark) -> Vec<String> {
    let Machine { processor, available, system, version, profile, .. } = &benchmark.machine;
    let Settings { rounds, warmup, seed, .. } = &benchmark.settings;
    let subject = benchmark.measurements.first().map(|one| {
        let axis = benchmark.sweep.as_ref().map(|sweep| sweep.axis);
        describe(&one.subject, axis)
    });
    let mut lines: Vec<String> = subject.into_iter().collect();
    lines.push(format!(
        "On {processor}, {} to use, {system}; parzen {version}, {profile} build.",
        count(*available, "core")
    ));
    lines.push(format!(
        "{} of each case after {} of warm-up, in random order (seed {seed}).",
        count(*rounds as usize, "round"),
        count(*warmup as usize, "round")
    ));
    lines
}

/// The subject in words, without what is varied.
fn describe(subject: &Outline, varied: Option<Axis>) -> String {
    let n = match varied {
        Some(Axis::N) => "varying n".to_owned(),
        Some(Axis::Widths | Axis::Workers) | None => format!("n={}", subject.n),
    };
    let widths = match varied {
        Some(Axis::Widths) => "a varying number of widths".to_owned(),
        Some(Axis::N | Axis::Workers) | None => count(subject.widths, "width"),
    };
    let jobs = match varied {
        Some(Axis::N | Axis::Widths) => String::new(),
        Some(Axis::Workers) | None => format!(": {}", count_jobs(subject.jobs)),
    };
    let (narrowest, widest) = subject.width_range;
    format!(
        "Densities of {}, {n}, d={}, at {} for {widths} from {narrowest} to {widest}, {} method{jobs}.",
        subject.samples,
        subject.d,
        count(subject.points, "point"),
        subject.method,
    )
}

fn count_jobs(jobs: u64) -> String {
    count(usize::try_from(jobs).unwrap_or(usize::MAX), "job")
}

/// A row for each case of each measurement, the swept value before it.
fn rows<'a>(
    benchmark: &'a Benchmark,
    names: &[&'static str],
    cells: impl Fn(&'a Measurement, &'a CaseSummary) -> Option<Vec<String>>,
) -> Grid {
    let axis = benchmark.sweep.as_ref().map(|sweep| sweep.axis);
    let first = match axis {
        Some(Axis::N) => "n",
        Some(Axis::Widths) => "widths",
        Some(Axis::Workers) | None => "",
    };
    let mut grid = Grid::new([&[first, "case"][..], names].concat());
    for measurement in &benchmark.measurements {
        let value = match axis {
            Some(Axis::N) => measurement.subject.n.to_string(),
            Some(Axis::Widths) => measurement.subject.widths.to_string(),
            Some(Axis::Workers) | None => String::new(),
        };
        for summary in &measurement.cases {
            if let Some(cells) = cells(measurement, summary) {
                grid.push([vec![value.clone(), summary.case.to_string()], cells].concat());
            }
        }
    }
    grid.compact()
}

fn times(benchmark: &Benchmark) -> Grid {
    let names = [
        "median",
        "± MAD",
        "speed-up",
        "95 % interval",
        "efficiency",
        "serial fraction",
        "/ threads",
    ];
    rows(benchmark, &names, |_, summary| {
        let figure = |estimate: Option<crate::bench::stats::Estimate>| {
            estimate.map(|estimate| digits(estimate.point)).unwrap_or_default()
        };
        Some(vec![
            time(summary.wall_ns.median),
            time(summary.wall_ns.mad),
            figure(summary.speedup),
            summary.speedup.as_ref().map(interval).unwrap_or_default(),
            summary.efficiency.map(|share| percent(share.point)).unwrap_or_default(),
            figure(summary.serial_fraction),
            figure(summary.over_threads),
        ])
    })
}

fn parts(benchmark: &Benchmark) -> Grid {
    let names = [
        "whole",
        "= start",
        "+ share",
        "+ dispatch",
        "+ work",
        "+ collect",
        "+ stop",
        "compute",
        "idle",
        "merge",
    ];
    rows(benchmark, &names, |measurement, summary| {
        let Round { wall_ns, parts, compute_ns, idle_ns, merge_ns, .. } =
            measurement.typical(summary)?;
        let times = [
            *wall_ns,
            parts.start_ns,
            parts.share_ns,
            parts.dispatch_ns,
            parts.work_ns,
            parts.collect_ns,
            parts.stop_ns,
            *compute_ns,
            *idle_ns,
            *merge_ns,
        ];
        Some(times.map(nanoseconds).to_vec())
    })
}

fn usage(benchmark: &Benchmark) -> Grid {
    let names = [
        "sent",
        "in messages",
        "received",
        "in messages",
        "peak memory",
        "waited",
        "preempted",
        "others",
    ];
    rows(benchmark, &names, |measurement, summary| {
        let round = measurement.typical(summary)?;
        let traffic = round.traffic;
        let text = |value: Option<String>| value.unwrap_or_default();
        let workers = || round.workers.iter();
        let sum = |of: fn(&crate::bench::Worker) -> Option<u64>| {
            let known: Vec<u64> = workers().filter_map(of).collect();
            (!known.is_empty()).then(|| known.iter().sum::<u64>().to_string())
        };
        let peak = workers().filter_map(|worker| worker.peak_memory).max();
        Some(vec![
            text(traffic.map(|traffic| bytes(traffic.bytes_sent))),
            text(traffic.map(|traffic| traffic.messages_sent.to_string())),
            text(traffic.map(|traffic| bytes(traffic.bytes_received))),
            text(traffic.map(|traffic| traffic.messages_received.to_string())),
            text(peak.map(bytes)),
            text(sum(|worker| worker.voluntary_switches)),
            text(sum(|worker| worker.involuntary_switches)),
            text(benchmark.sees_others.then(|| percent(round.foreign_share))),
        ])
    })
}
