//! Densities for twelve widths, and what dividing by `h` did to the notebook's conclusion.

use std::f64::consts::PI;

use parzen_worker::tasks::density::Method;
use serde::Serialize;

use super::{Error, Stage};
use crate::{
    estimate::{self, Prepared, Problem, Processes, Stop, Volume},
    input::{self, SampleSpec, Widths},
    number::Short,
};

/// Twelve estimates of one density.
#[derive(Debug, Serialize)]
pub struct Density {
    /// Samples.
    pub n: usize,
    /// The density that is estimated.
    #[serde(rename = "true_density")]
    pub truth: True,
    /// One row for each width, ascending.
    pub rows: Vec<Row>,
    /// The width whose estimate is closest to the truth, dividing by h as the notebook does.
    pub best_by_h: f64,
    /// The same, dividing by the square's area.
    pub best_by_area: f64,
}

/// The density of the standard normal distribution in two dimensions at the origin, `1 / 2π`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct True(pub f64);

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
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Density, Error> {
    let samples = input::open(&SampleSpec::default())?;
    let (n, d) = (samples.source.n, samples.source.d);
    let widths: Vec<f64> = Widths::default().as_slice().iter().map(|width| width.h()).collect();
    let prepared = Prepared::new(samples.source.clone(), &vec![0.0; d], &widths)?;
    let workers = stage.workers_or(4);
    stage.say(format!("The density of {n} normal samples at the origin, for twelve widths, from"));
    stage.say(format!("{workers} processes. The notebook's lines, its formula included:"));
    let pool = stage.settings.clone().workers(workers).start()?;
    let mut rows = Vec::new();
    // A width is a job, as in the notebook; results come as they are done and are sorted after.
    let problem = Problem {
        prepared: &prepared,
        method: Method::Direct,
        volume: Volume::Cube,
        chunk_rows: None,
    };
    estimate::run(&problem, &mut Processes::new(pool), &Stop::new(), &mut |found| {
        let by_h = Volume::Notebook.density(found.count, n, found.h, d);
        rows.push(Row { h: found.h, count: found.count, by_h, by_area: found.density });
        Ok(())
    })?;
    rows.sort_by(|a, b| a.h.total_cmp(&b.h));
    let truth = 1.0 / (2.0 * PI);
    for row in &rows {
        stage.say(format!("h = {}, p(x) = {}", digits(row.h), digits(row.by_h)));
    }
    stage.say(format!("actual probability density: {}", digits(truth)));
    let best_by_h = closest(&rows, truth, |row| row.by_h);
    let best_by_area = closest(&rows, truth, |row| row.by_area);
    stage.say("");
    show_both(stage, &rows, truth);
    stage.say("");
    stage.say(format!(
        "Divided by h, the closest to {} is h = {}: so the",
        digits(truth),
        digits(best_by_h)
    ));
    stage
        .say("notebook concludes that this is the best width. But a square of side h has the area");
    stage.say(format!(
        "h^2. Divided by that, the closest is h = {}, and wider windows only",
        digits(best_by_area)
    ));
    stage.say("smooth the peak away. The best width was an artefact of the formula.");
    Ok(Density { n, truth: True(truth), rows, best_by_h, best_by_area })
}

/// Both columns, and where they are beside the truth.
fn show_both(stage: &mut Stage<'_>, rows: &[Row], truth: f64) {
    stage.say("     h  count    divided by h  divided by h^2");
    for row in rows {
        let place = scale([(row.by_area, 'A'), (row.by_h, 'h')], truth);
        let Row { h, count, by_h, by_area } = *row;
        let (h, by_h, by_area) = (digits(h), digits(by_h), digits(by_area));
        stage.say(format!("  {h:>4} {count:>6}  {by_h:>14}  {by_area:>14}  {place}"));
    }
    stage.say(format!("{:46}h: divided by h, A: by h^2, |: the truth", ""));
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
}
