//! How far the run is, on standard error.

use std::{
    io::{self, IsTerminal, Write},
    mem,
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parzen_worker::clock;

/// When progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// If standard error is a terminal.
    #[default]
    Auto,
    /// Also if it is not: then as plain lines.
    Always,
    /// Not at all.
    Never,
}

/// Draws fewer times a second than anyone could read.
const FRAMES_PER_SECOND: u8 = 10;

/// Time between two plain lines.
const LINE_INTERVAL_NS: u64 = 1_000_000_000;

const TEMPLATE: &str = "{bar:30} {pos}/{len} {prefix}, {per_sec}, ETA {eta}{msg}";

/// Progress of one run.
#[derive(Debug)]
pub(crate) enum Progress {
    Hidden,
    Bar(ProgressBar),
    Lines(Lines),
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Jobs,
    Rounds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Rounds => "rounds",
        }
    }
}

impl Progress {
    /// Begins to show that none of `n_jobs` is done. If `rows_on_terminal`, results appear on the
    /// terminal as they come, and are progress enough for `auto`.
    pub(crate) fn start(when: When, rows_on_terminal: bool, n_jobs: u64, workers: u32) -> Self {
        match when {
            When::Auto if rows_on_terminal => Self::Hidden,
            When::Auto | When::Always | When::Never => {
                Self::of(when, Unit::Jobs, n_jobs, workers_note(workers))
            }
        }
    }

    /// Begins to show the rounds of a benchmark; how many is told with each.
    pub(crate) fn start_rounds(when: When) -> Self {
        Self::of(when, Unit::Rounds, 0, String::new())
    }

    fn of(when: When, unit: Unit, n: u64, note: String) -> Self {
        let is_terminal = io::stderr().is_terminal();
        match when {
            When::Auto | When::Always if is_terminal => Self::bar(unit, n, note),
            When::Always => Self::Lines(Lines::new(unit, n, note)),
            When::Auto | When::Never => Self::Hidden,
        }
    }

    fn bar(unit: Unit, n: u64, note: String) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(FRAMES_PER_SECOND);
        let style = ProgressStyle::with_template(TEMPLATE);
        let bar = ProgressBar::with_draw_target(Some(n), target)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
            .with_prefix(unit.name())
            .with_message(note);
        Self::Bar(bar)
    }

    /// Says that `done` of now `n` are done, and more about it.
    pub(crate) fn update_all(&mut self, done: u64, n: u64, note: String) {
        match self {
            Self::Hidden => {}
            Self::Bar(bar) => {
                bar.set_length(n);
                bar.set_message(note);
            }
            Self::Lines(lines) => {
                lines.n = n;
                lines.note = note;
            }
        }
        self.update(done);
    }

    /// Says that `done` jobs were done before it all began: they do not count for the rate.
    pub(crate) fn begin_at(&mut self, done: u64) {
        match self {
            Self::Hidden => {}
            Self::Bar(bar) => {
                bar.set_position(done);
                bar.reset_eta();
            }
            Self::Lines(lines) => {
                lines.done = done;
                lines.done_before = done;
            }
        }
    }

    /// Says that `done` jobs are done.
    pub(crate) fn update(&mut self, done: u64) {
        match self {
            Self::Hidden => {}
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines(lines) => lines.update(done, clock::now_ns()),
        }
    }

    /// Runs `write` while nothing is drawn, so that what it writes to the terminal stays whole.
    pub(crate) fn suspend<R>(&self, write: impl FnOnce() -> R) -> R {
        match self {
            Self::Bar(bar) => bar.suspend(write),
            Self::Hidden | Self::Lines(_) => write(),
        }
    }

    /// Takes the bar off the terminal; plain lines end with how many jobs were done. Nothing more
    /// is shown.
    pub(crate) fn finish(&mut self) {
        match mem::replace(self, Self::Hidden) {
            Self::Hidden => {}
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(mut lines) => lines.write(clock::now_ns()),
        }
    }
}

fn workers_note(workers: u32) -> String {
    match workers {
        0 => String::new(),
        1 => ", 1 worker".to_owned(),
        n => format!(", {n} workers"),
    }
}

/// Progress as plain lines, for a log.
#[derive(Debug)]
pub(crate) struct Lines {
    unit: Unit,
    n: u64,
    note: String,
    done: u64,
    /// Not in this run.
    done_before: u64,
    started_ns: u64,
    written_ns: u64,
}

impl Lines {
    fn new(unit: Unit, n: u64, note: String) -> Self {
        let now_ns = clock::now_ns();
        Self { unit, n, note, done: 0, done_before: 0, started_ns: now_ns, written_ns: now_ns }
    }

    fn update(&mut self, done: u64, now_ns: u64) {
        self.done = done;
        if LINE_INTERVAL_NS <= now_ns.saturating_sub(self.written_ns) {
            self.write(now_ns);
        }
    }

    fn write(&mut self, now_ns: u64) {
        self.written_ns = now_ns;
        // Progress that cannot be told is no reason to end the run.
        let _ = writeln!(io::stderr(), "{}", self.line(now_ns));
    }

    fn line(&self, now_ns: u64) -> String {
        let elapsed_s = now_ns.saturating_sub(self.started_ns).max(1) as f64 / 1e9;
        let done_now = self.done.saturating_sub(self.done_before);
        let rate = done_now as f64 / elapsed_s;
        let Self { unit, n, note, done, .. } = self;
        let eta = if done_now == 0 || done == n {
            String::new()
        } else {
            format!(", ETA {:.0}s", n.saturating_sub(*done) as f64 / rate)
        };
        format!("{done}/{n} {}, {rate:.1}/s{eta}{note}", unit.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_done_rate_and_rest() {
        let (unit, note) = (Unit::Jobs, workers_note(2));
        let (done, done_before) = (4, 0);
        let mut lines =
            Lines { unit, n: 10, note, done, done_before, started_ns: 0, written_ns: 0 };
        assert_eq!(lines.line(2_000_000_000), "4/10 jobs, 2.0/s, ETA 3s, 2 workers");
        lines.done_before = 2;
        assert_eq!(lines.line(2_000_000_000), "4/10 jobs, 1.0/s, ETA 6s, 2 workers");
        lines.done_before = 4;
        assert_eq!(lines.line(2_000_000_000), "4/10 jobs, 0.0/s, 2 workers");
        lines.done_before = 0;
        lines.done = 10;
        lines.note = workers_note(1);
        assert_eq!(lines.line(4_000_000_000), "10/10 jobs, 2.5/s, 1 worker");
    }
}
