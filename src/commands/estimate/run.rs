//! Runs a request.

use std::{cell::RefCell, io, iter, mem, num::NonZeroUsize};

use parzen_worker::{
    TaskError, clock,
    kernel::Width,
    samples::{self, Samples},
};
use signal_hook::consts::SIGBUS;

use super::{
    Header, Order, Place, Request, Timing, executor,
    recorder::{Moments, Recorder},
};
use crate::{
    commands::Control,
    estimate::{
        self, ByWidth, Completed, Density, Executor, JobError, Journal, JournalFile, Observed,
        Prepared, Problem, Stop, Summary,
    },
    input::{self, Input, Location, PointError, Points, Widths},
    pool::{self, StartError},
    report::timeline::Group,
};

/// Sees an estimate happen. All calls come from the thread that runs it.
pub trait Observer {
    /// What is to be estimated is known, and no worker was started for it.
    ///
    /// # Errors
    ///
    /// An error says that it cannot be shown as it should be, and ends the estimate.
    fn prepare(&mut self, points: &Points, widths: &Widths) -> Result<(), Refusal> {
        let _ = (points, widths);
        Ok(())
    }

    /// The first job is about to begin. From here on a stop is obeyed in order.
    fn begin(&mut self, header: Header);

    /// Takes the next result, in the order asked for.
    ///
    /// # Errors
    ///
    /// An error ends the estimate.
    fn result(&mut self, density: &Density) -> io::Result<()>;

    /// `done` jobs are done, well or badly.
    fn progress(&mut self, done: u64);

    /// There will be no more results: all were given, or all that could be had.
    ///
    /// # Errors
    ///
    /// An error is an error of the estimate.
    fn end(&mut self, timing: &Timing) -> io::Result<()>;

    /// Takes who did what when, if the request asked for it: last of all, because it tells of the
    /// workers' end too.
    fn timeline(&mut self, timeline: Group);
}

/// Why an [`Observer`] does not want an estimate.
pub type Refusal = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no estimate, or not all of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The samples, or a file of points, could not be read.
    #[error(transparent)]
    Input(#[from] input::Error),
    /// A point that was typed does not fit the samples.
    #[error("the points do not fit the samples")]
    Point {
        /// Which points; `None` is the origin.
        place: Option<Place>,
        /// Why.
        source: PointError,
    },
    /// A sample is NaN or infinite.
    #[error("{samples} has `{value}` in row {row}, column {column}: a finite number is needed")]
    NotFinite {
        /// Where the samples are from.
        samples: Location,
        /// Which sample, from 1.
        row: usize,
        /// Which of its numbers, from 1.
        column: usize,
        /// What is there.
        value: f64,
    },
    /// The observer does not want it.
    #[error(transparent)]
    Refused(Refusal),
    /// No workers, no estimate.
    #[error("failed to start the workers")]
    Start(#[source] StartError),
    /// Something went wrong on the way.
    #[error(transparent)]
    Estimate(estimate::Error),
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            // Nothing is wrong with the workers: whoever stopped them wanted no estimate.
            StartError::Stopped => Self::Estimate(estimate::Error::Stopped),
            error => Self::Start(error),
        }
    }
}

/// Estimates what `request` asks for, and shows it to `observer`.
///
/// # Errors
///
/// Whatever ends a run that has begun, the observer was given all results that were complete, and
/// saw the end; unless the observer itself failed.
pub fn run(request: &Request, control: &Control, observer: &mut dyn Observer) -> Result<(), Error> {
    let mut stopwatch = Stopwatch::start();
    let subject = Subject::read(request)?;
    observer.prepare(&subject.points, &request.widths).map_err(Error::Refused)?;
    let assignment = subject.assignment(request).map_err(Error::Estimate)?;
    let (problem, resumed_jobs) = (assignment.problem, assignment.n_resumed());
    let read_s = stopwatch.lap();
    let (read_ns, shared_ns) = (subject.read_ns, stopwatch.lap_ns);
    let mut executor = executor::start(request, assignment.n_left(), control)?;
    let start_s = stopwatch.lap();
    let ready_ns = stopwatch.lap_ns;
    let workers = executor.workers();
    let header = subject.header(request, workers, &assignment, stopwatch.started_ns);
    let Header { n_jobs, n_resumed, .. } = header;
    tracing::info!(?problem.method, n_jobs, n_resumed, workers, read_s, start_s, "it begins");
    observer.begin(header);

    let mut recorder = request.timeline.then(|| Recorder::start(&problem, &*executor));
    let mut record = |completed: &Completed| {
        recorder.iter_mut().for_each(|recorder| recorder.job(completed));
    };
    let order = request.order;
    let result = drive(assignment, order, &mut *executor, control, &mut record, &mut *observer);
    if can_take_more(&result) {
        let run_s = stopwatch.lap();
        let total_s = stopwatch.total();
        let timing = Timing { read_s, start_s, run_s, total_s, resumed_jobs };
        observer.end(&timing).map_err(estimate::Error::Emit).map_err(Error::Estimate)?;
    }
    if let Some(recorder) = recorder {
        let usage = executor.usage();
        stopwatch.lap();
        let done_ns = stopwatch.lap_ns;
        drop(executor);
        stopwatch.lap();
        let (started_ns, stopped_ns) = (stopwatch.started_ns, stopwatch.lap_ns);
        let moments = Moments { started_ns, read_ns, shared_ns, ready_ns, done_ns, stopped_ns };
        observer.timeline(recorder.finish(request.backend, usage.as_ref(), &moments));
    }
    result.map_err(|error| subject.explain(error))
}

