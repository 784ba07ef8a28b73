//! Numbers on grids, as colours.

use super::{
    EDGE, LABEL, SMALL, TITLE_ROOM,
    frame::{Frame, Ruler},
    legend::ColourBar,
    title, write, write_upright,
};
use crate::plot::{
    Maps, Spacing,
    colour::{self, Colour, NEUTRAL},
    scale::Scale,
    scene::{Area, Scene, Spot},
    text::Align,
};

/// Largest plane of a lone map, and of one among others.
const ALONE: f64 = 460.0;
const AMONG: f64 = 250.0;

/// A plane is at most so many times as wide as high, or as high as wide; within that, the same
/// distance is as long on both axes.
const LONGEST: f64 = 2.5;

/// Room for what a map is, above it.
const NAME: f64 = SMALL + 12.0;

/// From the maps to the bar of colours.
const GAP: f64 = 18.0;

/// Colours that are told apart, so that equal neighbours can be drawn as one.
const COLOURS: f64 = 127.0;

pub(super) fn scene(maps: &Maps) -> Scene {
    let values = || maps.maps.iter().flat_map(|(_, values)| values).copied();
    let scale = Scale::covering(Spacing::Linear, values()).with_zero();
    let bar = ColourBar { scale, label: maps.value_label.clone(), colour: colour::heat };
    let grid = Panels::new(maps);
    let (width, height) = grid.size();
    let label = EDGE + LABEL;
    let right = label + width + GAP;
    let bottom = TITLE_ROOM + height;
    let bar_top = TITLE_ROOM + NAME;
    let bar_bottom = bottom - grid.below;
    let mut scene =
        Scene::new(right + bar.width(bar_bottom - bar_top) + EDGE, bottom + LABEL + EDGE);

    let middle = label + (width + grid.left) / 2.0;
    title(&mut scene, &maps.title, middle);
    for (idx, (name, values)) in maps.maps.iter().enumerate() {
        let area = grid.area(idx, Spot { x: label, y: TITLE_ROOM });
        let at = Spot { x: area.spot(0.5, 0.0).x, y: area.top - 8.0 };
        write(&mut scene, name, at, Align::Middle, SMALL, area.width() + EDGE);
        Frame::draw(&mut scene, area, (&grid.x, &grid.y), |scene, frame| {
            cells(scene, maps, values, &frame, scale);
        });
    }
    let at = Spot { x: middle, y: bottom + LABEL * 0.6 };
    write(&mut scene, &maps.x_label, at, Align::Middle, LABEL, width);
    let at = Spot { x: EDGE + LABEL * 0.8, y: (bar_top + bar_bottom) / 2.0 };
    write_upright(&mut scene, &maps.y_label, at, LABEL, height);
    bar.draw(&mut scene, right, bar_top, bar_bottom);
    scene
}

/// Where the maps are, in rows and columns.
struct Panels {
    n: usize,
    n_columns: usize,
    /// Size of a map's plane.
    width: f64,
    height: f64,
    /// What its axes need.
    left: f64,
    below: f64,
    x: Ruler,
    y: Ruler,
}

impl Panels {
    fn new(maps: &Maps) -> Self {
        let n = maps.maps.len().max(1);
        let n_columns = match n {
            4 => 2,
            n => n.min(3),
        };
        let ruler = |centres: &[f64]| {
            let scale = Scale::covering(Spacing::Linear, edges(centres));
            Ruler { has_grid: false, ..Ruler::new(scale, "") }
        };
        let (x, y) = (ruler(&maps.x), ruler(&maps.y));
        let length = |ruler: &Ruler| ruler.scale.hi() - ruler.scale.lo();
        let ratio = (length(&x) / length(&y)).clamp(1.0 / LONGEST, LONGEST);
        let largest = if n == 1 { ALONE } else { AMONG };
        let width = (largest * ratio.min(1.0)).round();
        let height = (largest / ratio.max(1.0)).round();
        let (left, below) = Frame::room(&x, &y, height);
        Self { n, n_columns, width, height, left: left.round(), below: below.round(), x, y }
    }

    /// What all maps need, with their names and axes.
    fn size(&self) -> (f64, f64) {
        let n_rows = self.n.div_ceil(self.n_columns);
        let (width, height) = self.pitch();
        (width * self.n_columns as f64, height * n_rows as f64)
    }

    fn pitch(&self) -> (f64, f64) {
        (self.left + self.width, NAME + self.height + self.below)
    }

    /// The plane of a map, if the first begins at `origin`.
    fn area(&self, idx: usize, origin: Spot) -> Area {
        let (row, column) = (idx / self.n_columns, idx % self.n_columns);
        let (width, height) = self.pitch();
        let left = origin.x + column as f64 * width + self.left;
        let top = origin.y + row as f64 * height + NAME;
        Area { left, top, right: left + self.width, bottom: top + self.height }
    }
}

