//! Why a `.npy` file cannot be used.

use crate::input::quote::Quoted;

/// Why a `.npy` file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// Reading failed.
    #[error("the file cannot be read")]
    Read(#[source] std::io::Error),
    /// It does not begin as such files do.
    #[error("this is no .npy file: it does not begin with `\\x93NUMPY`")]
    NotNpy,
    /// Another version of the format.
    #[error("this is version {major}.{minor} of the .npy format; accepted are 1.0, 2.0 and 3.0")]
    Version {
        /// Before the dot.
        major: u8,
        /// Behind it.
        minor: u8,
    },
    /// The header says that it is absurdly long.
    #[error("the header claims {len} bytes; at most {accepted} are accepted")]
    HeaderTooLong {
        /// What it claims.
        len: u64,
        /// The limit.
        accepted: u64,
    },
    /// The file ends inside the header.
    #[error("the file ends inside the header")]
    HeaderCut,
    /// The header is not what NumPy writes.
    #[error(
        "the header is not a dictionary of `descr`, `fortran_order` and `shape`: {expected} \
         should be at byte {at} of it"
    )]
    Malformed {
        /// What should be there.
        expected: &'static str,
        /// Where in the header's text, from 0.
        at: usize,
    },
    /// The elements are no little-endian f32 or f64.
    #[error("the elements are {} ({what}); accepted are `<f8` and `<f4`", Quoted(descr))]
    Element {
        /// As the header says it.
        descr: String,
        /// What that is.
        what: &'static str,
    },
    /// Neither one nor two dimensions.
    #[error(
        "the shape {} has {dimensions} dimensions; accepted are (n,) and (n, d)",
        Quoted(shape)
    )]
    Dimensions {
        /// As the header says it.
        shape: String,
        /// How many numbers that is.
        dimensions: usize,
    },
    /// No rows, or no columns.
    #[error("the shape ({n}, {d}) has no elements; at least one row and one column are needed")]
    Empty {
        /// Rows.
        n: u64,
        /// Columns.
        d: u64,
    },
    /// More elements than can be addressed.
    #[error("the shape ({n}, {d}) is too large for this machine")]
    TooLarge {
        /// Rows.
        n: u64,
        /// Columns.
        d: u64,
    },
    /// The file is shorter than its header says.
    #[error("the file is cut off: its header asks for {needed} bytes, and it has {len}")]
    Cut {
        /// Bytes that header and elements take.
        needed: u64,
        /// Bytes there are.
        len: u64,
    },
    /// More numbers than there may be here.
    #[error("it has {found} numbers; at most {accepted} are accepted")]
    TooMany {
        /// How many there are.
        found: usize,
        /// The limit.
        accepted: usize,
    },
    /// The numbers could not be mapped.
    #[error("its numbers cannot be read")]
    Map(#[source] parzen_worker::samples::Error),
    /// A pipe or a device, which cannot be mapped.
    #[error("this is no regular file, so workers cannot map it")]
    NotRegular,
}
