//! Puts partials together, in chunk order whatever order they come in.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroU64,
};

use parzen_worker::tasks::density::Partial;

use super::{Completed, JobError, Plan};

/// Memory that partials may take while they wait for earlier ones.
const HELD_BYTES: u64 = 64 << 20;

/// What a waiting partial takes besides its counts, roughly: its vector and its places in the maps.
const ENTRY_BYTES: u64 = 128;

/// What is wrong with a partial. A worker's word is not taken for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// No such job was planned.
    #[error("there are only {n_jobs} jobs")]
    OutOfRange {
        /// How many there are.
        n_jobs: u64,
    },
    /// The job had been returned before.
    #[error("the job is done already")]
    Twice,
    /// Not one count for each width and point.
    #[error("it has {found} counts, not {expected}")]
    Length {
        /// Counts in it.
        found: usize,
        /// Counts of its block.
        expected: usize,
    },
    /// More samples inside a window than there are.
    #[error("it counts {count} of {rows} samples")]
    Count {
        /// The count.
        count: u64,
        /// Rows of its chunk.
        rows: usize,
    },
    /// A NaN or an infinity is reported where there is none.
    #[error("it reports a NaN or an infinity, but all samples are finite")]
    Finite,
}

/// What became of a job given to [`Merge::add`].
#[derive(Debug)]
#[must_use]
pub(crate) enum Added {
    /// Its block has other jobs to wait for.
    Incomplete,
    /// It was the last one of its block.
    Complete(Merged),
    /// Its chunk has a NaN or an infinity.
    NotFinite,
    /// It failed, and so its block will never be complete.
    Failed(JobError),
}

/// A block with all its chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    /// Its number in the plan.
    pub(crate) block: u64,
    /// Samples inside the window, width after width, one for each point.
    pub(crate) counts: Vec<u64>,
    /// Who finished last.
    pub(crate) worker: u32,
    /// When its first job began.
    pub(crate) started_ns: u64,
    /// When its last job ended.
    pub(crate) finished_ns: u64,
}

/// The partials of one estimate that are not yet part of a complete block.
#[derive(Debug)]
pub(crate) struct Merge<'a> {
    plan: &'a Plan,
    open: BTreeMap<u64, OpenBlock>,
    done: Done,
}

impl<'a> Merge<'a> {
    pub(crate) fn new(plan: &'a Plan) -> Self {
        Self { plan, open: BTreeMap::new(), done: Done::default() }
    }

    /// Takes a finished job, in any order.
    pub(crate) fn add(&mut self, completed: Completed) -> Result<Added, Mismatch> {
        self.check(&completed)?;
        let Completed { job, outcome, worker, started_ns, finished_ns } = completed;
        let (counts, error) = match outcome {
            Ok(Partial::NotFinite) => return Ok(Added::NotFinite),
            Ok(Partial::Counts(counts)) => (Some(counts), None),
            Err(error) => (None, Some(error)),
        };
        self.done.insert(job);

        let block = self.plan.block_of(job);
        let open = self.open.entry(block).or_insert_with(|| OpenBlock::new(self.plan, block));
        open.saw(worker, started_ns, finished_ns);
        open.add(self.plan.chunk_of(job), counts);
        let complete = if open.n_left == 0 { self.open.remove(&block) } else { None };
        Ok(match (error, complete) {
            (Some(error), _) => Added::Failed(error),
            (None, Some(open)) if !open.has_failed => Added::Complete(open.merged),
            (None, Some(_) | None) => Added::Incomplete,
        })
    }

    pub(crate) fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// The oldest job that is not done.
    pub(crate) fn oldest(&self) -> u64 {
        self.done.below
    }

    /// How many jobs are done.
    pub(crate) fn n_done(&self) -> u64 {
        self.done.len()
    }

    /// Whether [`add`](Self::add) would take it.
    pub(crate) fn check(&self, completed: &Completed) -> Result<(), Mismatch> {
        self.check_job(completed.job)?;
        match &completed.outcome {
            Ok(Partial::Counts(counts)) => self.check_counts(completed.job, counts),
            Ok(Partial::NotFinite) | Err(_) => Ok(()),
        }
    }

    fn check_job(&self, job: u64) -> Result<(), Mismatch> {
        let n_jobs = self.plan.n_jobs();
        if n_jobs <= job {
            Err(Mismatch::OutOfRange { n_jobs })
        } else if self.done.contains(job) {
            Err(Mismatch::Twice)
        } else {
            Ok(())
        }
    }

