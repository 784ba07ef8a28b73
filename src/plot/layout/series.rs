//! One line.

use super::frame::Frame;
use crate::plot::{
    Point, Series, Stroke,
    colour::Colour,
    scene::{Scene, Spot},
};

/// With more points, dots would be a band.
const MOST_DOTS: usize = 40;

const DOT: f64 = 3.5;
const LINE: f64 = 2.0;
const DASHED: f64 = 1.5;
const CAP: f64 = 4.0;

/// How much of what is behind a band it hides.
const OPACITY: f64 = 0.2;

pub(super) fn has_dots(series: &Series) -> bool {
    series.stroke == Stroke::Solid && series.points.len() <= MOST_DOTS
}

/// Draws the line, and dots at its points. A point alone always has a dot.
pub(super) fn draw_line(scene: &mut Scene, series: &Series, frame: &Frame, colour: Colour) {
    for run in runs(&series.points, |point| frame.spot(point.x, point.y)) {
        match series.stroke {
            Stroke::Dashed => scene.dashes(&thinned(&run), DASHED, colour),
            Stroke::Solid => {
                if has_dots(series) || run.len() == 1 {
                    run.iter().for_each(|&spot| scene.disc(spot, DOT, colour));
                }
                scene.path(thinned(&run), LINE, colour);
            }
        }
    }
}

/// Draws intervals as a band, or as whiskers where there is only one.
pub(super) fn draw_intervals(scene: &mut Scene, series: &Series, frame: &Frame, colour: Colour) {
    let ends = |point: &Point| {
        let interval = point.interval?;
        Some((frame.spot(point.x, interval.lo)?, frame.spot(point.x, interval.hi)?))
    };
    for run in runs(&series.points, ends) {
        if let [(lo, hi)] = run[..] {
            scene.line(lo, hi, 1.5, colour);
            for end in [lo, hi] {
                let [left, right] = [-CAP, CAP].map(|cap| Spot { x: end.x + cap, ..end });
                scene.line(left, right, 1.5, colour);
            }
            continue;
        }
        let (mut band, above): (Vec<Spot>, Vec<Spot>) = run.into_iter().unzip();
        band.extend(above.into_iter().rev());
        scene.polygon(band, colour.with_alpha(OPACITY));
    }
}

/// What `placed` makes of the points, in runs of those it makes something of.
fn runs<T>(points: &[Point], placed: impl Fn(&Point) -> Option<T>) -> Vec<Vec<T>> {
    let mut runs = vec![Vec::new()];
    for point in points {
        match (placed(point), runs.last_mut()) {
            (Some(spot), Some(run)) => run.push(spot),
            (Some(_), None) => {}
            (None, _) => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// The same line with at most four spots in each column of pixels: the first, the lowest, the
/// highest and the last that it has there.
fn thinned(spots: &[Spot]) -> Vec<Spot> {
    let columns = spots.chunk_by(|left, right| left.x.floor() == right.x.floor());
    let mut thinned = Vec::new();
    for column in columns {
        if column.len() <= 4 {
            thinned.extend_from_slice(column);
            continue;
        }
        let by_y = |left: &usize, right: &usize| column[*left].y.total_cmp(&column[*right].y);
        let all = || 1..column.len() - 1;
        let mut kept = [all().min_by(by_y), all().max_by(by_y)];
        kept.sort();
        thinned.push(column[0]);
        thinned.extend(kept.into_iter().flatten().map(|idx| column[idx]));
        thinned.push(column[column.len() - 1]);
    }
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_point_is_a_gap() {
        let points = [1.0, 2.0, f64::NAN, 3.0].map(|y| Point::from((0.0, y)));
        let finite = |point: &Point| Some(point.y).filter(|y| y.is_finite());
        assert_eq!(runs(&points, finite), [vec![1.0, 2.0], vec![3.0]]);
        assert!(runs(&[], finite).is_empty());
    }

    #[test]
    fn a_long_line_keeps_its_extremes() {
        let spot = |idx: u32| Spot { x: f64::from(idx) / 1000.0, y: f64::from(idx * 7 % 1000) };
        let spots: Vec<Spot> = (0..2500).map(spot).collect();
        let thinned = thinned(&spots);
        assert_eq!(thinned.len(), 12);
        assert_eq!((thinned[0], thinned[11]), (spots[0], spots[2499]));
        assert!(thinned.iter().any(|spot| spot.y == 999.0));
        assert!(thinned.is_sorted_by(|left, right| left.x <= right.x));
    }
}
