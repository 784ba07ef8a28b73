//! A timeline as Chrome trace events, which Perfetto and `chrome://tracing` open.
//!
//! The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use serde::Serialize;

use super::{
    timeline::{Group, Place, Slice, Track, What},
    width::short,
};
use crate::bench::Job;

/// No process or thread has this id or a higher one: Linux gives out at most 2^22.
const UNKNOWN: u32 = 1 << 23;

/// Writes `groups` as one JSON object.
///
/// A single group has a process for each process, under its own id. Of several, each is a process
/// whose threads are its tracks, because the coordinator takes part in all; and each begins at
/// 0, so that they can be compared. Times are in microseconds, to the nanosecond, ascending; no
/// slice of a track overlaps another, even if begin and duration are added in floating point.
///
/// # Errors
///
/// Fails if `out` does.
pub fn write(groups: &[Group], out: &mut dyn Write) -> io::Result<()> {
    let mut metadata = Vec::new();
    let mut slices = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let mut ids = Ids::new(groups.len(), index);
        let started_ns = group.started_ns();
        metadata.extend(ids.group.map(|pid| Event::process_name(pid, &group.name)));
        for (order, track) in group.tracks.iter().enumerate() {
            let id = ids.of(track);
            if ids.group.is_none() && matches!(track.place(), Place::Process(_)) {
                metadata.push(Event::process_name(id.pid, track.name()));
                metadata.push(Event::process_labels(id.pid, &group.name));
                metadata.push(Event::sort_index("process_sort_index", id, order));
            }
            metadata.push(Event::thread_name(id, track.name()));
            metadata.push(Event::sort_index("thread_sort_index", id, order));
            slices.extend(
                track.slices().iter().map(|slice| (slice.start_ns - started_ns, id, slice)),
            );
        }
    }
    slices.sort_by_key(|&(at_ns, id, _)| (at_ns, id));

    out.write_all(b"{\"traceEvents\":[")?;
    let slices = slices.into_iter().map(|(at_ns, id, slice)| Event::complete(at_ns, id, slice));
    for (index, event) in metadata.into_iter().chain(slices).enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, &event)?;
    }
    out.write_all(b"\n],\"displayTimeUnit\":\"ms\"}\n")
}

/// What Perfetto knows a track by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    pid: u32,
    tid: u32,
}

/// Gives each track of a group an id of its own.
struct Ids {
    /// The process that stands for the whole group, if there are others.
    group: Option<u32>,
    coordinator: u32,
    taken: BTreeSet<Id>,
    next_unknown: u32,
}

impl Ids {
    fn new(n_groups: usize, index: usize) -> Self {
        let group = (1 < n_groups).then(|| u32::try_from(index + 1).unwrap_or(u32::MAX));
        Self { group, coordinator: 0, taken: BTreeSet::new(), next_unknown: UNKNOWN }
    }

    fn of(&mut self, track: &Track) -> Id {
        let id = match track.place() {
            Place::Process(Some(pid)) => self.process(pid),
            Place::Process(None) => self.unknown(),
            Place::Thread(number) => {
                let pid = self.group.unwrap_or(self.coordinator);
                Id { pid, tid: UNKNOWN + number }
            }
        };
        // An id is given out again when its process has gone, which a worker may have.
        let id = if self.taken.contains(&id) { self.unknown() } else { id };
        if self.taken.is_empty() {
            self.coordinator = id.pid;
        }
        self.taken.insert(id);
        id
    }

    /// The main thread of process `pid`.
    fn process(&self, pid: u32) -> Id {
        Id { pid: self.group.unwrap_or(pid), tid: pid }
    }

    fn unknown(&mut self) -> Id {
        let pid = self.next_unknown;
        self.next_unknown += 1;
        self.process(pid)
    }
}

/// One trace event. What is `None` is left out.
#[derive(Serialize)]
struct Event<'a> {
    name: String,
    ph: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Args<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Args<'a> {
    Name { name: &'a str },
    Labels { labels: &'a str },
    SortIndex { sort_index: usize },
    Jobs { jobs: Vec<JobArgs> },
}

#[derive(Serialize)]
struct JobArgs {
    job: u64,
    /// The narrowest and the widest.
    h: [f64; 2],
    /// The first and how many.
    rows: [u64; 2],
    points: u64,
}

impl From<&Job> for JobArgs {
    fn from(job: &Job) -> Self {
        let (low, high) = bounds([job]);
        Self { job: job.job, h: [low, high], rows: [job.rows.0, job.rows.1], points: job.points }
    }
}

impl<'a> Event<'a> {
    fn metadata(name: &str, pid: u32, tid: Option<u32>, args: Args<'a>) -> Self {
        let (name, args) = (name.to_owned(), Some(args));
        Self { name, ph: "M", cat: None, ts: None, dur: None, pid, tid, args }
    }

    fn process_name(pid: u32, name: &'a str) -> Self {
        Self::metadata("process_name", pid, None, Args::Name { name })
    }

    fn process_labels(pid: u32, labels: &'a str) -> Self {
        Self::metadata("process_labels", pid, None, Args::Labels { labels })
    }

    fn thread_name(id: Id, name: &'a str) -> Self {
        Self::metadata("thread_name", id.pid, Some(id.tid), Args::Name { name })
    }

    fn sort_index(name: &str, id: Id, sort_index: usize) -> Self {
        Self::metadata(name, id.pid, Some(id.tid), Args::SortIndex { sort_index })
    }

    fn complete(at_ns: u64, id: Id, slice: &Slice) -> Self {
        let (name, cat, args) = match &slice.what {
            What::Phase(phase) => (phase.name().to_owned(), "phase", None),
            What::Idle => ("idle".to_owned(), "idle", None),
            What::Jobs(jobs) => {
                let list = jobs.iter().map(JobArgs::from).collect();
                (job_name(jobs), "job", Some(Args::Jobs { jobs: list }))
            }
        };
        Self {
            name,
            ph: "X",
            cat: Some(cat),
            ts: Some(microseconds(at_ns)),
            dur: Some(duration(at_ns, slice.duration_ns())),
            pid: id.pid,
            tid: Some(id.tid),
            args,
        }
    }
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}

/// A nanosecond less where the sum of begin and duration would be rounded to beyond the end.
fn duration(at_ns: u64, length_ns: u64) -> f64 {
    let exact = microseconds(length_ns);
    let is_beyond = microseconds(at_ns + length_ns) < microseconds(at_ns) + exact;
    if is_beyond { microseconds(length_ns.saturating_sub(1)) } else { exact }
}

/// The narrowest and the widest window of `jobs`.
fn bounds<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> (f64, f64) {
    jobs.into_iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), job| {
        let (a, b) = job.widths;
        (low.min(a).min(b), high.max(a).max(b))
    })
}

/// Widths and rows, as `h 0.1..0.4, rows 0..5000`; how many jobs, if there are several.
fn job_name(jobs: &[Job]) -> String {
    let (low, high) = bounds(jobs);
    let (narrow, wide) = (short(low), short(high));
    let widths = if low < high { format!("h {narrow}..{wide}") } else { format!("h {narrow}") };
    let first = jobs.iter().map(|job| job.rows.0).min().unwrap_or(0);
    let end = jobs.iter().map(|job| job.rows.0 + job.rows.1).max().unwrap_or(0);
    let several = if jobs.len() == 1 { String::new() } else { format!(", {} jobs", jobs.len()) };
    format!("{widths}, rows {first}..{end}{several}")
}

#[cfg(test)]
mod tests;
