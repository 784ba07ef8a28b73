//! Cuts an estimate into jobs.

use std::{num::NonZeroUsize, ops::Range};

use parzen_worker::tasks::density::{Method, Part};

/// Most counts in one partial.
///
/// A message may have 192 KiB and a count takes at most 9 bytes on the wire, so a full partial has
/// at most 144 KiB and leaves 48 KiB for what is around it. In memory it is 128 KiB.
pub const MAX_PARTIAL: usize = 16_384;

const _: () = assert!(MAX_PARTIAL * 9 + 4096 < 192 * 1024, "a full partial must fit a message");

/// Chunks that an estimate is cut into before they are as large as they should be.
///
/// Enough for all cores of a usual machine to be busy with one point and one width, and for the
/// last job to be a small part of the whole.
const WANTED_CHUNKS: usize = 32;

/// Rows below which a chunk is not cut further: a job costs about 10 µs besides its work, as much
/// as comparing some thousand rows with one point. 10,000 rows make 10 chunks.
const MIN_ROWS: usize = 1024;

/// Numbers in a large chunk: 1 MiB, which stays in a core's second-level cache while point after
/// point is compared with it, and takes 100 µs or so to read from memory even for one point alone.
const CHUNK_NUMBERS: usize = 1 << 17;

/// Numbers that one job compares, rows × d × points: some 10 to 100 ms, so that progress, stopping
/// and the loss of a worker are all a matter of less than that.
const JOB_NUMBERS: usize = 1 << 27;

/// How large an estimate is. All four are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Samples.
    pub n: usize,
    /// Numbers in a sample.
    pub d: usize,
    /// Points.
    pub m: usize,
    /// Widths.
    pub widths: usize,
}

/// The jobs of one estimate: chunks × blocks of points × blocks of widths.
///
/// Jobs are numbered so that results become complete as early as they can, and nearly in the order
/// of the widths: all chunks of one [`Block`] come before the next block, all blocks of points
/// before the next block of widths.
///
/// ```
/// use parzen::estimate::{Plan, Shape};
/// use parzen_worker::tasks::density::Method;
///
/// let shape = Shape { n: 10_000, d: 2, m: 1, widths: 12 };
/// let plan = Plan::new(shape, Method::Direct, None);
/// assert_eq!((plan.n_chunks(), plan.n_blocks(), plan.n_jobs()), (10, 12, 120));
/// assert_eq!(plan.part(11).rows, 1000..2000);
/// assert_eq!(plan.part(11).widths, 1..2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    shape: Shape,
    rows: Cut,
    points: Cut,
    widths: Cut,
}

/// Some points and some widths: what becomes complete at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Indices of points.
    pub points: Range<usize>,
    /// Indices of widths.
    pub widths: Range<usize>,
}

impl Block {
    /// Counts in a partial of this block: one for each width and point.
    #[must_use]
    pub fn n_counts(&self) -> usize {
        self.points.len() * self.widths.len()
    }
}

impl Plan {
    /// Plans from the shape, the method and, if given, the rows in a chunk. Nothing else matters:
    /// not the backend, not the number of workers.
    ///
    /// With [`Method::Direct`] a job has one width, with [`Method::Shared`] as many as fit.
    #[must_use]
    pub fn new(shape: Shape, method: Method, chunk_rows: Option<NonZeroUsize>) -> Self {
        let rows = match chunk_rows {
            Some(rows) => Cut::exact(shape.n, rows.get()),
            None => Cut::even(shape.n, max_chunk_rows(shape.n, shape.d)),
        };
        let widths = match method {
            Method::Direct => Cut::exact(shape.widths, 1),
            Method::Shared => Cut::even(shape.widths, MAX_PARTIAL),
        };
        let chunk_numbers = rows.size.saturating_mul(shape.d).max(1);
        let max_points = (JOB_NUMBERS / chunk_numbers).clamp(1, MAX_PARTIAL / widths.size);
        Self { shape, rows, points: Cut::even(shape.m, max_points), widths }
    }

    /// What was planned for.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How many jobs there are: `n_chunks() * n_blocks()`, or `u64::MAX` if that is less.
    #[must_use]
    pub fn n_jobs(&self) -> u64 {
        self.n_chunks().saturating_mul(self.n_blocks())
    }

    /// How many chunks of rows, and so jobs in a block.
    #[must_use]
    pub fn n_chunks(&self) -> u64 {
        self.rows.n_pieces()
    }

    /// How many blocks of points and widths.
    #[must_use]
    pub fn n_blocks(&self) -> u64 {
        self.points.n_pieces().saturating_mul(self.widths.n_pieces())
    }

