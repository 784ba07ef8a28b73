//! Charts of times.
//!
//! All take the same data: a [`Series`] for each backend, as `processes`, whose points are measured
//! numbers over a number of workers or of samples.

use super::{
    Axis, Bar, BarGroup, Bars, Chart, Lines, Point, Reference, Series, Side,
    number::{compact, percent},
};

/// Times as the notebook's bars: `serial`, then each number of workers, with the share of the
/// serial time in percent, and a dashed line at the serial time.
///
/// `serial` is the time of one worker without a backend; of its `x` nothing is shown. The series
/// have seconds over numbers of workers. With several of them bars stand in groups.
#[must_use]
pub fn times(n: usize, serial: Point, backends: &[Series]) -> Chart {
    let note = |seconds: f64| percent(serial.y / seconds);
    let bar = |kind: Option<usize>, point: &Point| Bar {
        value: point.y,
        interval: point.interval,
        kind,
        note: note(point.y),
    };
    let plain = if backends.len() > 1 { None } else { Some(0) };
    let mut groups = vec![BarGroup { label: "serial".to_owned(), bars: vec![bar(plain, &serial)] }];
    for workers in abscissas(backends) {
        let bars = backends.iter().enumerate().flat_map(|(kind, backend)| {
            let here = backend.points.iter().filter(move |point| point.x == workers);
            here.map(move |point| (kind, point))
        });
        let bars = bars.map(|(kind, point)| bar(Some(kind), point)).collect();
        groups.push(BarGroup { label: compact(workers), bars });
    }
    let counted = match backends {
        [backend] => &backend.name,
        _ => "workers",
    };
    Chart::Bars(Bars {
        title: "Serial vs. Multiprocessing via Parzen-window estimation".to_owned(),
        x_label: format!("time in seconds for n={n}"),
        y_label: format!("number of {counted}"),
        kinds: backends.iter().map(|backend| backend.name.clone()).collect(),
        groups,
        mark: Some(serial.y),
    })
}

/// How many times faster than serial, against the number of workers, with the line that no cost of
/// working together would give.
///
/// The series have speed-ups over numbers of workers.
#[must_use]
pub fn speed_up(n: usize, backends: Vec<Series>) -> Chart {
    let workers = abscissas(&backends);
    let last = workers.last().copied().unwrap_or(1.0).max(1.0);
    let ends = [0.0, last].map(|x| Point::from((x, x)));
    let mut series = vec![Series::dashed("ideal", ends)];
    series.extend(backends);
    Chart::Lines(Lines {
        title: format!("Speed-up over serial for n={n}"),
        x: Axis::from_zero("number of workers").ticks(workers),
        y: Axis::from_zero("serial time / time"),
        series,
        ..Lines::default()
    })
}

/// Seconds against the number of samples, both logarithmic, and where one backend begins to beat
/// another.
///
/// The series have seconds over numbers of samples; `breaks` are numbers of samples and what begins
/// there, such as `processes beat serial`.
#[must_use]
pub fn break_even(backends: Vec<Series>, breaks: &[(String, f64)]) -> Chart {
    let reference = |(name, at): &(String, f64)| Reference {
        name: format!("{name} from n={}", compact(*at)),
        side: Side::X,
        at: *at,
    };
    Chart::Lines(Lines {
        title: "Time against the number of samples".to_owned(),
        x: Axis::log("number of samples n"),
        y: Axis::log("time in seconds"),
        series: backends,
        references: breaks.iter().map(reference).collect(),
        ..Lines::default()
    })
}

/// All different x of all points, ascending.
fn abscissas(series: &[Series]) -> Vec<f64> {
    let points = series.iter().flat_map(|series| &series.points);
    let mut all: Vec<f64> = points.map(|point| point.x).filter(|x| x.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, points: &[(f64, f64)]) -> Series {
        Series::new(name, points.iter().copied().map(Point::from).collect::<Vec<_>>())
    }

    fn bars(chart: Chart) -> Bars {
        let Chart::Bars(bars) = chart else { panic!("{chart:?}") };
        bars
    }

    #[test]
    fn times_are_the_notebooks_bars() {
        let processes = series("processes", &[(2.0, 5.0), (3.0, 4.0), (4.0, 2.0), (6.0, 8.0)]);
        let bars = bars(times(10_000, (1.0, 5.5).into(), &[processes]));
        let labels: Vec<&str> = bars.groups.iter().map(|group| &group.label[..]).collect();
        assert_eq!(labels, ["serial", "2", "3", "4", "6"]);
        let notes: Vec<&str> = bars.groups.iter().map(|group| &group.bars[0].note[..]).collect();
        assert_eq!(notes, ["100.00%", "110.00%", "137.50%", "275.00%", "68.75%"]);
        assert!(bars.groups.iter().all(|group| group.bars[0].kind == Some(0)));
        assert_eq!(bars.x_label, "time in seconds for n=10000");
        assert_eq!(bars.y_label, "number of processes");
        assert_eq!(bars.mark, Some(5.5));
    }

    #[test]
    fn several_backends_stand_in_groups() {
        let processes = series("processes", &[(2.0, 5.0), (4.0, 2.0)]);
        let threads = series("threads", &[(4.0, 2.5), (8.0, f64::NAN)]);
        let bars = bars(times(7, (1.0, 10.0).into(), &[processes, threads]));
        let kinds: Vec<Vec<Option<usize>>> = bars
            .groups
            .iter()
            .map(|group| group.bars.iter().map(|bar| bar.kind).collect())
            .collect();
        assert_eq!(kinds, [vec![None], vec![Some(0)], vec![Some(0), Some(1)], vec![Some(1)]]);
        assert_eq!(bars.y_label, "number of workers");
        assert_eq!(bars.groups[3].bars[0].note, "");
    }

    #[test]
    fn the_ideal_reaches_as_far_as_the_workers() {
        let Chart::Lines(lines) = speed_up(9, vec![series("threads", &[(1.0, 1.0), (4.0, 3.0)])])
        else {
            panic!()
        };
        assert_eq!(lines.x.ticks, [1.0, 4.0]);
        assert_eq!(
            lines.series[0],
            Series::dashed("ideal", [(0.0, 0.0), (4.0, 4.0)].map(Point::from))
        );
        assert_eq!(lines.series[1].name, "threads");
    }

    #[test]
    fn no_measurements_are_no_panic() {
        assert_eq!(bars(times(0, (0.0, f64::NAN).into(), &[])).groups.len(), 1);
        assert!(matches!(speed_up(0, Vec::new()), Chart::Lines(_)));
        assert!(matches!(break_even(Vec::new(), &[]), Chart::Lines(_)));
    }
}
