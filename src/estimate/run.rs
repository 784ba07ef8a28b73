//! Drives an executor through a plan and emits what becomes complete.

use std::num::NonZeroUsize;

use parzen_worker::{
    TaskError,
    clock::now_ns,
    samples::Samples,
    tasks::density::{Method, Partial},
};

use super::{
    Completed, Density, Error, Executor, JobError, Journal, Mismatch, Plan, Prepared, Stop, Volume,
    Work,
    merge::{Added, Merge, Merged, window},
};

/// What is to be estimated.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// Samples, points and widths.
    pub prepared: &'a Prepared,
    /// How to count.
    pub method: Method,
    /// What counts are divided by.
    pub volume: Volume,
    /// Rows in a chunk, if not what suits the samples' shape.
    pub chunk_rows: Option<NonZeroUsize>,
}

impl Problem<'_> {
    /// The jobs it takes.
    #[must_use]
    pub fn plan(&self) -> Plan {
        Plan::new(self.prepared.shape(), self.method, self.chunk_rows)
    }
}

/// What an estimate took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Jobs there were.
    pub n_jobs: u64,
    /// Those of them that were not run, because a journal had them.
    pub n_resumed: u64,
    /// Chunks of samples.
    pub n_chunks: u64,
    /// Blocks of points and widths.
    pub n_blocks: u64,
    /// Densities emitted.
    pub n_densities: u64,
    /// Workers used.
    pub workers: u32,
    /// When it began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
    /// When the first job began.
    pub first_job_ns: u64,
    /// When it ended.
    pub finished_ns: u64,
    /// The time of all jobs together.
    pub busy_ns: u64,
}

impl Summary {
    /// Time from beginning to end.
    #[must_use]
    pub fn total_ns(&self) -> u64 {
        self.finished_ns.saturating_sub(self.started_ns)
    }
}

/// Estimates on the backend `executor`, and calls `emit` on this thread with each density as soon
/// as it is complete, in completion order. [`ByWidth`](super::ByWidth) sorts them.
///
/// Every backend gives the same bits. Nothing is emitted until all samples are known to be finite.
/// `stop` may be raised from any thread; then no more jobs are begun.
///
/// # Errors
///
/// [`Error::NotFinite`] names the first NaN or infinity in the samples, on every backend.
/// [`Error::Stopped`] and [`Error::Jobs`] come after everything that could be completed has been
/// emitted. All others end the estimate at once.
///
/// # Examples
///
/// ```
/// use parzen::estimate::{Prepared, Problem, Serial, Stop, Volume, run};
/// use parzen_worker::{samples::{Element, Order, Place, Source}, shared::Segment};
/// use parzen_worker::tasks::density::Method;
///
/// let samples: Vec<u8> = [-0.3_f64, 0.0, 0.4, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
/// let segment = Segment::from_bytes(&samples)?;
/// let place = Place::Segment(segment.reference());
/// let (element, order) = (Element::F64, Order::RowMajor);
/// let source = Source { place, offset: 0, element, order, n: 4, d: 1 };
///
/// let prepared = Prepared::new(source, &[0.0], &[0.5, 1.0])?;
/// let (method, volume) = (Method::Shared, Volume::Cube);
/// let problem = Problem { prepared: &prepared, method, volume, chunk_rows: None };
/// let mut densities = Vec::new();
/// run(&problem, &mut Serial, &Stop::new(), &mut |density| {
///     densities.push((density.h, density.density));
///     Ok(())
/// })?;
/// assert_eq!(densities, [(0.5, 0.5), (1.0, 0.75)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run(
    problem: &Problem<'_>,
    executor: &mut dyn Executor,
    stop: &Stop,
    emit: &mut dyn FnMut(Density) -> Result<(), Error>,
) -> Result<Summary, Error> {
    let plan = problem.plan();
    let driver = Driver::new(problem, &plan, executor.workers(), stop, emit);
    driver.run(executor, &mut (0..plan.n_jobs()))
}

