//! Tells data apart by their content.
//!
//! All numbers are hashed, not only the file's time and size: a file that was changed and has its
//! old time again, or a pipe, must not get the results of other data. They are hashed as f64 in the
//! order of the rows, which is all that results depend on: the same numbers as text, as `.npy` or in
//! another layout are the same samples.
//!
//! Cost: one pass over the samples, on all cores, at the speed at which memory or the disk gives
//! them.

use std::{
    num::NonZeroUsize,
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use bytemuck::cast_slice;
use parzen_worker::samples::Samples;
use twox_hash::XxHash3_128;

/// Numbers that one thread hashes at a time, 4 MiB. It is a part of what a fingerprint is.
const PART: usize = 512 * 1024;

/// Numbers hashed at once, 256 KiB: what must be converted stays in the cache.
const PIECE: usize = 32 * 1024;

/// XXH3 of the numbers' bytes. It finds changes, but does not withstand one who looks for others
/// with the same fingerprint.
pub(super) fn fingerprint(numbers: &[f64]) -> u128 {
    XxHash3_128::oneshot(cast_slice(numbers))
}

/// The same of all samples, row after row: of the fingerprints of parts, however many threads there
/// are.
pub(super) fn fingerprint_of(samples: &Samples) -> u128 {
    let n = samples.n();
    let part_rows = (PART / samples.d()).max(1);
    let n_parts = n.div_ceil(part_rows);
    let (next, parts) = (AtomicUsize::new(0), Mutex::new(vec![0; n_parts]));
    let work = || {
        loop {
            let part = next.fetch_add(1, Ordering::Relaxed);
            if n_parts <= part {
                return;
            }
            let start = part * part_rows;
            let hash = fingerprint_of_rows(samples, start..n.min(start + part_rows));
            parts.lock().unwrap_or_else(PoisonError::into_inner)[part] = hash;
        }
    };
    let n_threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(n_parts);
    thread::scope(|scope| {
        for _ in 1..n_threads {
            let builder = thread::Builder::new().name("fingerprint".to_owned());
            if builder.spawn_scoped(scope, work).is_err() {
                // With fewer threads it takes longer.
                break;
            }
        }
        work();
    });
    let parts = parts.into_inner().unwrap_or_else(PoisonError::into_inner);
    let bytes: Vec<u8> = parts.into_iter().flat_map(u128::to_le_bytes).collect();
    XxHash3_128::oneshot(&bytes)
}

fn fingerprint_of_rows(samples: &Samples, rows: Range<usize>) -> u128 {
    let piece_rows = (PIECE / samples.d()).max(1);
    let (mut hash, mut scratch) = (XxHash3_128::new(), Vec::new());
    for start in rows.clone().step_by(piece_rows) {
        let rows = start..rows.end.min(start + piece_rows);
        hash.write(cast_slice(samples.rows(rows, &mut scratch)));
    }
    hash.finish_128()
}

#[cfg(test)]
mod tests {
    use parzen_worker::{
        samples::{Element, Order, Place, Source},
        shared::Segment,
    };

    use super::*;

    /// Of n×d samples that lie as these bytes.
    fn of(bytes: &[u8], element: Element, order: Order, n: usize, d: usize) -> u128 {
        let segment = Segment::from_bytes(bytes).unwrap();
        let place = Place::Segment(segment.reference());
        let source = Source { place, offset: 0, element, order, n, d };
        fingerprint_of(&Samples::open(&source).unwrap())
    }

    #[test]
    fn the_same_samples_in_any_layout_are_the_same() {
        // More than one part, the last of which is not full, and neither is its last piece.
        let (n, d) = (200_000, 3);
        let number = |row: usize, column: usize| (7 * row + column) as f32;
        let rows: Vec<f32> = (0..n * d).map(|idx| number(idx / d, idx % d)).collect();
        let columns: Vec<f32> = (0..n * d).map(|idx| number(idx % n, idx / n)).collect();
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();

        let (by_row, by_column) = (Order::RowMajor, Order::ColumnMajor);
        let expected = of(cast_slice(&wide(&rows)), Element::F64, by_row, n, d);
        assert_eq!(of(cast_slice(&rows), Element::F32, by_row, n, d), expected);
        assert_eq!(of(cast_slice(&columns), Element::F32, by_column, n, d), expected);
        assert_eq!(of(cast_slice(&wide(&columns)), Element::F64, by_column, n, d), expected);
        assert_ne!(of(cast_slice(&columns), Element::F32, by_row, n, d), expected);
    }

    #[test]
    fn any_changed_number_is_noticed() {
        let mut numbers: Vec<f64> = (0..600_000).map(f64::from).collect();
        let n = numbers.len();
        let of = |numbers: &[f64]| of(cast_slice(numbers), Element::F64, Order::RowMajor, n, 1);
        let first = of(&numbers);
        for idx in [0, 1, PIECE - 1, PIECE, PART - 1, PART, n - 1] {
            let before = numbers[idx];
            numbers[idx] = f64::from_bits(before.to_bits() ^ 1);
            assert_ne!(of(&numbers), first, "{idx}");
            numbers[idx] = before;
        }
        assert_eq!(of(&numbers), first);
        numbers.swap(PART - 1, PART);
        assert_ne!(of(&numbers), first);
    }
}
