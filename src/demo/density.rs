//! Densities for twelve widths, and what dividing by `h` did to the notebook's conclusion.

use std::f64::consts::PI;

use parzen_worker::tasks::density::Method;
use serde::Serialize;

use super::{Error, Stage, count};
use crate::{
    estimate::{self, Prepared, Problem, Processes, Stop, Volume},
    input::{self, SampleSpec, Widths},
    number::Short,
};

/// Estimates of one density for several widths.
#[derive(Debug, Serialize)]
pub struct Density {
    /// Samples.
    pub n: usize,
    /// The density that is estimated: `1 / 2π`, that of the standard normal distribution in two
    /// dimensions at the origin.
    pub true_density: f64,
    /// One row for each width, ascending.
    pub rows: Vec<Row>,
    /// The width whose estimate is closest to the truth, dividing by h as the notebook does.
    pub closest_by_h: f64,
    /// The same, dividing by the square's area.
    pub closest_by_area: f64,
    /// The widths whose estimates by area are no farther from the truth than two of their standard
    /// errors.
    pub within_two_errors: Vec<f64>,
}

/// The estimates for one width.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The width.
    pub h: f64,
    /// Samples inside the window.
    pub count: u64,
    /// `count / n / h`, as the notebook has it.
    pub by_h: f64,
    /// `count / n / h²`.
    pub by_area: f64,
    /// The standard error of `by_area`: the count is binomial, so it is
    /// `sqrt(count (1 - count / n)) / (n h²)`.
    pub standard_error: f64,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Density, Error> {
    let workers = stage.workers_or(4);
    let processes = count(workers, "process", "processes");
    stage.say(format!("The density at the origin, for twelve widths, from {processes}. The"));
    stage.say("notebook's lines, its formula included:");
    let (n, rows) = estimate_all(stage, workers)?;
    let true_density = 1.0 / (2.0 * PI);
    for row in &rows {
        stage.say(format!("h = {}, p(x) = {}", digits(row.h), digits(row.by_h)));
    }
    stage.say(format!("actual probability density: {}", digits(true_density)));
    stage.say("");
    show_both(stage, &rows, true_density);
    let found = Density {
        n,
        true_density,
        closest_by_h: closest(&rows, true_density, |row| row.by_h),
        closest_by_area: closest(&rows, true_density, |row| row.by_area),
        within_two_errors: within_two_errors(&rows, true_density),
        rows,
    };
    stage.say("");
    conclude(&found).iter().for_each(|line| stage.say(line));
    Ok(found)
}

/// All estimates, by width, and the number of samples. A width is a job, as in the notebook.
fn estimate_all(stage: &Stage<'_>, workers: u32) -> Result<(usize, Vec<Row>), Error> {
    let samples = input::open(&SampleSpec::default())?;
    let (n, d) = (samples.source.n, samples.source.d);
    let widths: Vec<f64> = Widths::default().as_slice().iter().map(|width| width.h()).collect();
    let prepared = Prepared::new(samples.source.clone(), &vec![0.0; d], &widths)?;
    let pool = stage.settings().workers(workers).start()?;
    let mut rows = Vec::new();
    let problem = Problem {
        prepared: &prepared,
        method: Method::Direct,
        volume: Volume::Cube,
        chunk_rows: None,
    };
    estimate::run(&problem, &mut Processes::new(pool), &Stop::new(), &mut |found| {
        rows.push(Row::new(found.h, found.count, n));
        Ok(())
    })?;
    // They came as they were done.
    rows.sort_by(|a, b| a.h.total_cmp(&b.h));
    Ok((n, rows))
}

impl Row {
    fn new(h: f64, count: u64, n: usize) -> Self {
        let (k, all) = (count as f64, n as f64);
        Self {
            h,
            count,
            by_h: Volume::Notebook.density(count, n, h, 2),
            by_area: Volume::Cube.density(count, n, h, 2),
            standard_error: (k * (1.0 - k / all)).sqrt() / (all * h * h),
        }
    }
}