    /// Counts that pass add up to at most n, so that the sums cannot overflow.
    fn check_counts(&self, job: u64, counts: &[u64]) -> Result<(), Mismatch> {
        let (found, rows) = (counts.len(), self.plan.chunk(self.plan.chunk_of(job)).len());
        let expected = self.plan.block(self.plan.block_of(job)).n_counts();
        if found != expected {
            return Err(Mismatch::Length { found, expected });
        }
        match counts.iter().find(|&&count| (rows as u64) < count) {
            Some(&count) => Err(Mismatch::Count { count, rows }),
            None => Ok(()),
        }
    }
}

/// How far ahead of the oldest unfinished job others may be, so that what waits for it is bounded:
/// 64 MiB of partials, which is 500 jobs of the largest and very many of the usual ones.
pub(crate) fn window(plan: &Plan) -> NonZeroU64 {
    let job_bytes = plan.max_counts() as u64 * size_of::<u64>() as u64 + ENTRY_BYTES;
    NonZeroU64::MIN.saturating_add(HELD_BYTES / job_bytes)
}

/// A block that still waits for jobs.
#[derive(Debug)]
struct OpenBlock {
    merged: Merged,
    /// Jobs still to come.
    n_left: u64,
    has_failed: bool,
    /// The chunk to be added next.
    next_chunk: u64,
    /// Partials of later chunks.
    early: BTreeMap<u64, Vec<u64>>,
}

impl OpenBlock {
    fn new(plan: &Plan, block: u64) -> Self {
        let counts = vec![0; plan.block(block).n_counts()];
        let merged = Merged { block, counts, worker: 0, started_ns: u64::MAX, finished_ns: 0 };
        let (n_left, early) = (plan.n_chunks(), BTreeMap::new());
        Self { merged, n_left, has_failed: false, next_chunk: 0, early }
    }

    fn saw(&mut self, worker: u32, started_ns: u64, finished_ns: u64) {
        self.merged.started_ns = self.merged.started_ns.min(started_ns);
        if self.merged.finished_ns <= finished_ns {
            self.merged.finished_ns = finished_ns;
            self.merged.worker = worker;
        }
    }

    /// Takes the partial of a chunk, or `None` if its job failed.
    fn add(&mut self, chunk: u64, counts: Option<Vec<u64>>) {
        self.n_left -= 1;
        match counts {
            Some(counts) if !self.has_failed => self.add_in_order(chunk, counts),
            Some(_) => {}
            None => {
                self.has_failed = true;
                self.early.clear();
                self.merged.counts = Vec::new();
            }
        }
    }

    /// Adds a partial once all chunks before it are added. Counts could be added in any order, but
    /// a sum of floats is the same every time only if its order is.
    fn add_in_order(&mut self, chunk: u64, counts: Vec<u64>) {
        self.early.insert(chunk, counts);
        while let Some(counts) = self.early.remove(&self.next_chunk) {
            for (sum, count) in self.merged.counts.iter_mut().zip(counts) {
                *sum += count;
            }
            self.next_chunk += 1;
        }
    }
}

/// The jobs that are done: all below a number, and some above it.
#[derive(Debug, Default)]
struct Done {
    below: u64,
    above: BTreeSet<u64>,
}

impl Done {
    fn insert(&mut self, job: u64) {
        self.above.insert(job);
        while self.above.remove(&self.below) {
            self.below += 1;
        }
    }

    fn contains(&self, job: u64) -> bool {
        job < self.below || self.above.contains(&job)
    }