/// Whether whoever takes the results of an estimate that ended so can take more.
fn can_take_more<T>(result: &Result<T, estimate::Error>) -> bool {
    !matches!(result, Err(estimate::Error::Emit(_)))
}

/// What is estimated.
struct Subject {
    /// Owns the memory that the samples may be in.
    samples: Input,
    points: Points,
    prepared: Prepared,
    /// When all was read, and only had to be shared.
    read_ns: u64,
}

impl Subject {
    fn read(request: &Request) -> Result<Self, Error> {
        let samples = input::open(&request.samples)?;
        let d = NonZeroUsize::new(samples.source.d).unwrap_or(NonZeroUsize::MIN);
        let points = points(&request.places, d)?;
        let read_ns = clock::now_ns();
        let widths: Vec<f64> = request.widths.as_slice().iter().copied().map(Width::h).collect();
        let prepared = Prepared::new(samples.source.clone(), points.as_slice(), &widths)
            .map_err(Error::Estimate)?;
        Ok(Self { samples, points, prepared, read_ns })
    }

    /// Opens the journal, if there is to be one: when all is read, so that nothing is made for
    /// samples that are not there, and before any worker is started.
    fn assignment(&self, request: &Request) -> Result<Assignment<'_>, estimate::Error> {
        let file = request.journal.as_ref().map(JournalFile::open).transpose()?;
        let problem = Problem {
            prepared: &self.prepared,
            method: request.method(file.as_ref().and_then(JournalFile::method)),
            volume: request.volume,
            chunk_rows: request.chunk_rows,
        };
        let journal = file.map(|file| file.resume(&problem)).transpose()?;
        Ok(Assignment { problem, journal })
    }

    fn header(
        &self,
        request: &Request,
        workers: u32,
        assignment: &Assignment<'_>,
        started_ns: u64,
    ) -> Header {
        let shape = self.prepared.shape();
        Header {
            n: shape.n,
            d: shape.d,
            points: self.points.clone(),
            explicit_points: !request.places.is_empty(),
            kernel: request.kernel,
            volume: request.volume,
            backend: request.backend,
            workers,
            order: request.order,
            n_jobs: assignment.problem.plan().n_jobs(),
            n_resumed: assignment.n_resumed().unwrap_or_default(),
            started_ns,
        }
    }

    /// Jobs know rows of samples, but not which file they are from.
    fn explain(&self, error: estimate::Error) -> Error {
        if let estimate::Error::NotFinite { row, column, value } = error {
            let samples = self.samples.location.clone();
            return Error::NotFinite { samples, row: row + 1, column: column + 1, value };
        }
        // Whoever changes the samples has jobs fail, which say only how.
        if let estimate::Error::Jobs { source, .. } = &error
            && let Some(change) = self.change()
            && is_explained_by(source, &change)
        {
            return Error::Estimate(estimate::Error::Open(change));
        }
        Error::Estimate(error)
    }

    /// What became of the samples since they were opened: why they could not be opened again, unless
    /// that is for want of something else.
    fn change(&self) -> Option<TaskError> {
        use samples::Error::{Changed, Open};
        let error = Samples::open(&self.samples.source).err()?;
        let is_change = match &error {
            Changed(_) => true,
            Open { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => false,
        };
        is_change.then(|| error.into())
    }
}

/// Whether a job failed because of what became of the samples: it says the same, or it read where the
/// file ends by now.
fn is_explained_by(error: &JobError, change: &TaskError) -> bool {
    match error {
        JobError::Task(error) => error == change,
        JobError::Pool(error) => {
            let error = error.downcast_ref::<pool::Error>();
            let death = error.filter(|error| error.is_crash()).and_then(pool::Error::exit);
            death.and_then(pool::Death::signal) == Some(SIGBUS)
        }
        JobError::Panicked(_) => false,
    }
}

