//! Density tiles: the partial result of one chunk of samples, some points and some widths.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{
    Context, Task, TaskError,
    samples::{Samples, Source},
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
    /// Fails if one of them is gone or has changed since it was named.
    pub fn open(&self) -> Result<Opened, TaskError> {
        todo!()
    }
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

/// Computes one tile. The same function runs in every backend.
#[must_use]
pub fn compute(opened: &Opened, method: Method, part: &Part) -> Partial {
    let _ = (opened, method, part);
    todo!()
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
        Ok(compute(&opened, tile.method, &tile.part))
    }
}
