//! `parzen bench`: serial, threads and processes side by side.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    time::Duration,
};

use parzen_worker::{kernel::Width, tasks::density::Method};

use super::{
    Control,
    estimate::{self, Backend, Counting, Place, points},
};
use crate::{
    bench::{
        self, Axis, Benchmark, Case, Local, Machine, Measurement, PoolState, Progress, Round,
        Runner, Session, Settings, Sharing, Subject, Sweep, SweepSpec, measure,
    },
    estimate::Error as EstimateError,
    input::{self, Location, MAX_WIDTHS, SampleSpec, Widths},
    pool::{Builder, Chaos, Pool, WorkerProgram},
};

/// Copies of the samples that workers may hold at a time if they are copied for every job: a worker
/// keeps what it has mapped for a while.
const KEPT_COPIES: u64 = 40;

/// Everything that `parzen bench` can be told.
#[derive(Clone, Debug)]
pub struct Request {
    /// The samples.
    pub samples: SampleSpec,
    /// Where densities are asked for; at the origin if empty.
    pub places: Vec<Place>,
    /// The window widths.
    pub widths: Widths,
    /// How samples are counted.
    pub counting: Counting,
    /// Numbers of workers; each for every backend that has workers.
    pub workers: Vec<NonZeroU32>,
    /// What is compared.
    pub backends: Vec<Backend>,
    /// How to measure.
    pub settings: Settings,
    /// What to vary.
    pub sweep: Option<SweepSpec>,
    /// Whether to show too what it costs to copy the samples for every job.
    pub per_job_copy: bool,
    /// Whether to show too in which order results arrive.
    pub order: bool,
    /// The program to start as a worker, if not the usual one.
    pub worker_program: Option<PathBuf>,
    /// How long a worker may take to say that it is there.
    pub start_timeout: Duration,
    /// Faults to be ordered at random, if any.
    pub chaos: Option<Chaos>,
}

/// Why there is no benchmark.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input is wrong, or a round failed.
    #[error(transparent)]
    Estimate(#[from] estimate::Error),
    /// Two cases gave different results.
    #[error(transparent)]
    Disagree(bench::Error),
    /// A sweep asks for more samples than there are.
    #[error("{samples} has {n} samples, fewer than {asked}")]
    Rows {
        /// Where the samples are from.
        samples: Location,
        /// How many there are.
        n: usize,
        /// How many were asked for.
        asked: u64,
    },
    /// A sweep asks for more widths than are accepted.
    #[error("{0} widths are too many; at most {MAX_WIDTHS} are accepted")]
    Widths(u64),
    /// It would take more memory than there is.
    #[error("it takes about {needed} bytes of memory, but only {available} are free")]
    Memory {
        /// Bytes that are needed, roughly.
        needed: u64,
        /// Bytes that are free.
        available: u64,
    },
}

/// Sees a benchmark happen.
pub trait Observer {
    /// Everything is ready. From here on a stop is obeyed in order.
    fn begin(&mut self);

    /// A round is done.
    fn progress(&mut self, progress: Progress);
}

/// Measures what `request` asks for. If it is stopped, what was measured until then is returned.
///
/// # Errors
///
/// See [`Error`]'s variants.
pub fn run(
    request: &Request,
    control: &Control,
    observer: &mut dyn Observer,
) -> Result<Benchmark, Error> {
    let machine = Machine::read();
    let subject = subject(request)?;
    check(request, &subject, &machine)?;
    observer.begin();
    let mut bench = Bench { request, control, cores: machine.available, observer, steps: (0, 1) };
    let mut benchmark = Benchmark {
        machine,
        settings: request.settings,
        interrupted: false,
        sees_others: true,
        measurements: Vec::new(),
        sweep: None,
        order: None,
    };
    match &request.sweep {
        Some(SweepSpec { axis: axis @ (Axis::N | Axis::Widths), values }) => {
            bench.steps.1 = values.len() as u64;
            for &value in values {
                if benchmark.interrupted {
                    break;
                }
                bench.measure(&resized(&subject, *axis, value)?, &mut benchmark)?;
                bench.steps.0 += 1;
            }
        }
        Some(SweepSpec { axis: Axis::Workers, .. }) | None => {
            bench.measure(&subject, &mut benchmark)?;
        }
    }
    benchmark.sweep = request.sweep.clone().map(|spec| Sweep::new(spec, &benchmark.measurements));
    if request.order && !benchmark.interrupted {
        benchmark.order = bench.order(&subject)?;
    }
    Ok(benchmark)
}

fn subject(request: &Request) -> Result<Subject, Error> {
    let input = input::open(&request.samples).map_err(estimate::Error::Input)?;
    let d = NonZeroUsize::new(input.source.d).unwrap_or(NonZeroUsize::MIN);
    let points = points(&request.places, d)?.as_slice().to_vec();
    let widths = request.widths.as_slice().iter().copied().map(Width::h).collect();
    let method = match request.counting {
        Counting::Direct => Method::Direct,
        Counting::Auto | Counting::Shared => Method::Shared,
    };
    Ok(Subject::new(input, points, widths, method))
}

