//! Covariances, as what they do to independent normal numbers.

use std::{num::NonZeroUsize, path::Path};

use crate::input::{Error, points_file::read_numbers};

/// How far, relative to √(a_ii·a_jj), a_ij and a_ji may be apart: a little more than what rounding
/// in a product of matrices leaves.
const ASYMMETRY: f64 = 1e-12;

/// A positive definite d×d covariance.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    d: NonZeroUsize,
    root: Root,
}

/// A matrix R with R·Rᵀ = the covariance.
#[derive(Clone, Debug, PartialEq)]
enum Root {
    Identity,
    /// `own` times the identity + `shared` times the matrix of ones: takes d steps, not d².
    Equicorrelated {
        own: f64,
        shared: f64,
    },
    /// The Cholesky factor, row after row, without the zeros.
    Lower(Vec<f64>),
}

/// Why something is no covariance.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CovarianceError {
    /// The correlation is out of range.
    #[error(
        "a correlation of {rho} between all of {d} numbers is impossible; accepted is what is \
         greater than {least} and less than 1"
    )]
    Rho {
        /// The correlation.
        rho: f64,
        /// How many numbers.
        d: NonZeroUsize,
        /// What it must exceed.
        least: f64,
    },
    /// Not d×d.
    #[error("the matrix is {rows}×{columns}, but samples of {d} numbers need {d}×{d}")]
    Shape {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
        /// Numbers in a sample.
        d: NonZeroUsize,
    },
    /// NaN or infinity.
    #[error("row {row}, column {column} is {value}; a finite number should be there")]
    NotFinite {
        /// Row, from 1.
        row: usize,
        /// Column, from 1.
        column: usize,
        /// What is there.
        value: f64,
    },
    /// Not symmetric.
    #[error(
        "the matrix is not symmetric: row {row}, column {column} is {value}, but row {column}, \
         column {row} is {mirrored}"
    )]
    NotSymmetric {
        /// Row, from 1.
        row: usize,
        /// Column, from 1.
        column: usize,
        /// What is there.
        value: f64,
        /// What is at the mirrored place.
        mirrored: f64,
    },
    /// Not positive definite.
    #[error(
        "the matrix is not positive definite: given the numbers before it, number {row} would \
         have variance {variance}"
    )]
    NotPositive {
        /// Row, from 1.
        row: usize,
        /// The square of what would be on the Cholesky factor's diagonal.
        variance: f64,
    },
}

impl Covariance {
    /// Independent numbers of variance 1.
    #[must_use]
    pub fn identity(d: NonZeroUsize) -> Self {
        Self { d, root: Root::Identity }
    }

    /// Variances of 1, and the correlation `rho` between each two.
    ///
    /// # Errors
    ///
    /// Fails unless -1/(d-1) < `rho` < 1 (for d = 1, where there is no correlation, -1 < `rho`).
    pub fn equicorrelated(rho: f64, d: NonZeroUsize) -> Result<Self, CovarianceError> {
        let others = (d.get().max(2) - 1) as f64;
        let least = -1.0 / others;
        let along_ones = 1.0 + (d.get() - 1) as f64 * rho;
        if rho.is_nan() || rho <= least || 1.0 <= rho || along_ones <= 0.0 {
            return Err(CovarianceError::Rho { rho, d, least });
        }
        // The symmetric root: √(1-ρ) across the vector of ones, √(1+(d-1)ρ) along it.
        let own = (1.0 - rho).sqrt();
        let shared = (along_ones.sqrt() - own) / d.get() as f64;
        Ok(Self { d, root: Root::Equicorrelated { own, shared } })
    }

