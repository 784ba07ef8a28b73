//! What an estimate gives.

/// What a count is divided by, besides n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The hypercube's volume, h^d.
    Cube,
    /// h, whatever d, as the notebook does.
    Notebook,
}

/// One tagged result: the density at one point for one width.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// The width.
    pub h: f64,
    /// Index of the width, ascending.
    pub width_idx: usize,
    /// Index of the point, in the order given.
    pub point_idx: usize,
    /// Samples inside the window.
    pub count: u64,
    /// Estimated density.
    pub density: f64,
    /// Arrival number, from 0.
    pub seq: u64,
    /// The worker that finished its last job.
    pub worker: u32,
    /// When its first job began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
    /// When its last job ended.
    pub finished_ns: u64,
}
