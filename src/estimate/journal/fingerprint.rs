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
