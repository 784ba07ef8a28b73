//! The n×d array of samples, mapped and read in place.
//!
//! A [`Source`] names the bytes and how numbers lie in them; it can be sent to another process,
//! which opens it as [`Samples`]. Only what lies otherwise than as rows of f64 is ever copied, and
//! then only the rows asked for.

use std::{
    fs::Metadata,
    io,
    ops::Range,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    mapping::{self, Mapping},
    shared::{OpenError, SegmentRef},
};

mod decode;

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
    /// A file, and what it was like when it was first opened, so that a file replaced or changed
    /// in between is noticed.
    File {
        /// Absolute, because another process may work in another directory.
        #[serde(with = "os_path")]
        path: PathBuf,
        /// The device it is on.
        device: u64,
        /// Its number there.
        inode: u64,
        /// Bytes.
        len: u64,
        /// When it was last written to, since 1970.
        modified_ns: i128,
    },
    /// Shared memory.
    Segment(SegmentRef),
}

impl Place {
    /// The file at `path`, of which `metadata` was read once it was open.
    ///
    /// # Errors
    ///
    /// Fails if there is nothing at `path` any more.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use parzen_worker::samples::Place;
    ///
    /// let file = std::fs::File::open("x.npy")?;
    /// let place = Place::of_file("x.npy", &file.metadata()?)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn of_file(path: impl AsRef<Path>, metadata: &Metadata) -> io::Result<Self> {
        // Resolved, not only made absolute: `/dev/stdin` is another file in another process.
        let path = path.as_ref().canonicalize()?;
        let (device, inode, len) = (metadata.dev(), metadata.ino(), metadata.len());
        Ok(Self::File { path, device, inode, len, modified_ns: modified_ns(metadata) })
    }

    /// Maps all of it, after checking that it is still what it was.
    fn map(&self) -> Result<Mapping, Error> {
        match self {
            Self::File { path, .. } => self.map_file(path),
            Self::Segment(segment) => segment.map().map_err(Error::Segment),
        }
    }

    fn map_file(&self, path: &Path) -> Result<Mapping, Error> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let file = mapping::open_without_waiting(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let (device, inode, len) = (metadata.dev(), metadata.ino(), metadata.len());
        let modified_ns = modified_ns(&metadata);
        if *self != (Self::File { path: path.to_owned(), device, inode, len, modified_ns }) {
            return Err(Error::Changed(path.to_owned()));
        }
        Mapping::new(&file).map_err(|source| Error::Map { path: path.to_owned(), source })
    }
}

fn modified_ns(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

/// A path as the system's bytes: serde's own form refuses names that are not UTF-8.
mod os_path {
    use std::{
        ffi::OsString,
        path::{Path, PathBuf},
    };

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        path.as_os_str().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        OsString::deserialize(from).map(PathBuf::from)
    }
}

/// Type of one stored number, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Element {
    /// IEEE single precision. Becomes f64 without loss.
    F32,
    /// IEEE double precision.
    F64,
}

impl Element {
    /// Bytes of one number.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::F32 => size_of::<f32>(),
            Self::F64 => size_of::<f64>(),
        }
    }
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
pub enum Error {
    /// The file is gone or may not be read.
    #[error("failed to open `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was replaced, cut or written to since it was named.
    #[error("`{}` changed since it was opened", .0.display())]
    Changed(PathBuf),
    /// The file could not be mapped.
    #[error("failed to map `{}`", path.display())]
    Map {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The shared memory is gone or is not what was named.
    #[error("failed to open samples in shared memory")]
    Segment(#[source] OpenError),
    /// No rows or no columns.
    #[error("samples need at least one row and one column, not {n}×{d}")]
    Empty {
        /// Rows.
        n: usize,
        /// Columns.
        d: usize,
    },
    /// The numbers would reach beyond the end.
    #[error("{n}×{d} numbers of {size} bytes do not fit into {len} bytes from byte {offset} on")]
    OutOfBounds {
        /// Rows.
        n: usize,
        /// Columns.
        d: usize,
        /// Bytes of a number.
        size: usize,
        /// Bytes before the first one.
        offset: u64,
        /// Bytes there are.
        len: usize,
    },
}

/// An opened [`Source`]: n ≥ 1 rows of d ≥ 1 numbers. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Samples {
    opened: Arc<Opened>,
}

#[derive(Debug)]
struct Opened {
    source: Source,
    mapping: Mapping,
    /// The bytes of the n×d numbers, a range within the mapping.
    extent: Range<usize>,
}

impl Samples {
    /// Opens and maps `source`, after checking that it is what it says and large enough.
    ///
    /// # Errors
    ///
    /// See [`Error`]'s variants.
    ///
    /// # Examples
    ///
    /// ```
    /// use parzen_worker::samples::{Element, Order, Place, Samples, Source};
    /// use parzen_worker::shared::Segment;
    ///
    /// let segment = Segment::from_bytes(bytemuck::cast_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]))?;
    /// let samples = Samples::open(&Source {
    ///     place: Place::Segment(segment.reference()),
    ///     offset: 0,
    ///     element: Element::F64,
    ///     order: Order::RowMajor,
    ///     n: 3,
    ///     d: 2,
    /// })?;
    /// assert_eq!(samples.rows(1..3, &mut Vec::new()), [3.0, 4.0, 5.0, 6.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(source: &Source) -> Result<Self, Error> {
        let &Source { offset, n, d, element, .. } = source;
        if n == 0 || d == 0 {
            return Err(Error::Empty { n, d });
        }
        let mapping = source.place.map()?;
        let (size, len) = (element.size(), mapping.len());
        let extent = source.extent(len).ok_or(Error::OutOfBounds { n, d, size, offset, len })?;
        Ok(Self { opened: Arc::new(Opened { source: source.clone(), mapping, extent }) })
    }