    /// The block that `job` belongs to.
    #[must_use]
    pub fn block_of(&self, job: u64) -> u64 {
        job / self.n_chunks()
    }

    /// The chunk that `job` reads.
    #[must_use]
    pub fn chunk_of(&self, job: u64) -> u64 {
        job % self.n_chunks()
    }

    /// The rows of chunk `chunk`, for `chunk < n_chunks()`.
    #[must_use]
    pub fn chunk(&self, chunk: u64) -> Range<usize> {
        self.rows.piece(chunk)
    }

    /// The points and widths of block `block`, for `block < n_blocks()`.
    #[must_use]
    pub fn block(&self, block: u64) -> Block {
        let n_point_blocks = self.points.n_pieces();
        Block {
            points: self.points.piece(block % n_point_blocks),
            widths: self.widths.piece(block / n_point_blocks),
        }
    }

    /// Counts in the largest partial, at most [`MAX_PARTIAL`].
    #[must_use]
    pub fn max_counts(&self) -> usize {
        self.points.size * self.widths.size
    }

    /// What job `job` is, for `job < n_jobs()`.
    #[must_use]
    pub fn part(&self, job: u64) -> Part {
        let Block { points, widths } = self.block(self.block_of(job));
        let check = self.block_of(job) == 0;
        Part { rows: self.chunk(self.chunk_of(job)), points, widths, check }
    }
}

/// Most rows in a chunk, from the samples' shape alone, so that every machine cuts alike.
fn max_chunk_rows(n: usize, d: usize) -> usize {
    let large = (CHUNK_NUMBERS / d.max(1)).max(1);
    n.div_ceil(WANTED_CHUNKS).max(MIN_ROWS).min(large)
}

/// `0..len` in pieces of `size`, the last one perhaps smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    len: usize,
    /// At least 1.
    size: usize,
}

impl Cut {
    fn exact(len: usize, size: usize) -> Self {
        Self { len, size: size.clamp(1, len.max(1)) }
    }

    /// As few pieces as go with `max_size`, all of nearly the same size: a small last one would
    /// cost a job for little work.
    fn even(len: usize, max_size: usize) -> Self {
        let n_pieces = len.div_ceil(max_size).max(1);
        Self::exact(len, len.div_ceil(n_pieces))
    }

    fn n_pieces(self) -> u64 {
        self.len.div_ceil(self.size) as u64
    }