    fn len(&self) -> u64 {
        self.below + self.above.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use parzen_worker::tasks::density::Method;
    use proptest::prelude::*;

    use super::*;
    use crate::estimate::Shape;

    /// 10 samples; blocks of one width and both points.
    fn plan_by(chunk_rows: usize) -> Plan {
        let shape = Shape { n: 10, d: 1, m: 2, widths: 2 };
        Plan::new(shape, Method::Direct, NonZeroUsize::new(chunk_rows))
    }

    /// Chunks of 4, 4 and 2 rows.
    fn plan() -> Plan {
        plan_by(4)
    }

    /// A job that took from `10 * job` to `10 * job + 5`.
    fn completed(job: u64, counts: &[u64]) -> Completed {
        let worker = u32::try_from(job).unwrap();
        let outcome = Ok(Partial::Counts(counts.to_vec()));
        Completed { job, outcome, worker, started_ns: 10 * job, finished_ns: 10 * job + 5 }
    }

    #[test]
    fn a_block_is_complete_with_its_last_chunk() {
        let plan = plan();
        let mut merge = Merge::new(&plan);
        for (job, counts) in [(2, [1, 0]), (0, [4, 2]), (3, [0, 0])] {
            assert!(matches!(merge.add(completed(job, &counts)), Ok(Added::Incomplete)));
        }
        let merged =
            Merged { block: 0, counts: vec![8, 2], worker: 2, started_ns: 0, finished_ns: 25 };
        let Ok(Added::Complete(complete)) = merge.add(completed(1, &[3, 0])) else { panic!() };
        assert_eq!(complete, merged);
        assert_eq!(merge.n_done(), 4);
        assert_eq!(merge.open.keys().copied().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn what_a_worker_returns_is_checked() {
        let check = |earlier: &[u64], job, counts: &[u64], mismatch| {
            let plan = plan();
            let mut merge = Merge::new(&plan);
            for &job in earlier {
                let _ = merge.add(completed(job, &[0, 0])).unwrap();
            }
            assert_eq!(merge.add(completed(job, counts)).unwrap_err(), mismatch);
        };
        check(&[], 6, &[0, 0], Mismatch::OutOfRange { n_jobs: 6 });
        check(&[], u64::from(u32::MAX), &[0, 0], Mismatch::OutOfRange { n_jobs: 6 });
        check(&[1], 1, &[0, 0], Mismatch::Twice);
        check(&[0, 1, 2], 1, &[0, 0], Mismatch::Twice);
        check(&[], 0, &[0], Mismatch::Length { found: 1, expected: 2 });
        check(&[], 0, &[0, 0, 0], Mismatch::Length { found: 3, expected: 2 });
        check(&[], 2, &[0, 3], Mismatch::Count { count: 3, rows: 2 });
        check(&[], 2, &[u64::MAX, 0], Mismatch::Count { count: u64::MAX, rows: 2 });
    }

    #[test]
    fn a_refused_partial_leaves_no_trace() {
        let plan = plan();
        let mut merge = Merge::new(&plan);
        merge.add(completed(0, &[5, 0])).unwrap_err();
        assert_eq!((merge.n_done(), merge.open.len()), (0, 0));
    }

    #[test]
    fn a_failed_job_spoils_its_block_and_no_other() {
        let plan = plan_by(2);
        let mut merge = Merge::new(&plan);
        let error = || JobError::Panicked("of course".to_owned());
        for job in [1, 0, 5, 3, 4, 2] {
            let outcome = if job == 0 { Err(error()) } else { Ok(Partial::Counts(vec![1, 1])) };
            match merge.add(Completed { outcome, ..completed(job, &[]) }).unwrap() {
                Added::Failed(_) => assert_eq!(job, 0),
                Added::Incomplete => assert_ne!(job, 0),
                Added::Complete(_) | Added::NotFinite => panic!("job {job}"),
            }
            let n_held = merge.open.get(&0).map_or(0, |open| open.early.len());
            assert_eq!(n_held, usize::from(job == 1), "nothing is kept for what cannot be");
        }
        assert_eq!(merge.open.keys().copied().collect::<Vec<_>>(), [1]);
        let twice = Completed { outcome: Err(error()), ..completed(1, &[]) };
        assert_eq!(merge.add(twice).unwrap_err(), Mismatch::Twice);
    }

    #[test]
    fn the_window_holds_a_few_hundred_of_the_largest_partials() {
        let window = |m| {
            let shape = Shape { n: 1 << 20, d: 1, m, widths: 1 << 10 };
            window(&Plan::new(shape, Method::Shared, NonZeroUsize::new(1024))).get()
        };
        assert_eq!(window(1 << 10), 512);
        assert_eq!(window(1), 8066);
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_blocks(
            n in 1..30_usize, m in 1..4_usize, widths in 1..4_usize, chunk_rows in 1..9_usize,
            seed in any::<u64>(),
        ) {
            let shape = Shape { n, d: 1, m, widths };
            let plan = Plan::new(shape, Method::Direct, NonZeroUsize::new(chunk_rows));
            let mut jobs: Vec<_> = (0..plan.n_jobs()).collect();
            jobs.sort_by_key(|job| (job + 1).wrapping_mul(seed | 1).rotate_left(29));

            let mut merge = Merge::new(&plan);
            let mut blocks = Vec::new();
            for job in jobs {
                let part = plan.part(job);
                let counts = vec![part.rows.len() as u64; part.points.len() * part.widths.len()];
                if let Added::Complete(merged) = merge.add(completed(job, &counts)).unwrap() {
                    prop_assert!(merged.counts.iter().all(|&count| count == n as u64));
                    prop_assert_eq!(merged.started_ns, 10 * plan.n_chunks() * merged.block);
                    blocks.push(merged.block);
                }
            }
            blocks.sort_unstable();
            prop_assert_eq!(blocks, (0..plan.n_blocks()).collect::<Vec<_>>());
            prop_assert_eq!(merge.n_done(), plan.n_jobs());
            prop_assert!(merge.open.is_empty() && merge.done.above.is_empty());
        }
    }
}