    /// Number of samples.
    #[must_use]
    pub fn n(&self) -> usize {
        self.source().n
    }

    /// Numbers in a sample.
    #[must_use]
    pub fn d(&self) -> usize {
        self.source().d
    }

    /// What this was opened from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.opened.source
    }

    /// The samples `rows`, row after row, as f64: in place where they lie so already, else
    /// converted into `scratch`.
    ///
    /// # Panics
    ///
    /// If `rows` is not within `0..n`.
    pub fn rows<'a>(&'a self, rows: Range<usize>, scratch: &'a mut Vec<f64>) -> &'a [f64] {
        let (n, d) = (self.n(), self.d());
        assert!(rows.start <= rows.end && rows.end <= n, "rows {rows:?} of {n}");
        let bytes = &self.opened.mapping[self.opened.extent.clone()];
        if !self.is_row_after_row() {
            match self.source().element {
                Element::F32 => decode::gather(bytes, f32_from_le, d, rows, scratch),
                Element::F64 => decode::gather(bytes, f64::from_le_bytes, d, rows, scratch),
            }
            return scratch;
        }
        let size = self.source().element.size() * d;
        let bytes = &bytes[rows.start * size..rows.end * size];
        match self.source().element {
            Element::F32 => decode::convert(bytes, f32_from_le, scratch),
            Element::F64 => match decode::in_place(bytes) {
                Some(numbers) => return numbers,
                None => decode::convert(bytes, f64::from_le_bytes, scratch),
            },
        }
        scratch
    }

    /// The first NaN or infinity, in row order, as (row, column, value), counted from 0.
    ///
    /// Reads all samples, or up to the first such value.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<(usize, usize, f64)> {
        let (n, d) = (self.n(), self.d());
        let mut scratch = Vec::new();
        for start in (0..n).step_by(self.piece_rows()) {
            let rows = start..n.min(start + self.piece_rows());
            let numbers = self.rows(rows, &mut scratch);
            if !all_finite(numbers) {
                let idx = numbers.iter().position(|number| !number.is_finite())?;
                return Some((start + idx / d, idx % d, numbers[idx]));
            }
        }
        None
    }

    /// How many rows to take at a time, so that they fit into a cache of 256 KiB.
    pub(crate) fn piece_rows(&self) -> usize {
        const PIECE: usize = 256 * 1024 / size_of::<f64>();
        (PIECE / self.d()).max(1)
    }

    /// Whether a sample's numbers lie side by side. With one row or one column, any order does.
    fn is_row_after_row(&self) -> bool {
        match self.source().order {
            Order::RowMajor => true,
            Order::ColumnMajor => self.n() == 1 || self.d() == 1,
        }
    }
}

impl Source {
    /// `n` rows of `d` f64 each, row after row, from the first byte of a segment on.
    #[must_use]
    pub fn in_segment(segment: SegmentRef, n: usize, d: usize) -> Self {
        let (element, order) = (Element::F64, Order::RowMajor);
        Self { place: Place::Segment(segment), offset: 0, element, order, n, d }
    }

    /// The bytes of the numbers within `len` bytes, or `None` if they reach beyond them.
    fn extent(&self, len: usize) -> Option<Range<usize>> {
        let start = usize::try_from(self.offset).ok()?;
        let size = self.n.checked_mul(self.d)?.checked_mul(self.element.size())?;
        let end = start.checked_add(size)?;
        (end <= len).then_some(start..end)
    }
}

fn f32_from_le(bytes: [u8; 4]) -> f64 {
    f64::from(f32::from_le_bytes(bytes))
}

/// Whether there is no NaN and no infinity among `numbers`.
pub(crate) fn all_finite(numbers: &[f64]) -> bool {
    // Without an early exit, so that the loop becomes vector instructions.
    numbers.iter().fold(true, |finite, number| finite & number.is_finite())
}