/// What is to be done.
struct Assignment<'a> {
    problem: Problem<'a>,
    /// Has the jobs that need not be run.
    journal: Option<Journal<'a>>,
}

impl Assignment<'_> {
    /// Jobs that the journal has, if there is one.
    fn n_resumed(&self) -> Option<u64> {
        self.journal.as_ref().map(Journal::n_resumed)
    }

    /// Jobs to be run.
    fn n_left(&self) -> u64 {
        self.problem.plan().n_jobs().saturating_sub(self.n_resumed().unwrap_or_default())
    }

    fn run(
        self,
        executor: &mut dyn Executor,
        stop: &Stop,
        emit: &mut dyn FnMut(Density) -> Result<(), estimate::Error>,
    ) -> Result<Summary, estimate::Error> {
        match self.journal {
            Some(journal) => estimate::resume(journal, executor, stop, emit),
            None => estimate::run(&self.problem, executor, stop, emit),
        }
    }
}

/// All points, in the order they were named; the origin if none was.
pub(in crate::commands) fn points(places: &[Place], d: NonZeroUsize) -> Result<Points, Error> {
    let Some((first, others)) = places.split_first() else {
        return Points::origin(d).map_err(|source| Error::Point { place: None, source });
    };
    let mut points = first.points(d)?;
    for place in others {
        let added = points.append(place.points(d)?);
        added.map_err(|source| Error::Point { place: Some(place.clone()), source })?;
    }
    Ok(points)
}

impl Place {
    fn points(&self, d: NonZeroUsize) -> Result<Points, Error> {
        let points = match self {
            Self::At(point) => point.points(d),
            Self::File(path) => return Ok(input::read_points(path, None, d)?),
            Self::Grid(grid) => grid.points(d),
        };
        points.map_err(|source| Error::Point { place: Some(self.clone()), source })
    }
}

/// Runs all jobs, and gives the observer their results in the order it should see them.
fn drive(
    assignment: Assignment<'_>,
    order: Order,
    executor: &mut dyn Executor,
    control: &Control,
    record: &mut dyn FnMut(&Completed),
    observer: &mut dyn Observer,
) -> Result<(), estimate::Error> {
    // Both the executor, after each job, and the estimate, for each result, call the observer.
    let observer = RefCell::new(observer);
    let mut n_done = assignment.n_resumed().unwrap_or_default();
    let mut count_job = |completed: &Completed| {
        record(completed);
        n_done += 1;
        observer.borrow_mut().progress(n_done);
        Ok(())
    };
    let mut executor = Observed::new(executor, &mut count_job);
    let give =
        |density: &Density| observer.borrow_mut().result(density).map_err(estimate::Error::Emit);
    let mut by_width = ByWidth::new(assignment.problem.prepared.shape().m);
    let mut emit = |density: Density| match order {
        Order::Completion => give(&density),
        Order::Width => {
            by_width.push(density);
            iter::from_fn(|| by_width.pop()).try_for_each(|density| give(&density))
        }
    };
    let result = assignment.run(&mut executor, &control.stop, &mut emit);
    if can_take_more(&result) {
        by_width.into_rest().try_for_each(|density| give(&density))?;
    }
    result.map(|summary| tracing::info!(?summary, "the estimate is done"))
}

/// Measures one thing after the other.
struct Stopwatch {
    started_ns: u64,
    lap_ns: u64,
}

impl Stopwatch {
    fn start() -> Self {
        let started_ns = clock::now_ns();
        Self { started_ns, lap_ns: started_ns }
    }

    /// Seconds since the last call, or the start.
    fn lap(&mut self) -> f64 {
        let before_ns = mem::replace(&mut self.lap_ns, clock::now_ns());
        seconds(self.lap_ns - before_ns)
    }

    /// Seconds from the start to the last lap.
    fn total(&self) -> f64 {
        seconds(self.lap_ns - self.started_ns)
    }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_samples_did_is_laid_to_them() {
        let change = TaskError::from(samples::Error::Changed("x".into()));
        let is_explained = |error: JobError| is_explained_by(&error, &change);
        assert!(is_explained(JobError::Task(change.clone())));
        assert!(!is_explained(JobError::Task(TaskError::new("no room"))));
        assert!(!is_explained(JobError::Panicked("`x` changed".to_owned())));
        assert!(!is_explained(JobError::Pool(Box::new(io::Error::other("too late")))));
    }
}