/// Both columns, and where they are beside the truth.
fn show_both(stage: &mut Stage<'_>, rows: &[Row], truth: f64) {
    stage.say("     h  count    divided by h  divided by h^2");
    for row in rows {
        let place = scale([(row.by_area, 'A'), (row.by_h, 'h')], truth);
        let Row { h, count, by_h, by_area, standard_error } = *row;
        let (h, by_h, by_area) = (digits(h), digits(by_h), digits(by_area));
        stage.say(format!(
            "  {h:>4} {count:>6}  {by_h:>14}  {by_area:>14} ± {standard_error:.4}  {place}"
        ));
    }
    stage.say(format!("{:56}h: by h, A: by h^2, |: the truth", ""));
}

/// A line from 0 to a little more than `truth` with a mark at each value.
fn scale(marks: [(f64, char); 2], truth: f64) -> String {
    const LENGTH: usize = 32;
    let end = 1.2 * truth;
    let cell = |at: usize| {
        let is_here = |value: f64| {
            let (from, to) = (at as f64, at as f64 + 1.0);
            (from..to).contains(&(value / end * LENGTH as f64))
        };
        let mark = marks.iter().find(|(value, _)| is_here(*value)).map(|&(_, mark)| mark);
        mark.unwrap_or_else(|| if is_here(truth) { '|' } else { '.' })
    };
    (0..LENGTH).map(cell).collect()
}

fn closest(rows: &[Row], truth: f64, estimate: fn(&Row) -> f64) -> f64 {
    let error = |row: &Row| (estimate(row) - truth).abs();
    let best = rows.iter().min_by(|a, b| error(a).total_cmp(&error(b)));
    best.map_or(f64::NAN, |row| row.h)
}

fn within_two_errors(rows: &[Row], truth: f64) -> Vec<f64> {
    let agrees = |row: &&Row| (row.by_area - truth).abs() <= 2.0 * row.standard_error;
    rows.iter().filter(agrees).map(|row| row.h).collect()
}

/// What the figures say.
fn conclude(found: &Density) -> Vec<String> {
    let Density { true_density, closest_by_h, closest_by_area, within_two_errors, .. } = found;
    let mut lines = vec![
        format!(
            "Divided by h, the closest to {} is h = {}, and so the notebook",
            digits(*true_density),
            digits(*closest_by_h)
        ),
        "concludes that this is the best width. But a square of side h has the area h^2, and"
            .to_owned(),
        "divided by that there is no such best: the conclusion was an artefact.".to_owned(),
    ];
    if let Some(row) = found.rows.iter().find(|row| row.h == *closest_by_area) {
        lines.push(format!(
            "Closest is then h = {}, with {} samples inside and a standard error of {:.0} %.",
            digits(row.h),
            row.count,
            100.0 * row.standard_error / row.by_area
        ));
    }
    if let (Some(first), Some(last)) = (within_two_errors.first(), within_two_errors.last()) {
        lines.push(format!(
            "{} widths from {} to {} agree with the truth within two standard errors. Narrow",
            within_two_errors.len(),
            digits(*first),
            digits(*last)
        ));
        lines
            .push("windows leave much to chance, wide ones smooth the peak away; one point".into());
        lines.push("cannot tell which width is best.".into());
    }
    lines
}

/// Twelve significant digits, as Python 3.4 printed NumPy's numbers: never without a point.
fn digits(x: f64) -> String {
    let digits = Short(x).to_string();
    if digits.contains(['.', 'e']) { digits } else { format!("{digits}.0") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_they_are_on_the_scale() {
        let line = scale([(0.0, 'a'), (1.0, 'b')], 2.0);
        assert_eq!((line.len(), line.find('a')), (32, Some(0)));
        assert_eq!((line.find('b'), line.find('|')), (Some(13), Some(26)));
        assert!(scale([(f64::NAN, 'a'), (9.0, 'b')], 2.0).chars().all(|c| ".|".contains(c)));
    }

    #[test]
    fn a_count_has_a_binomial_standard_error() {
        let row = Row::new(0.5, 400, 10_000);
        assert_eq!(row.by_area, 0.16);
        // sqrt(400 × 0.96) = 19.5959…, over 10,000 × 0.25.
        assert!((row.standard_error - 19.595_917_942_265_424 / 2500.0).abs() < 1e-15);
        let rows = [Row::new(0.5, 400, 10_000), Row::new(1.0, 1000, 10_000)];
        assert_eq!(within_two_errors(&rows, 0.17), [0.5]);
    }
}