    fn piece(self, piece: u64) -> Range<usize> {
        let start = usize::try_from(piece).unwrap_or(usize::MAX).saturating_mul(self.size);
        let start = start.min(self.len);
        start..start.saturating_add(self.size).min(self.len)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn plan(n: usize, d: usize, m: usize, widths: usize, method: Method) -> Plan {
        Plan::new(Shape { n, d, m, widths }, method, None)
    }

    #[test]
    fn small_samples_still_make_several_jobs() {
        assert_eq!(plan(10_000, 2, 1, 12, Method::Shared).n_chunks(), 10);
        assert_eq!(plan(10_000, 2, 1, 12, Method::Shared).n_jobs(), 10);
        assert_eq!(plan(10_000, 2, 1, 12, Method::Direct).n_jobs(), 120);
        assert_eq!(plan(1, 1, 1, 1, Method::Direct).n_jobs(), 1);
    }

    #[test]
    fn large_chunks_have_a_mebibyte() {
        let check = |n, d, rows| {
            assert_eq!(plan(n, d, 1, 1, Method::Shared).chunk(0), 0..rows, "n {n}, d {d}");
        };
        check(1_000_000, 3, 31_250);
        check(100_000_000, 1, 131_062);
        check(100_000_000, 2, 65_531);
        check(100_000_000, 4, 32_766);
        check(100_000, 1000, 131);
        check(100, 10_000_000, 1);
    }

    #[test]
    fn widths_are_split_only_if_one_point_has_too_many() {
        let block = |m, widths| plan(1000, 1, m, widths, Method::Shared).block(0);
        assert_eq!(block(1, MAX_PARTIAL), Block { points: 0..1, widths: 0..MAX_PARTIAL });
        assert_eq!(block(3, MAX_PARTIAL + 1), Block { points: 0..1, widths: 0..8193 });
        assert_eq!(block(16_385, 1), Block { points: 0..8193, widths: 0..1 });
    }

    #[test]
    fn a_job_compares_a_bounded_number_of_numbers() {
        let plan = plan(100_000_000, 2, 1_000_000, 1, Method::Direct);
        let part = plan.part(0);
        let numbers = part.rows.len() * 2 * part.points.len();
        assert!((JOB_NUMBERS * 9 / 10..=JOB_NUMBERS).contains(&numbers), "{numbers}");
    }

    #[test]
    fn a_given_chunk_size_is_kept_to_the_row() {
        let shape = Shape { n: 10, d: 1, m: 1, widths: 1 };
        let plan = Plan::new(shape, Method::Shared, NonZeroUsize::new(4));
        let rows: Vec<_> = (0..plan.n_jobs()).map(|job| plan.part(job).rows).collect();
        assert_eq!(rows, [0..4, 4..8, 8..10]);
        let plan = Plan::new(shape, Method::Shared, NonZeroUsize::new(usize::MAX));
        assert_eq!(plan.part(0).rows, 0..10);
    }

    #[test]
    fn huge_shapes_do_not_overflow() {
        let huge = 1_000_000_000;
        for method in [Method::Direct, Method::Shared] {
            for chunk_rows in [None, NonZeroUsize::new(1), NonZeroUsize::new(usize::MAX)] {
                for size in [huge, usize::MAX] {
                    let shape = Shape { n: size, d: huge, m: size, widths: size };
                    let plan = Plan::new(shape, method, chunk_rows);
                    assert!(plan.max_counts() <= MAX_PARTIAL);
                    for job in [0, plan.n_jobs() / 2, plan.n_jobs() - 1] {
                        let part = plan.part(job);
                        assert!(part.rows.end <= size && !part.rows.is_empty());
                        assert!(part.points.end <= size && !part.points.is_empty());
                        assert!(part.widths.end <= size && !part.widths.is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_to_do_makes_no_jobs() {
        for [n, m, widths] in [[0, 1, 1], [1, 0, 1], [1, 1, 0]] {
            for method in [Method::Direct, Method::Shared] {
                assert_eq!(plan(n, 1, m, widths, method).n_jobs(), 0);
            }
        }
    }

    fn method() -> impl Strategy<Value = Method> {
        prop_oneof![Just(Method::Direct), Just(Method::Shared)]
    }

    /// With few dimensions all points go into one block, with very many a point or two.
    fn dimensions() -> impl Strategy<Value = usize> {
        prop_oneof![1..4_usize, JOB_NUMBERS / 100..JOB_NUMBERS]
    }

    proptest! {
        #[test]
        fn parts_tile_the_whole_exactly_once(
            n in 1..40_usize, d in dimensions(), m in 1..12_usize, widths in 1..9_usize,
            method in method(), chunk_rows in 0..50_usize,
        ) {
            let shape = Shape { n, d, m, widths };
            let plan = Plan::new(shape, method, NonZeroUsize::new(chunk_rows));
            let mut seen = HashSet::new();
            for job in 0..plan.n_jobs() {
                let part = plan.part(job);
                for row in part.rows {
                    for point in part.points.clone() {
                        for width in part.widths.clone() {
                            prop_assert!(seen.insert((row, point, width)), "twice");
                        }
                    }
                }
            }
            prop_assert_eq!(seen.len(), n * m * widths);
        }

        #[test]
        fn pieces_tile_a_length_in_order(len in 0..1_000_000_usize, max in 1..200_000_usize) {
            for cut in [Cut::even(len, max), Cut::exact(len, max.max(len / 1000))] {
                let mut end = 0;
                for piece in (0..cut.n_pieces()).map(|piece| cut.piece(piece)) {
                    prop_assert_eq!(piece.start, end);
                    prop_assert!(!piece.is_empty() && piece.len() <= max.max(len / 1000));
                    end = piece.end;
                }
                prop_assert_eq!(end, len);
            }
        }

        #[test]
        fn partials_fit_and_each_chunk_is_checked_once(
            n in 1..3_000_000_usize, d in 1..70_usize, m in 1..60_000_usize,
            widths in 1..40_000_usize, method in method(),
        ) {
            let plan = plan(n, d, m, widths, method);
            let last = plan.n_jobs() - 1;
            for job in (0..plan.n_chunks() * 2).chain(last.saturating_sub(9)..=last) {
                if last < job {
                    continue;
                }
                let part = plan.part(job);
                let counts = part.points.len() * part.widths.len();
                prop_assert!(counts <= plan.max_counts() && counts <= MAX_PARTIAL);
                prop_assert_eq!(counts, plan.block(plan.block_of(job)).n_counts());
                prop_assert_eq!(part.check, job < plan.n_chunks());
            }
        }

        #[test]
        fn chunks_depend_on_the_samples_alone(
            n in 1..3_000_000_usize, d in 1..70_usize, m in 1..60_000_usize,
            widths in 1..40_000_usize,
        ) {
            let direct = plan(n, d, m, widths, Method::Direct);
            let shared = plan(n, d, 1, 1, Method::Shared);
            prop_assert_eq!(direct.rows, shared.rows);
        }
    }
}
