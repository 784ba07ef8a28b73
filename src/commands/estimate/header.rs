//! What is known of an estimate besides its results.

use serde::Serialize;

use super::{Backend, Kernel, Order};
use crate::{
    estimate::{Density, Volume},
    input::Points,
};

/// What is known before the first result.
#[derive(Clone, Debug)]
pub struct Header {
    /// Samples.
    pub n: usize,
    /// Numbers in a sample.
    pub d: usize,
    /// All points, in the order given.
    pub points: Points,
    /// Whether they were asked for, rather than taken to be the origin.
    pub explicit_points: bool,
    /// The window's shape.
    pub kernel: Kernel,
    /// What counts are divided by.
    pub volume: Volume,
    /// What the workers are.
    pub backend: Backend,
    /// How many there are.
    pub workers: u32,
    /// In which order results are given.
    pub order: Order,
    /// Jobs there are.
    pub n_jobs: u64,
    /// Those of them that a journal has, so that they are not run.
    pub n_resumed: u64,
    /// When the command began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
}

impl Header {
    /// Where `density` is the density.
    #[must_use]
    pub fn point(&self, density: &Density) -> &[f64] {
        &self.points.as_slice()[density.point_idx * self.d..][..self.d]
    }
}

/// Where the time went, in seconds, and how much was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Reading samples and points.
    pub read_s: f64,
    /// Starting the workers.
    pub start_s: f64,
    /// From the first job given out to the last one done.
    pub run_s: f64,
    /// All of it.
    pub total_s: f64,
    /// Jobs that a journal had, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumed_jobs: Option<u64>,
}