    /// The d×d `matrix`, row after row.
    ///
    /// Time: O(d³).
    ///
    /// # Errors
    ///
    /// Fails unless it is d×d, finite, symmetric (but for rounding) and positive definite.
    pub fn from_matrix(matrix: &[f64], d: NonZeroUsize) -> Result<Self, CovarianceError> {
        let columns = d.get();
        if Some(matrix.len()) != columns.checked_mul(columns) {
            return Err(CovarianceError::Shape { rows: matrix.len() / columns, columns, d });
        }
        if let Some(idx) = matrix.iter().position(|value| !value.is_finite()) {
            let (row, column) = (idx / d + 1, idx % d + 1);
            return Err(CovarianceError::NotFinite { row, column, value: matrix[idx] });
        }
        check_symmetry(matrix, columns)?;
        Ok(Self { d, root: Root::Lower(cholesky(matrix, columns)?) })
    }

    /// Reads a d×d matrix from a `.csv`, `.tsv` or `.npy` file.
    ///
    /// # Errors
    ///
    /// As [`from_matrix`](Self::from_matrix), and if the file cannot be read.
    pub fn read(path: &Path, d: NonZeroUsize) -> Result<Self, Error> {
        let (matrix, columns) = read_numbers(path, None)?;
        let covariance = if columns == d.get() {
            Self::from_matrix(&matrix, d)
        } else {
            Err(CovarianceError::Shape { rows: matrix.len() / columns, columns, d })
        };
        covariance.map_err(|source| Error::Covariance { path: path.to_owned(), source })
    }

    /// Numbers in a sample.
    #[must_use]
    pub fn d(&self) -> NonZeroUsize {
        self.d
    }

    /// Gives `normals`, d independent standard normal numbers, this covariance.
    pub(super) fn apply(&self, normals: &mut [f64]) {
        match &self.root {
            Root::Identity => {}
            Root::Equicorrelated { own, shared } => {
                let common = shared * normals.iter().sum::<f64>();
                normals.iter_mut().for_each(|number| *number = own * *number + common);
            }
            Root::Lower(lower) => {
                // From the last to the first, because each needs only those before it.
                for row in (0..normals.len()).rev() {
                    normals[row] = dot(lower_row(lower, row), &normals[..=row]);
                }
            }
        }
    }
}

fn check_symmetry(matrix: &[f64], d: usize) -> Result<(), CovarianceError> {
    for row in 0..d {
        for column in 0..row {
            let (value, mirrored) = (matrix[row * d + column], matrix[column * d + row]);
            let scale = (matrix[row * d + row] * matrix[column * d + column]).abs().sqrt();
            if ASYMMETRY * scale < (value - mirrored).abs() {
                let (row, column) = (row + 1, column + 1);
                return Err(CovarianceError::NotSymmetric { row, column, value, mirrored });
            }
        }
    }
    Ok(())
}

/// The lower triangle L with L·Lᵀ = `matrix`, by the Cholesky–Banachiewicz algorithm.
fn cholesky(matrix: &[f64], d: usize) -> Result<Vec<f64>, CovarianceError> {
    let mut lower: Vec<f64> = Vec::with_capacity(d * (d + 1) / 2);
    for row in 0..d {
        let begin = lower.len();
        for column in 0..row {
            let above = lower_row(&lower, column);
            let known = dot(&lower[begin..], &above[..column]);
            lower.push((matrix[row * d + column] - known) / above[column]);
        }
        let variance = matrix[row * d + row] - dot(&lower[begin..], &lower[begin..]);
        // Infinite if what is finite itself overflowed on the way.
        if variance.is_nan() || variance <= 0.0 || variance.is_infinite() {
            return Err(CovarianceError::NotPositive { row: row + 1, variance });
        }
        lower.push(variance.sqrt());
    }
    Ok(lower)
}

