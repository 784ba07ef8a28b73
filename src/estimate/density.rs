//! What an estimate gives.

/// What a count is divided by, besides n.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The hypercube's volume, h^d.
    Cube,
    /// h, whatever d, as the notebook does.
    Notebook,
}

impl Volume {
    /// The density where `count` of `n` samples lie in the window of width `h` in `d` dimensions:
    /// `(count / n) / V`, in this order, which gives the bits that NumPy gives.
    #[must_use]
    pub fn density(self, count: u64, n: usize, h: f64, d: usize) -> f64 {
        let share = count as f64 / n as f64;
        match self {
            Self::Notebook => share / h,
            Self::Cube => share_in_cube(share, h, d),
        }
    }
}

fn share_in_cube(share: f64, h: f64, d: usize) -> f64 {
    // `powf` and not `powi`: it is the C library's `pow`, correctly rounded but for rare cases,
    // where `powi` rounds at each product. Python's `h**d` is the same function.
    let volume = h.powf(d as f64);
    if share == 0.0 || volume.is_normal() {
        return if share == 0.0 { 0.0 } else { share / volume };
    }
    // In many dimensions h^d leaves the range of numbers long before the density does.
    (0..d).fold(share, |density, _| density / h)
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
    /// The worker that finished its last job; 0 for a job that a journal had.
    pub worker: u32,
    /// When its first job began, on the [`monotonic clock`](parzen_worker::clock).
    pub started_ns: u64,
    /// When its last job ended.
    pub finished_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_window_has_density_zero_in_any_dimension() {
        for d in [1, 2, 100, 1_000_000] {
            for h in [1e-300, 0.5, 1.0, 2.0, 1e300] {
                assert_eq!(Volume::Cube.density(0, 10, h, d).to_bits(), 0, "h {h}, d {d}");
            }
        }
    }

    #[test]
    fn a_volume_out_of_range_does_not_spoil_the_density() {
        // h^d is 1e-310, a subnormal number that has lost digits; the density still has a value.
        let density = Volume::Cube.density(1, 1_000_000, 1e-10, 31);
        assert!((density / 1e304 - 1.0).abs() < 1e-12, "{density:e}");
        // h^d is 1e310, infinite; the density is subnormal but not 0.
        let density = Volume::Cube.density(1, 1, 1e10, 31);
        assert!(0.0 < density && (density / 1e-310 - 1.0).abs() < 1e-9, "{density:e}");
        assert_eq!(Volume::Cube.density(1, 1, 1e-10, 40), f64::INFINITY);
    }
}
