//! A few rows of samples, turned into columns so that the loops over them are vector loops.

use std::array;

/// Numbers in a block: 16 KiB. A block and its distances stay in the first-level cache while all
/// points and widths pass over it.
const SIZE: usize = 2048;

/// The fewest rows in a block, however many columns there are.
const MIN_ROWS: usize = 16;

/// Some samples, column after column.
pub(super) struct Block<'a> {
    columns: &'a [f64],
    n_rows: usize,
}

/// Calls `with` for each block of `rows`, in order, and with room for one number a row.
pub(super) fn for_each(rows: &[f64], d: usize, mut with: impl FnMut(&Block<'_>, &mut [f64])) {
    let most = (SIZE / d).max(MIN_ROWS);
    let mut columns = Vec::new();
    let mut distances = vec![0.0; most.min(rows.len() / d)];
    for rows in rows.chunks(most * d) {
        let n_rows = rows.len() / d;
        let columns = if d == 1 { rows } else { transposed(rows, d, &mut columns) };
        with(&Block { columns, n_rows }, &mut distances[..n_rows]);
    }
}

fn transposed<'a>(rows: &[f64], d: usize, columns: &'a mut Vec<f64>) -> &'a [f64] {
    columns.resize(rows.len(), 0.0);
    for (column_idx, column) in columns.chunks_exact_mut(rows.len() / d).enumerate() {
        for (number, row) in column.iter_mut().zip(rows.chunks_exact(d)) {
            *number = row[column_idx];
        }
    }
    columns
}

impl Block<'_> {
    /// The Chebyshev distance `max_j |x_j - s_j|` of each row from `point`.
    pub(super) fn distances(&self, point: &[f64], distances: &mut [f64]) {
        match *point {
            [x] => fill(&self.split(), [x], distances),
            [x, y] => fill(&self.split(), [x, y], distances),
            [x, y, z] => fill(&self.split(), [x, y, z], distances),
            _ => self.distances_any(point, distances),
        }
    }

    /// How many rows are no further than `reach` from `point`. Overwrites `distances`.
    pub(super) fn count_within(&self, point: &[f64], reach: f64, distances: &mut [f64]) -> u64 {
        match *point {
            [x] => count(&self.split(), [x], reach),
            [x, y] => count(&self.split(), [x, y], reach),
            [x, y, z] => count(&self.split(), [x, y, z], reach),
            _ => {
                self.distances_any(point, distances);
                distances.iter().map(|&distance| u64::from(distance <= reach)).sum()
            }
        }
    }

    fn distances_any(&self, point: &[f64], distances: &mut [f64]) {
        distances.fill(0.0);
        for (column, x) in self.columns.chunks_exact(self.n_rows).zip(point) {
            for (distance, s) in distances.iter_mut().zip(column) {
                *distance = larger(*distance, (x - s).abs());
            }
        }
    }

    /// All columns, of one known length.
    fn split<const D: usize>(&self) -> [&[f64]; D] {
        array::from_fn(|column_idx| &self.columns[column_idx * self.n_rows..][..self.n_rows])
    }
}

fn fill<const D: usize>(columns: &[&[f64]; D], point: [f64; D], distances: &mut [f64]) {
    let columns = columns.map(|column| &column[..distances.len()]);
    for (row_idx, distance) in distances.iter_mut().enumerate() {
        *distance = chebyshev(&columns, point, row_idx);
    }
}

fn count<const D: usize>(columns: &[&[f64]; D], point: [f64; D], reach: f64) -> u64 {
    let n_rows = columns[0].len();
    let columns = columns.map(|column| &column[..n_rows]);
    (0..n_rows).map(|row_idx| u64::from(chebyshev(&columns, point, row_idx) <= reach)).sum()
}

#[inline(always)]
fn chebyshev<const D: usize>(columns: &[&[f64]; D], point: [f64; D], row_idx: usize) -> f64 {
    let mut farthest = (point[0] - columns[0][row_idx]).abs();
    for column_idx in 1..D {
        farthest = larger(farthest, (point[column_idx] - columns[column_idx][row_idx]).abs());
    }
    farthest
}

/// As `f64::max`, which is slower because it answers for NaN too.
fn larger(a: f64, b: f64) -> f64 {
    if a < b { b } else { a }
}
