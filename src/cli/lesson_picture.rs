//! `parzen demo --plot`: the pictures of a lesson.

use std::path::Path;

use super::{
    Exit, Failure,
    args::DemoArgs,
    output::is_same_file,
    picture::{OPTION, PictureFile},
    signals::Listener,
};
use crate::{
    demo::{Comparison, Density, Figures, Lesson, Timing, Window},
    plot::{self, Chart, Point, Series, against_width},
};

/// The lessons that have a picture.
const DRAWN: [Lesson; 3] = [Lesson::Window, Lesson::Density, Lesson::Benchmark];

/// The files that were asked for, all of the same picture.
#[derive(Debug)]
pub(crate) struct LessonPictures(Vec<PictureFile>);

impl LessonPictures {
    /// Begins the files, so that one that cannot be written is known before the lesson.
    pub(crate) fn open(typed: &DemoArgs, listener: &Listener) -> Result<Self, Failure> {
        let paths = &typed.plot;
        let is_repeated =
            |idx: usize| paths[..idx].iter().any(|one| is_same_file(one, &paths[idx]));
        if (0..paths.len()).any(is_repeated) {
            return Err(Failure::invalid(OPTION, "two pictures need two files"));
        }
        let files =
            paths.iter().map(|path| open(path, typed, listener)).collect::<Result<_, _>>()?;
        Ok(Self(files))
    }

    /// Draws what `figures` show.
    pub(crate) fn write(self, figures: &Figures) -> Result<(), Failure> {
        if self.0.is_empty() {
            return Ok(());
        }
        let chart = chart(figures).ok_or_else(|| Failure::new(Exit::Unexpected, UNDRAWN))?;
        self.0.into_iter().try_for_each(|file| file.write(&chart))
    }
}

const UNDRAWN: &str = "there is no picture of these figures";

fn open(path: &Path, typed: &DemoArgs, listener: &Listener) -> Result<PictureFile, Failure> {
    let lessons = typed.lesson.map(|lesson| lesson.lessons()).unwrap_or_default();
    if !matches!(lessons[..], [lesson] if DRAWN.contains(&lesson)) {
        let names = DRAWN.map(|lesson| format!("`{}`", lesson.name())).join(", ");
        let reason = format!("expected with one of the lessons that have a picture: {names}");
        return Err(Failure::invalid(OPTION, reason));
    }
    PictureFile::open(OPTION, path, listener)
}

fn chart(figures: &Figures) -> Option<Chart> {
    match figures {
        Figures::Window(window) => Some(window_chart(window)),
        Figures::Density(density) => Some(density_chart(density)),
        Figures::Benchmark(comparison) => benchmark_chart(comparison),
        Figures::Process(_)
        | Figures::Order(_)
        | Figures::Pool(_)
        | Figures::CpuIo(_)
        | Figures::Crash { .. }
        | Figures::Threads(_) => None,
    }
}

fn window_chart(window: &Window) -> Chart {
    let Window { h, inside, outside, density, .. } = window;
    let points = inside.iter().chain(outside).copied();
    let title = format!("A window of width {h} around the origin: p(x) = {density}");
    Chart::Window(plot::Window::new(title, *h, points))
}

fn density_chart(density: &Density) -> Chart {
    let series = |name: &str, estimate: fn(&crate::demo::Row) -> f64| {
        let points = density.rows.iter().map(|row| Point::from((row.h, estimate(row))));
        Series::new(name, points.collect::<Vec<_>>())
    };
    let series = vec![
        series("count / n / h, as in the notebook", |row| row.by_h),
        series("count / n / h²", |row| row.by_area),
    ];
    let title = format!("Density at (0, 0) against width (n={}, d=2)", density.n);
    against_width(title, series, Some(density.true_density))
}

/// The notebook's bars, of the notebook's number of samples.
fn benchmark_chart(comparison: &Comparison) -> Option<Chart> {
    let run = comparison.runs.first()?;
    let [serial, processes @ ..] = &run.cases[..] else { return None };
    let point = |timing: &Timing| {
        let at = f64::from(timing.processes.unwrap_or(1));
        let point = Point::from((at, timing.seconds));
        point.between(timing.lower_quartile_s, timing.upper_quartile_s)
    };
    let series = Series::new("processes", processes.iter().map(point).collect::<Vec<_>>());
    Some(plot::times(run.n, point(serial), &[series]))
}