/// As [`run()`] on the problem of `journal`, but only for the jobs that it does not have. It keeps
/// each of them before a result that needs it is emitted.
///
/// However the program ends, `kill -9` included, the next run with the same journal goes on from
/// there. Everything else may be another then: the executor, the number of workers, the volume. The
/// bits are the same. A job that failed is not kept, but run again.
///
/// # Errors
///
/// As [`run()`]. [`Error::Journal`] if the journal cannot be written, after all results that were
/// complete by then have been emitted, or has a partial that cannot be of this problem.
///
/// # Examples
///
/// ```
/// use parzen::estimate::{JournalFile, Prepared, Problem, Serial, Stop, Volume, resume};
/// use parzen_worker::{samples::{Element, Order, Place, Source}, shared::Segment};
/// use parzen_worker::tasks::density::Method;
///
/// let directory = tempfile::tempdir()?;
/// let path = directory.path().join("x.journal");
/// let segment = Segment::from_bytes(bytemuck::cast_slice(&[-0.3, 0.0, 0.4, 2.0]))?;
/// let place = Place::Segment(segment.reference());
/// let (element, order) = (Element::F64, Order::RowMajor);
/// let source = Source { place, offset: 0, element, order, n: 4, d: 1 };
/// let prepared = Prepared::new(source, &[0.0], &[0.5, 1.0])?;
/// let (method, volume) = (Method::Shared, Volume::Cube);
/// let problem = Problem { prepared: &prepared, method, volume, chunk_rows: None };
///
/// for n_resumed in [0, 1] {
///     let journal = JournalFile::open(&path)?.resume(&problem)?;
///     assert_eq!(journal.n_resumed(), n_resumed);
///     let mut densities = Vec::new();
///     resume(journal, &mut Serial, &Stop::new(), &mut |density| {
///         densities.push(density.density);
///         Ok(())
///     })?;
///     assert_eq!(densities, [0.5, 0.75]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resume(
    journal: Journal<'_>,
    executor: &mut dyn Executor,
    stop: &Stop,
    emit: &mut dyn FnMut(Density) -> Result<(), Error>,
) -> Result<Summary, Error> {
    let problem = journal.problem();
    let plan = problem.plan();
    let mut missing = journal.missing();
    let mut driver = Driver::new(&problem, &plan, executor.workers(), stop, emit);
    driver.summary.n_resumed = journal.n_resumed();
    driver.journal = Some(journal);
    driver.replay()?;
    driver.run(executor, &mut missing)
}

/// Between the executor and whoever wants the densities.
struct Driver<'a> {
    problem: &'a Problem<'a>,
    stop: &'a Stop,
    merge: Merge<'a>,
    journal: Option<Journal<'a>>,
    emit: &'a mut dyn FnMut(Density) -> Result<(), Error>,
    /// Complete, but a job of block 0 may yet find that a sample is not finite.
    unchecked: Vec<Merged>,
    /// Whether all samples are known to be finite.
    is_checked: bool,
    /// The first failure.
    failed: Option<(u64, JobError)>,
    n_failed: u64,
    summary: Summary,
}

impl<'a> Driver<'a> {
    fn new(
        problem: &'a Problem<'a>,
        plan: &'a Plan,
        workers: u32,
        stop: &'a Stop,
        emit: &'a mut dyn FnMut(Density) -> Result<(), Error>,
    ) -> Self {
        let summary = Summary {
            n_jobs: plan.n_jobs(),
            n_resumed: 0,
            n_chunks: plan.n_chunks(),
            n_blocks: plan.n_blocks(),
            n_densities: 0,
            workers,
            started_ns: now_ns(),
            first_job_ns: u64::MAX,
            finished_ns: 0,
            busy_ns: 0,
        };
        Self {
            problem,
            stop,
            merge: Merge::new(plan),
            journal: None,
            emit,
            unchecked: Vec::new(),
            is_checked: false,
            failed: None,
            n_failed: 0,
            summary,
        }
    }

    /// Has the jobs `todo` run; the others were taken from the journal, or will be.
    fn run(
        mut self,
        executor: &mut dyn Executor,
        todo: &mut (dyn Iterator<Item = u64> + Send),
    ) -> Result<Summary, Error> {
        let (plan, stop) = (self.merge.plan(), self.stop);
        let (inputs, method) = (self.problem.prepared.inputs(), self.problem.method);
        let work = Work { inputs, method, plan, stop, window: window(plan) };
        executor.run(work, todo, &mut |completed| self.take(completed))?;
        self.finish()
    }

    /// Takes a job that was run.
    fn take(&mut self, completed: Completed) -> Result<(), Error> {
        let Completed { started_ns, finished_ns, .. } = completed;
        let busy_ns = finished_ns.saturating_sub(started_ns);
        self.summary.busy_ns = self.summary.busy_ns.saturating_add(busy_ns);
        self.summary.first_job_ns = self.summary.first_job_ns.min(started_ns);
        self.keep(&completed)?;
        self.add(completed)?;
        self.replay()
    }

