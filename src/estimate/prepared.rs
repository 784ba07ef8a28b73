//! Puts what the jobs read where all workers find it.

use std::io;

use bytemuck::cast_slice;
use parzen_worker::{
    samples::Source,
    shared::{Segment, Shared},
    tasks::density::Inputs,
};

use super::{Error, Shape};

/// Samples, points and widths, as workers find them for as long as this lives. If the samples are
/// in a [`Segment`] too, its handle must live as well.
///
/// At least one point, all of them finite; at least one width, all of them finite, positive and
/// ascending.
#[derive(Debug)]
pub struct Prepared {
    inputs: Inputs,
    widths: Vec<f64>,
    shape: Shape,
    /// Owns the memory that `inputs` refers to.
    _segments: [Segment; 2],
}

impl Prepared {
    /// Copies `points`, row after row, and `widths` into shared memory.
    ///
    /// # Errors
    ///
    /// [`Error::Points`], [`Error::PointNotFinite`] and [`Error::Widths`] if they are not as
    /// promised above, [`Error::Share`] if there is no memory for them.
    pub fn new(samples: Source, points: &[f64], widths: &[f64]) -> Result<Self, Error> {
        let (n, d) = (samples.n, samples.d);
        check_points(points, d)?;
        check_widths(widths)?;
        let (points_segment, shared_points) = share(points).map_err(Error::Share)?;
        let (widths_segment, shared_widths) = share(widths).map_err(Error::Share)?;
        Ok(Self {
            inputs: Inputs { samples, points: shared_points, widths: shared_widths },
            widths: widths.to_vec(),
            shape: Shape { n, d, m: points.len() / d, widths: widths.len() },
            _segments: [points_segment, widths_segment],
        })
    }

    /// What is sent to workers.
    #[must_use]
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The widths, ascending.
    #[must_use]
    pub fn widths(&self) -> &[f64] {
        &self.widths
    }

    /// How large it all is.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

fn share(numbers: &[f64]) -> io::Result<(Segment, Shared<f64>)> {
    let segment = Segment::from_bytes(cast_slice(numbers))?;
    let shared = Shared::new(&segment).ok_or(io::ErrorKind::InvalidData)?;
    Ok((segment, shared))
}

fn check_points(points: &[f64], d: usize) -> Result<(), Error> {
    let len = points.len();
    if len == 0 || len.checked_rem(d) != Some(0) {
        return Err(Error::Points { len, d });
    }
    match points.iter().position(|number| !number.is_finite()) {
        Some(idx) => {
            let (point, column) = (idx / d, idx % d);
            Err(Error::PointNotFinite { point, column, value: points[idx] })
        }
        None => Ok(()),
    }
}

fn check_widths(widths: &[f64]) -> Result<(), Error> {
    let all_positive = widths.iter().all(|&h| h.is_finite() && 0.0 < h);
    if widths.is_empty() || !all_positive || !widths.is_sorted() {
        return Err(Error::Widths);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_must_be_whole_and_finite() {
        assert!(check_points(&[1.0, 2.0, 3.0, 4.0], 2).is_ok());
        for (len, d) in [(0, 2), (3, 2), (2, 0)] {
            let error = check_points(&[1.0; 3][..len], d).unwrap_err();
            assert_eq!(error.to_string(), format!("{len} numbers are no points of {d} dimensions"));
        }
        let error = check_points(&[0.0, 1.0, 2.0, f64::INFINITY], 2).unwrap_err();
        assert!(matches!(error, Error::PointNotFinite { point: 1, column: 1, .. }), "{error:?}");
    }

    #[test]
    fn widths_must_be_positive_and_ascending() {
        assert!(check_widths(&[0.1, 0.1, 1e300]).is_ok());
        for widths in [&[][..], &[0.0], &[-1.0], &[f64::NAN], &[f64::INFINITY], &[0.2, 0.1]] {
            assert!(matches!(check_widths(widths), Err(Error::Widths)), "{widths:?}");
        }
    }
}
