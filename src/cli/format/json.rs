//! JSON, written piece by piece so that memory does not grow with the results.

use std::io::{self, Write};

use serde::Serialize;

use crate::{
    commands::estimate::{Header, Timing},
    estimate::{Density, Volume},
};

#[derive(Serialize)]
struct Result<'a> {
    h: f64,
    point: &'a [f64],
    count: u64,
    density: f64,
}

impl<'a> Result<'a> {
    fn new(density: &Density, point: &'a [f64]) -> Self {
        Self { h: density.h, point, count: density.count, density: density.density }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    result: Result<'a>,
    seq: u64,
    worker: u32,
    started_ns: u64,
    finished_ns: u64,
}

#[derive(Serialize)]
struct Head<'a> {
    n: usize,
    d: usize,
    kernel: &'a str,
    volume: &'a str,
    backend: &'a str,
    workers: u32,
    order: &'a str,
}

/// Everything up to the first result.
pub(crate) fn write_begin(out: &mut impl Write, header: &Header) -> io::Result<()> {
    let head = Head {
        n: header.n,
        d: header.d,
        kernel: header.kernel.name(),
        volume: match header.volume {
            Volume::Cube => "cube",
            Volume::Notebook => "notebook",
        },
        backend: header.backend.name(),
        workers: header.workers,
        order: header.order.name(),
    };
    let object = serde_json::to_string(&head)?;
    // The object stays open for what follows.
    let open = object.strip_suffix('}').unwrap_or(&object);
    write!(out, "{open},\"results\":[")
}

/// One element of `results`, without what separates it from others.
pub(crate) fn write_result(
    out: &mut impl Write,
    density: &Density,
    point: &[f64],
) -> io::Result<()> {
    serde_json::to_writer(out, &Result::new(density, point))?;
    Ok(())
}

/// Everything after the last result.
pub(crate) fn write_end(out: &mut impl Write, timing: &Timing) -> io::Result<()> {
    write!(out, "\n],\"timing\":")?;
    serde_json::to_writer(&mut *out, timing)?;
    writeln!(out, "}}")
}

/// One line of JSONL. Times count from `origin_ns`.
pub(crate) fn write_line(
    out: &mut impl Write,
    density: &Density,
    point: &[f64],
    origin_ns: u64,
) -> io::Result<()> {
    let line = Line {
        result: Result::new(density, point),
        seq: density.seq,
        worker: density.worker,
        started_ns: density.started_ns.saturating_sub(origin_ns),
        finished_ns: density.finished_ns.saturating_sub(origin_ns),
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}
