//! Samples in shared memory, and estimates of them.

use std::{num::NonZeroUsize, path::PathBuf};

use parzen::{
    estimate::{
        Density, Error, Executor, Prepared, Problem, Processes, Serial, Stop, Summary, Threads,
        Volume, run,
    },
    input::{Location, SampleSpec, open},
    pool::{Builder, Pool, WorkerProgram},
};
use parzen_worker::{
    samples::{Element, Order, Place, Samples, Source},
    shared::Segment,
    tasks::density::Method,
};

pub(crate) const METHODS: [Method; 2] = [Method::Direct, Method::Shared];

pub(crate) fn golden_path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "golden", name].iter().collect()
}

/// Settings of a pool of real worker processes.
pub(crate) fn pool(workers: u32) -> Builder {
    let program = WorkerProgram::Path(env!("CARGO_BIN_EXE_parzen-worker").into());
    Pool::builder().workers(workers).worker_program(program)
}

pub(crate) fn processes(workers: u32) -> Processes {
    Processes::new(pool(workers).start().unwrap())
}

pub(crate) fn threads(workers: u32) -> Threads {
    Threads::new(workers.try_into().unwrap())
}

/// One executor of each backend.
pub(crate) fn backends() -> [Box<dyn Executor>; 3] {
    [Box::new(Serial), Box::new(threads(2)), Box::new(processes(2))]
}

/// n×d samples.
pub(crate) struct Dataset {
    pub(crate) numbers: Vec<f64>,
    pub(crate) d: usize,
    segment: Segment,
}

impl Dataset {
    pub(crate) fn new(numbers: Vec<f64>, d: usize) -> Self {
        let segment = Segment::from_bytes(bytemuck::cast_slice(&numbers)).unwrap();
        Self { numbers, d, segment }
    }

    pub(crate) fn golden(name: &str) -> Self {
        let location = Location::File(golden_path(name).with_extension("npy"));
        let input = open(&SampleSpec { location, columns: None }).unwrap();
        let samples = Samples::open(&input.source).unwrap();
        Self::new(samples.rows(0..samples.n(), &mut Vec::new()).to_vec(), samples.d())
    }

    /// Numbers that look random, on a lattice so that many lie on the sides of windows.
    pub(crate) fn scattered(n: usize, d: usize) -> Self {
        let scatter = |idx: usize| (idx + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        Self::new((0..n * d).map(|idx| scatter(idx) as f64 / 128.0 - 4.0).collect(), d)
    }

    pub(crate) fn n(&self) -> usize {
        self.numbers.len() / self.d
    }

    pub(crate) fn prepare(&self, points: &[f64], widths: &[f64]) -> Prepared {
        let place = Place::Segment(self.segment.reference());
        let (n, d) = (self.n(), self.d);
        let (element, order) = (Element::F64, Order::RowMajor);
        let samples = Source { place, offset: 0, element, order, n, d };
        Prepared::new(samples, points, widths).unwrap()
    }
}

pub(crate) fn problem(prepared: &Prepared, method: Method, chunk_rows: usize) -> Problem<'_> {
    let chunk_rows = NonZeroUsize::new(chunk_rows);
    Problem { prepared, method, volume: Volume::Cube, chunk_rows }
}

/// Runs to the end, however that is, and gives what was emitted until then.
pub(crate) fn outcome(
    problem: &Problem<'_>,
    executor: &mut dyn Executor,
    stop: &Stop,
) -> (Result<Summary, Error>, Vec<Density>) {
    let mut densities = Vec::new();
    let result = run(problem, executor, stop, &mut |density| {
        densities.push(density);
        Ok(())
    });
    (result, densities)
}

/// All densities, widths ascending, then points in their order.
pub(crate) fn estimate(problem: &Problem<'_>, executor: &mut dyn Executor) -> Vec<Density> {
    let (result, mut densities) = outcome(problem, executor, &Stop::new());
    assert_eq!(result.unwrap().n_densities, densities.len() as u64);
    assert!(densities.iter().map(|density| density.seq).eq(0..densities.len() as u64));
    densities.sort_by_key(|density| (density.width_idx, density.point_idx));
    densities
}

/// What of a density must not depend on who computed it.
pub(crate) fn bits(densities: &[Density]) -> Vec<(u64, usize, usize, u64, u64)> {
    let bits = |density: &Density| {
        let Density { h, width_idx, point_idx, count, density, .. } = *density;
        (h.to_bits(), width_idx, point_idx, count, density.to_bits())
    };
    densities.iter().map(bits).collect()
}