/// Row `row` of a lower triangle stored without its zeros.
fn lower_row(lower: &[f64], row: usize) -> &[f64] {
    let begin = row * (row + 1) / 2;
    &lower[begin..=begin + row]
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(d: usize) -> NonZeroUsize {
        NonZeroUsize::new(d).unwrap()
    }

    /// R·Rᵀ, from what R does to the unit vectors.
    fn product(covariance: &Covariance) -> Vec<f64> {
        let d = covariance.d.get();
        let mut sum = vec![0.0; d * d];
        for unit in 0..d {
            let mut column = vec![0.0; d];
            column[unit] = 1.0;
            covariance.apply(&mut column);
            for (idx, number) in sum.iter_mut().enumerate() {
                *number += column[idx / d] * column[idx % d];
            }
        }
        sum
    }

    fn assert_near(left: &[f64], right: &[f64]) {
        assert_eq!(left.len(), right.len());
        for (left_number, right_number) in left.iter().zip(right) {
            assert!((left_number - right_number).abs() < 1e-14, "{left:?} for {right:?}");
        }
    }

    #[test]
    fn a_correlation_is_between_each_two() {
        for (rho, n) in [(0.5, 3), (-0.49, 3), (0.0, 2), (-0.9, 2), (0.99, 7), (0.3, 1)] {
            let covariance = Covariance::equicorrelated(rho, d(n)).unwrap();
            let expected: Vec<f64> =
                (0..n * n).map(|idx| if idx / n == idx % n { 1.0 } else { rho }).collect();
            assert_near(&product(&covariance), &expected);
        }
    }

    #[test]
    fn an_impossible_correlation_is_refused() {
        let check = |rho: f64, n: usize| {
            let message = Covariance::equicorrelated(rho, d(n)).unwrap_err().to_string();
            assert!(message.contains("is impossible; accepted is"), "{message}");
        };
        check(1.0, 2);
        check(-1.0, 2);
        check(-0.5, 3);
        check(f64::NAN, 3);
        check(-1.0, 1);
        let message = Covariance::equicorrelated(-0.6, d(3)).unwrap_err().to_string();
        let expected = "a correlation of -0.6 between all of 3 numbers is impossible; accepted is \
                        what is greater than -0.5 and less than 1";
        assert_eq!(message, expected);
    }

    #[test]
    fn a_matrix_is_its_roots_square() {
        let check = |matrix: &[f64], n: usize| {
            assert_near(&product(&Covariance::from_matrix(matrix, d(n)).unwrap()), matrix);
        };
        check(&[4.0], 1);
        check(&[2.0, 0.5, 0.5, 1.0], 2);
        check(&[4.0, 1.0, -0.5, 1.0, 3.0, 0.2, -0.5, 0.2, 1.0], 3);
        check(&[1.0, 0.0, 0.0, 1.0], 2);
    }

    #[test]
    fn other_matrices_are_refused() {
        let check = |matrix: &[f64], n: usize, begin: &str| {
            let message = Covariance::from_matrix(matrix, d(n)).unwrap_err().to_string();
            assert!(message.starts_with(begin), "{message}");
        };
        check(&[1.0, 0.0], 2, "the matrix is 1×2, but samples of 2 numbers need 2×2");
        check(&[1.0, f64::NAN, 0.0, 1.0], 2, "row 1, column 2 is NaN; a finite number");
        check(
            &[1.0, 0.5, 0.4, 1.0],
            2,
            "the matrix is not symmetric: row 2, column 1 is 0.4, but row 1, column 2 is 0.5",
        );
        check(
            &[1.0, 2.0, 2.0, 1.0],
            2,
            "the matrix is not positive definite: given the numbers before it, number 2 would \
             have variance -3",
        );
        check(&[0.0], 1, "the matrix is not positive definite: given the numbers before it, num");
        check(&[1.0, 1.0, 1.0, 1.0], 2, "the matrix is not positive definite");
        check(&[1e-300, 1e300, 1e300, 1e-300], 2, "the matrix is not positive definite");
    }

    #[test]
    fn a_matrix_is_read_from_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cov.csv");
        std::fs::write(&path, "2,0.5\n0.5,1\n").unwrap();
        let covariance = Covariance::read(&path, d(2)).unwrap();
        assert_near(&product(&covariance), &[2.0, 0.5, 0.5, 1.0]);
        let error = Covariance::read(&path, d(3)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the matrix is 2×2, but samples of 3 numbers need 3×3");
        std::fs::write(&path, "2,0.5\n0.5,1\n1,1\n").unwrap();
        let error = Covariance::read(&path, d(2)).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "the matrix is 3×2, but samples of 2 numbers need 2×2");
    }
}