/// Refuses what cannot end well, before anything is measured.
fn check(request: &Request, subject: &Subject, machine: &Machine) -> Result<(), Error> {
    let free = machine.memory_available.min(machine.memory_limit.unwrap_or(u64::MAX));
    let fits = |needed: u64| {
        if free < needed { Err(Error::Memory { needed, available: free }) } else { Ok(()) }
    };
    let mut bytes = subject.sample_bytes();
    if let Some(SweepSpec { axis, values }) = &request.sweep {
        let asked = values.last().copied().unwrap_or(0);
        match axis {
            Axis::N if subject.is_endless() => {
                bytes = bytes.max(asked.saturating_mul(subject.row_bytes()));
                // As they are drawn, as they lie here, and as they are shared.
                fits(bytes.saturating_mul(3))?;
            }
            Axis::N if (subject.n() as u64) < asked => {
                let samples = request.samples.location.clone();
                return Err(Error::Rows { samples, n: subject.n(), asked });
            }
            Axis::Widths if (MAX_WIDTHS as u64) < asked => return Err(Error::Widths(asked)),
            Axis::N | Axis::Widths | Axis::Workers => {}
        }
    }
    if request.per_job_copy {
        let workers = request.workers.iter().map(|workers| u64::from(workers.get())).max();
        fits(bytes.saturating_mul(KEPT_COPIES * workers.unwrap_or(1)))?;
    }
    Ok(())
}

/// `subject` with the size of the axis set to `value`.
fn resized(subject: &Subject, axis: Axis, value: u64) -> Result<Subject, Error> {
    let size = usize::try_from(value).unwrap_or(usize::MAX);
    let failed = |error| Error::Estimate(estimate::Error::Estimate(error));
    match axis {
        Axis::N => subject.resized(size).map_err(failed),
        Axis::Widths => {
            let whole = subject.resized(subject.n()).map_err(failed)?;
            let (narrowest, widest) = subject.width_range();
            let spec = format!("linspace:{narrowest:?}:{widest:?}:{size}");
            let widths: Widths = spec.parse().map_err(|_| Error::Widths(value))?;
            Ok(whole.with_widths(widths.into_vec().into_iter().map(Width::h).collect()))
        }
        Axis::Workers => subject.resized(subject.n()).map_err(failed),
    }
}

/// What measures one size after the other.
struct Bench<'a> {
    request: &'a Request,
    control: &'a Control,
    cores: usize,
    observer: &'a mut dyn Observer,
    /// Sizes done, and sizes in all.
    steps: (u64, u64),
}

impl Bench<'_> {
    fn measure(&mut self, subject: &Subject, benchmark: &mut Benchmark) -> Result<(), Error> {
        let session = self.session(subject).map_err(|error| self.explain(error))?;
        benchmark.interrupted |= session.interrupted;
        benchmark.sees_others &= session.sees_others;
        let outline = subject.outline().map_err(estimate::Error::Estimate)?;
        let settings = &self.request.settings;
        let measurement =
            Measurement::new(outline, &self.request.cases(), session, settings, self.cores);
        if !measurement.cases.is_empty() {
            benchmark.measurements.push(measurement);
        }
        Ok(())
    }

    fn session(&mut self, subject: &Subject) -> Result<Session, bench::Error> {
        let Control { stop, kill } = self.control;
        let mut runner = Local::new(subject, self.request.builder(), stop.clone(), kill.clone())?;
        let (step, steps) = self.steps;
        let mut observe = |Progress { done, all, case }: Progress| {
            self.observer.progress(Progress { done: step * all + done, all: steps * all, case });
        };
        measure(&self.request.cases(), &self.request.settings, &mut runner, &mut observe)
    }

    /// A round that shows in which order results arrive; `None` if it was stopped.
    fn order(&self, subject: &Subject) -> Result<Option<Round>, Error> {
        let Control { stop, kill } = self.control;
        let failed = |error| Error::Estimate(estimate::Error::Estimate(error));
        let subject = subject.for_order().map_err(failed)?;
        let cases = self.request.cases();
        let shared = cases.into_iter().filter(|case| case.sharing == Sharing::Once);
        let Some(case) = shared.max_by_key(|case| (case.backend, case.workers)) else {
            return Ok(None);
        };
        let mut runner = Local::new(&subject, self.request.builder(), stop.clone(), kill.clone())
            .map_err(|error| self.explain(error))?;
        // Started for it alone, so whether the pool is warm makes no difference.
        match runner.run(Case { pool: PoolState::Fresh, ..case }) {
            Ok(round) => Ok(Some(round)),
            Err(bench::Error::Estimate(EstimateError::Stopped)) => Ok(None),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// Puts an error in the words of an estimate, where it is one.
    fn explain(&self, error: bench::Error) -> Error {
        let samples = self.request.samples.location.clone();
        Error::Estimate(match error {
            bench::Error::Start(error) => estimate::Error::Start(error),
            bench::Error::Estimate(EstimateError::NotFinite { row, column, value }) => {
                estimate::Error::NotFinite { samples, row: row + 1, column: column + 1, value }
            }
            bench::Error::Estimate(error) => estimate::Error::Estimate(error),
            bench::Error::Disagree { .. } => return Error::Disagree(error),
        })
    }
}

impl Request {
    /// All cases, serial first.
    fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        let has = |backend| self.backends.contains(&backend);
        let workers = || self.workers.iter().map(|workers| workers.get());
        let processes =
            |pool, sharing| workers().map(move |workers| Case::processes(workers, pool, sharing));
        if has(Backend::Serial) {
            cases.push(Case::SERIAL);
        }
        if has(Backend::Threads) {
            cases.extend(workers().map(Case::threads));
        }
        if has(Backend::Processes) {
            cases.extend(processes(PoolState::Fresh, Sharing::Once));
            cases.extend(processes(PoolState::Warm, Sharing::Once));
            if self.per_job_copy {
                cases.extend(processes(PoolState::Fresh, Sharing::PerJobCopy));
            }
        }
        cases
    }

    fn builder(&self) -> Builder {
        let program = self.worker_program.clone();
        Pool::builder()
            .worker_program(program.map_or(WorkerProgram::Find, WorkerProgram::Path))
            .start_timeout(self.start_timeout)
            .chaos(self.chaos)
    }
}
