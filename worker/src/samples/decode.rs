//! Stored bytes to rows of f64.

use std::ops::Range;

/// Numbers that are gathered at a time: 32 KiB of f64, which fit into the first-level cache.
const TILE: usize = 4096;

/// A cache line of f64, the fewest rows in a tile: each line of a column is then read once.
const LINE: usize = 8;

/// `bytes` as they are, if they are aligned and this machine's f64 are little-endian too.
pub(super) fn in_place(bytes: &[u8]) -> Option<&[f64]> {
    let numbers = bytemuck::try_cast_slice(bytes).ok()?;
    cfg!(target_endian = "little").then_some(numbers)
}

/// Converts all of `bytes` into `numbers`, in their order.
pub(super) fn convert<const SIZE: usize>(
    bytes: &[u8],
    number: impl Fn([u8; SIZE]) -> f64,
    numbers: &mut Vec<f64>,
) {
    let (stored, _) = bytes.as_chunks::<SIZE>();
    numbers.clear();
    numbers.extend(stored.iter().map(|&bytes| number(bytes)));
}

/// Gathers the rows `rows` of the `d` columns in `bytes`, which lie one after the other, into
/// `numbers`, row after row.
pub(super) fn gather<const SIZE: usize>(
    bytes: &[u8],
    number: impl Fn([u8; SIZE]) -> f64,
    d: usize,
    rows: Range<usize>,
    numbers: &mut Vec<f64>,
) {
    let (stored, _) = bytes.as_chunks::<SIZE>();
    let n = stored.len() / d;
    // Not cleared first: what a longer-lived vector holds is overwritten, not zeroed again.
    numbers.resize(rows.len() * d, 0.0);
    let tile_rows = (TILE / d).max(LINE);
    for (tile, start) in numbers.chunks_mut(tile_rows * d).zip(rows.step_by(tile_rows)) {
        for (column_idx, column) in stored.chunks_exact(n).enumerate() {
            let column = &column[start..start + tile.len() / d];
            for (row, &bytes) in tile.chunks_exact_mut(d).zip(column) {
                row[column_idx] = number(bytes);
            }
        }
    }
}
