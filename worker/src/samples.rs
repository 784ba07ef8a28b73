//! The n×d array of samples, mapped and read in place.

use std::{ops::Range, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::shared::SegmentRef;

/// Where samples are and how they lie there: all that another process needs to map them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Source {
    /// The bytes.
    pub place: Place,
    /// Bytes before the first element.
    pub offset: u64,
    /// Type of an element.
    pub element: Element,
    /// Which index runs fastest.
    pub order: Order,
    /// Rows: n.
    pub n: usize,
    /// Columns: d.
    pub d: usize,
}

/// What is mapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Place {
    /// A file, by absolute path, and what it was like when it was first opened, so that a file
    /// replaced or changed in between is noticed.
    File { path: PathBuf, device: u64, inode: u64, len: u64, modified_ns: i128 },
    /// Shared memory.
    Segment(SegmentRef),
}

/// Type of one stored number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Element {
    F32,
    F64,
}

/// Which index runs fastest in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Order {
    /// C order: a sample's numbers lie side by side.
    RowMajor,
    /// Fortran order: a column's numbers lie side by side.
    ColumnMajor,
}

/// Why samples could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}

/// An opened [`Source`]: n ≥ 1 rows of d ≥ 1 numbers. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Samples {
    source: Source,
}

impl Samples {
    /// Opens and maps `source`, after checking that it is what it says and large enough.
    ///
    /// # Errors
    ///
    /// See [`Error`]'s variants.
    pub fn open(source: &Source) -> Result<Self, Error> {
        let _ = source;
        todo!()
    }

    /// Number of samples.
    #[must_use]
    pub fn n(&self) -> usize {
        self.source.n
    }

    /// Numbers in a sample.
    #[must_use]
    pub fn d(&self) -> usize {
        self.source.d
    }

    /// What this was opened from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The samples `rows`, row after row, as f64: in place where they lie so already, else
    /// converted into `scratch`.
    pub fn rows<'a>(&'a self, rows: Range<usize>, scratch: &'a mut Vec<f64>) -> &'a [f64] {
        let _ = (rows, scratch);
        todo!()
    }

    /// The first NaN or infinity, in row order, as (row, column, value), counted from 0.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<(usize, usize, f64)> {
        todo!()
    }
}
