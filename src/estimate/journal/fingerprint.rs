//! Tells data apart by their content.
//!
//! All numbers are hashed, not only the file's time and size: a file that was changed and has its
//! old time again, or a pipe, must not get the results of other data. They are hashed as f64 in the
//! order of the rows, which is all that results depend on: the same numbers as text, as `.npy` or in
//! another layout are the same samples.
//!
//! Cost: one pass over the samples, at the speed at which memory or the disk gives them.

use bytemuck::cast_slice;
use parzen_worker::samples::Samples;
use twox_hash::XxHash3_128;

/// Numbers hashed at a time, 256 KiB: what must be converted stays in the cache.
const PIECE: usize = 32 * 1024;

/// XXH3 of the numbers' bytes. It finds changes, but does not withstand one who looks for others
/// with the same fingerprint.
pub(super) fn fingerprint(numbers: &[f64]) -> u128 {
    XxHash3_128::oneshot(cast_slice(numbers))
}

/// The [`fingerprint`] of all samples, row after row.
pub(super) fn fingerprint_of(samples: &Samples) -> u128 {
    let (n, mut hash) = (samples.n(), XxHash3_128::new());
    let piece_rows = (PIECE / samples.d()).max(1);
    let mut scratch = Vec::new();
    for start in (0..n).step_by(piece_rows) {
        let rows = start..n.min(start + piece_rows);
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
        // More than one piece, the last of which is not full.
        let (n, d) = (50_000, 3);
        let number = |row: usize, column: usize| (7 * row + column) as f32;
        let rows: Vec<f32> = (0..n * d).map(|idx| number(idx / d, idx % d)).collect();
        let columns: Vec<f32> = (0..n * d).map(|idx| number(idx % n, idx / n)).collect();
        let wide = |numbers: &[f32]| numbers.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();

        let expected = fingerprint(&wide(&rows));
        let (by_row, by_column) = (Order::RowMajor, Order::ColumnMajor);
        assert_eq!(of(cast_slice(&rows), Element::F32, by_row, n, d), expected);
        assert_eq!(of(cast_slice(&columns), Element::F32, by_column, n, d), expected);
        assert_eq!(of(cast_slice(&wide(&rows)), Element::F64, by_row, n, d), expected);
        assert_eq!(of(cast_slice(&wide(&columns)), Element::F64, by_column, n, d), expected);
        assert_ne!(of(cast_slice(&columns), Element::F32, by_row, n, d), expected);
    }

    #[test]
    fn any_changed_number_is_noticed() {
        let numbers: Vec<f64> = (0..70_000).map(f64::from).collect();
        let first = fingerprint(&numbers);
        for idx in [0, 1, 32_767, 32_768, 69_999] {
            let mut numbers = numbers.clone();
            numbers[idx] = f64::from_bits(numbers[idx].to_bits() ^ 1);
            let bytes = cast_slice(&numbers);
            assert_ne!(of(bytes, Element::F64, Order::RowMajor, numbers.len(), 1), first, "{idx}");
        }
    }
}