    /// Writes a partial to the journal, before anybody can see a result of it. One that is wrong
    /// does not get there.
    fn keep(&mut self, completed: &Completed) -> Result<(), Error> {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let &Completed { job, worker, .. } = completed;
        self.merge.check(completed).map_err(|source| Error::Partial { worker, job, source })?;
        match &completed.outcome {
            Ok(partial @ Partial::Counts(_)) => Ok(journal.append(job, partial)?),
            Ok(Partial::NotFinite) | Err(_) => Ok(()),
        }
    }

    /// Takes the jobs that the journal has, up to where those that are run may be: so what waits for
    /// earlier ones stays in the file and not in memory.
    fn replay(&mut self) -> Result<(), Error> {
        loop {
            let Some(journal) = &mut self.journal else { return Ok(()) };
            let limit = self.merge.oldest().saturating_add(window(self.merge.plan()).get());
            let Some((job, partial)) = journal.next_below(limit)? else { return Ok(()) };
            // Jobs that run may still come, and are kept; the end is told when they are in.
            if self.stop.is_raised() {
                return Ok(());
            }
            let now_ns = now_ns();
            let (outcome, worker) = (Ok(partial), 0);
            let completed =
                Completed { job, outcome, worker, started_ns: now_ns, finished_ns: now_ns };
            self.merge.check(&completed).map_err(|source| journal.wrong(job, source))?;
            self.add(completed)?;
        }
    }

    fn add(&mut self, completed: Completed) -> Result<(), Error> {
        let Completed { job, worker, .. } = completed;
        let added = self.merge.add(completed);
        match added.map_err(|source| Error::Partial { worker, job, source })? {
            Added::Incomplete => Ok(()),
            Added::Complete(merged) => self.complete(merged),
            Added::NotFinite => {
                self.check_finite()?;
                Err(Error::Partial { worker, job, source: Mismatch::Finite })
            }
            Added::Failed(error) => {
                self.n_failed += 1;
                self.failed.get_or_insert((job, error));
                self.check_instead_of(job)
            }
        }
    }

    /// Emits a block once all samples are known to be finite: only the jobs of block 0 look.
    fn complete(&mut self, merged: Merged) -> Result<(), Error> {
        self.is_checked |= merged.block == 0;
        self.unchecked.push(merged);
        if self.is_checked { self.emit_unchecked() } else { Ok(()) }
    }

    /// Looks at all samples here, if `job`, which failed, would have looked at some.
    fn check_instead_of(&mut self, job: u64) -> Result<(), Error> {
        if self.is_checked || self.merge.plan().block_of(job) != 0 {
            return Ok(());
        }
        self.check_finite()?;
        self.is_checked = true;
        self.emit_unchecked()
    }

    fn emit_unchecked(&mut self) -> Result<(), Error> {
        let unchecked = std::mem::take(&mut self.unchecked);
        unchecked.into_iter().try_for_each(|merged| self.emit_block(merged))
    }

    fn emit_block(&mut self, merged: Merged) -> Result<(), Error> {
        let block = self.merge.plan().block(merged.block);
        let (n, d) = (self.problem.prepared.shape().n, self.problem.prepared.shape().d);
        let places = block.widths.flat_map(|width_idx| {
            block.points.clone().map(move |point_idx| (width_idx, point_idx))
        });
        for ((width_idx, point_idx), count) in places.zip(merged.counts) {
            let h = self.problem.prepared.widths()[width_idx];
            let density = self.problem.volume.density(count, n, h, d);
            let seq = self.summary.n_densities;
            let Merged { worker, started_ns, finished_ns, .. } = merged;
            (self.emit)(Density {
                h,
                width_idx,
                point_idx,
                count,
                density,
                seq,
                worker,
                started_ns,
                finished_ns,
            })?;
            self.summary.n_densities += 1;
        }
        Ok(())
    }

    /// The first NaN or infinity of all samples, as an error. Workers say only that there is one,
    /// because which of them says so first depends on chance.
    fn check_finite(&self) -> Result<(), Error> {
        let source = &self.problem.prepared.inputs().samples;
        let samples = Samples::open(source).map_err(|error| Error::Open(TaskError::from(error)))?;
        match samples.first_not_finite() {
            Some((row, column, value)) => Err(Error::NotFinite { row, column, value }),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<Summary, Error> {
        let left = self.summary.n_jobs - self.merge.n_done();
        if 0 < left {
            return Err(if self.stop.is_raised() {
                Error::Stopped
            } else {
                Error::Unfinished { left }
            });
        }
        if let Some((job, source)) = self.failed {
            let (n_failed, n_jobs) = (self.n_failed, self.summary.n_jobs);
            return Err(Error::Jobs { n_failed, n_jobs, job, source });
        }
        Ok(Summary { finished_ns: now_ns(), ..self.summary })
    }
}
