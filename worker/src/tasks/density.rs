//! Density tiles: the partial result of one chunk of samples, some points and some widths.

use std::{collections::TryReserveError, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{
    Context, Task, TaskError,
    kernel::{Width, hypercube},
    samples::{self, Samples, Source},
    shared::{Shared, SharedSlice},
};

/// How counts for many widths are found. Both give the same counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// One pass over the samples for each width, as the notebook does.
    Direct,
    /// One pass for all widths: each distance is found once.
    Shared,
}

/// What every tile of one estimate reads, as values that can be sent to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Inputs {
    /// All samples, n×d.
    pub samples: Source,
    /// All points, m×d, row after row.
    pub points: Shared<f64>,
    /// All widths, ascending.
    pub widths: Shared<f64>,
}

/// [`Inputs`], mapped.
#[derive(Debug)]
pub struct Opened {
    /// All samples.
    pub samples: Samples,
    /// All points, m×d, row after row.
    pub points: SharedSlice<f64>,
    /// All widths, ascending.
    pub widths: SharedSlice<f64>,
}

impl Inputs {
    /// Maps all three.
    ///
    /// # Errors
    ///
    /// Fails if one of them is gone or has changed since it was named, and if they do not belong
    /// together: points of another dimension, numbers that are no widths, widths not ascending.
    pub fn open(&self) -> Result<Opened, TaskError> {
        let samples = Samples::open(&self.samples)?;
        let (points, widths) = (self.points.open()?, self.widths.open()?);
        let d = samples.d();
        if !points.len().is_multiple_of(d) {
            return Err(InvalidTile::Points { len: points.len(), d }.into());
        }
        if !checked(&widths)?.is_sorted() {
            return Err(InvalidTile::Widths.into());
        }
        Ok(Opened { samples, points, widths })
    }
}

fn checked(widths: &[f64]) -> Result<Vec<Width>, TaskError> {
    Ok(widths.iter().map(|&h| Width::try_from(h)).collect::<Result<_, _>>()?)
}

/// Which part of an estimate a tile is: a chunk × a block of points × a block of widths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The chunk: sample rows.
    pub rows: Range<usize>,
    /// Indices of points.
    pub points: Range<usize>,
    /// Indices of widths.
    pub widths: Range<usize>,
    /// Whether this tile also looks for NaN and infinity. One tile of each chunk does.
    pub check: bool,
}

impl Part {
    /// Checks that all of it is there: a tile may come over a wire.
    fn check_within(&self, opened: &Opened) -> Result<(), InvalidTile> {
        let (n, m) = (opened.samples.n(), opened.points.len() / opened.samples.d());
        let parts = [
            ("rows", &self.rows, n),
            ("points", &self.points, m),
            ("widths", &self.widths, opened.widths.len()),
        ];
        for (what, part, len) in parts {
            if part.end < part.start || len < part.end {
                return Err(InvalidTile::Part { what, part: part.clone(), len });
            }
        }
        Ok(())
    }
}

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// What is read.
    pub inputs: Inputs,
    /// How to count.
    pub method: Method,
    /// Which part of it.
    pub part: Part,
}

/// What a tile gives, width after width, each with one entry a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Partial {
    /// Samples inside the window.
    Counts(Vec<u64>),
    /// The chunk has a NaN or an infinity.
    NotFinite,
}

/// A tile that cannot be computed, whatever the samples are.
#[derive(Debug, thiserror::Error)]
enum InvalidTile {
    #[error("{len} numbers are not points of {d} numbers each")]
    Points { len: usize, d: usize },
    #[error("the widths are not in ascending order")]
    Widths,
    #[error("{what} {}..{} of {len} do not exist", part.start, part.end)]
    Part { what: &'static str, part: Range<usize>, len: usize },
    #[error("failed to make room for {0} counts")]
    Memory(usize, #[source] TryReserveError),
}

/// Computes one tile. The same function runs in every backend.
///
/// # Errors
///
/// Fails if `part` reaches beyond what was opened.
///
/// # Examples
///
/// ```
/// use parzen_worker::{
///     samples::{Element, Order, Place, Source},
///     shared::{Segment, Shared},
///     tasks::density::{Inputs, Method, Part, Partial, compute},
/// };
///
/// let samples = Segment::from_bytes(bytemuck::cast_slice(&[0.0, 0.5, 1.0]))?;
/// let points = Segment::from_bytes(bytemuck::cast_slice(&[0.0, 0.75]))?;
/// let widths = Segment::from_bytes(bytemuck::cast_slice(&[1.0, 2.0]))?;
/// let place = Place::Segment(samples.reference());
/// let (element, order) = (Element::F64, Order::RowMajor);
/// let inputs = Inputs {
///     samples: Source { place, offset: 0, element, order, n: 3, d: 1 },
///     points: Shared::new(&points).expect("whole numbers"),
///     widths: Shared::new(&widths).expect("whole numbers"),
/// };
/// let part = Part { rows: 0..3, points: 0..2, widths: 0..2, check: true };
/// let partial = compute(&inputs.open().unwrap(), Method::Shared, &part).unwrap();
/// assert_eq!(partial, Partial::Counts(vec![2, 2, 3, 3]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn compute(opened: &Opened, method: Method, part: &Part) -> Result<Partial, TaskError> {
    part.check_within(opened)?;
    let (samples, d) = (&opened.samples, opened.samples.d());
    let points = &opened.points[part.points.start * d..part.points.end * d];
    let widths = checked(&opened.widths[part.widths.clone()])?;
    let count = match method {
        Method::Direct => hypercube::count_direct,
        Method::Shared => hypercube::count_shared,
    };
    let mut counts = zeros(part.points.len().saturating_mul(widths.len()))?;
    let mut scratch = Vec::new();
    // Piece by piece, so that the samples come from memory once although they are both checked and
    // counted, and so that converting them takes no more room however long the chunk is.
    for start in part.rows.clone().step_by(samples.piece_rows()) {
        let end = part.rows.end.min(start + samples.piece_rows());
        let rows = samples.rows(start..end, &mut scratch);
        if part.check && !samples::all_finite(rows) {
            return Ok(Partial::NotFinite);
        }
        count(rows, d, points, &widths, &mut counts);
    }
    Ok(Partial::Counts(counts))
}

fn zeros(len: usize) -> Result<Vec<u64>, InvalidTile> {
    let mut counts = Vec::new();
    counts.try_reserve_exact(len).map_err(|error| InvalidTile::Memory(len, error))?;
    counts.resize(len, 0);
    Ok(counts)
}

/// [`compute`] as a task: the inputs are mapped once in each worker, and kept.
#[derive(Debug)]
pub enum DensityTile {}

impl Task for DensityTile {
    const NAME: &'static str = "parzen.density-tile";
    type Input = Tile;
    type Output = Partial;

    fn run(tile: Tile, context: &Context) -> Result<Partial, TaskError> {
        let opened = context.keep(&tile.inputs, || tile.inputs.open())?;
        compute(&opened, tile.method, &tile.part)
    }
}