/// Draws a rectangle for each number, or for each run of equal ones in a row.
fn cells(scene: &mut Scene, maps: &Maps, values: &[f64], frame: &Frame, scale: Scale) {
    let blocks = |centres: &[f64], pixels: f64| {
        let edges = edges(centres);
        stride(centres.len(), pixels).map(|first| (first, edges[first])).collect::<Vec<_>>()
    };
    let columns = ends(blocks(&maps.x, frame.area.width()), &maps.x);
    let rows = ends(blocks(&maps.y, frame.area.height()), &maps.y);
    for row in &rows {
        let colours = columns.iter().map(|column| {
            let mean = mean(values, maps.x.len(), column, row);
            (column, colour_of(mean, scale))
        });
        let colours: Vec<(&Block, Colour)> = colours.collect();
        for run in colours.chunk_by(|left, right| left.1 == right.1) {
            let [(first, colour), .., (last, _)] = run else {
                if let [(only, colour)] = run {
                    fill(scene, frame, [only, only], row, *colour);
                }
                continue;
            };
            fill(scene, frame, [first, last], row, *colour);
        }
    }
}

/// Neighbouring columns or rows that are drawn as one.
struct Block {
    first: usize,
    end: usize,
    from: f64,
    to: f64,
}

/// The first of each so many of `n` that they are no more than `pixels`.
fn stride(n: usize, pixels: f64) -> impl Iterator<Item = usize> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a picture is some hundred pixels wide"
    )]
    let pixels = pixels.max(1.0) as usize;
    (0..n).step_by(n.div_ceil(pixels).max(1))
}

fn ends(begins: Vec<(usize, f64)>, centres: &[f64]) -> Vec<Block> {
    let last = edges(centres).last().copied().unwrap_or(0.0);
    let nexts = begins.iter().copied().skip(1).chain([(centres.len(), last)]);
    let blocks = begins.iter().zip(nexts);
    blocks.map(|(&(first, from), (end, to))| Block { first, end, from, to }).collect()
}

/// The mean of the numbers in a block; NaN if any of them is.
fn mean(values: &[f64], width: usize, column: &Block, row: &Block) -> f64 {
    let all = (row.first..row.end)
        .flat_map(|row| (column.first..column.end).map(move |column| row * width + column));
    let sum: f64 = all.map(|idx| values.get(idx).copied().unwrap_or(f64::NAN)).sum();
    sum / ((row.end - row.first) * (column.end - column.first)) as f64
}

fn colour_of(value: f64, scale: Scale) -> Colour {
    let place = scale.place(value);
    place.map_or(NEUTRAL, |place| colour::heat((place * COLOURS).round() / COLOURS))
}

/// Fills whole pixels, because neighbours that meet within one would show a seam; for the same
/// reason each goes a little beyond its end, where the next one covers it.
fn fill(scene: &mut Scene, frame: &Frame, columns: [&Block; 2], row: &Block, colour: Colour) {
    let corners = [(columns[0].from, row.from), (columns[1].to, row.to)];
    let [Some(from), Some(to)] = corners.map(|(x, y)| frame.spot(x, y)) else { return };
    let Area { right, top, .. } = frame.area;
    let area = Area {
        left: from.x.round(),
        top: (to.y.round() - 0.5).max(top),
        right: (to.x.round() + 0.5).min(right),
        bottom: from.y.round(),
    };
    if area.width() > 0.0 && area.height() > 0.0 {
        scene.fill(area, colour);
    }
}

/// Where cells with these centres begin and end: half way to their neighbours.
fn edges(centres: &[f64]) -> Vec<f64> {
    let (Some(first), Some(last)) = (centres.first(), centres.last()) else { return Vec::new() };
    let between = centres.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0);
    let inner: Vec<f64> = between.collect();
    let beyond = |end: &f64, inner: Option<&f64>| inner.map_or(*end, |inner| 2.0 * end - inner);
    let (lo, hi) = (beyond(first, inner.first()), beyond(last, inner.last()));
    if inner.is_empty() {
        // A lone cell has no neighbour to say how wide it is.
        return vec![lo - 0.5, hi + 0.5];
    }
    [lo].into_iter().chain(inner.iter().copied()).chain([hi]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_meet_half_way() {
        assert_eq!(edges(&[0.0, 1.0, 3.0]), [-0.5, 0.5, 2.0, 4.0]);
        assert_eq!(edges(&[2.0]), [1.5, 2.5]);
        assert!(edges(&[]).is_empty());
    }

    #[test]
    fn more_cells_than_pixels_are_drawn_in_blocks() {
        assert_eq!(stride(10, 4.0).collect::<Vec<_>>(), [0, 3, 6, 9]);
        assert_eq!(stride(3, 4.0).collect::<Vec<_>>(), [0, 1, 2]);
        let block = |first, end| Block { first, end, from: 0.0, to: 0.0 };
        let values = [1.0, 2.0, 3.0, 4.0, f64::NAN, 6.0];
        assert_eq!(mean(&values, 2, &block(0, 2), &block(0, 2)), 2.5);
        assert!(mean(&values, 2, &block(0, 2), &block(1, 3)).is_nan());
        assert_eq!(mean(&values, 2, &block(1, 2), &block(2, 3)), 6.0);
    }
}
