//! NumPy's `.npy` files.
//!
//! Only the header is read here. The numbers stay in the file: workers map it.

mod header;
pub(crate) use header::Header;

mod literal;

mod error;
pub use error::NpyError;

mod source;
pub(crate) use source::source;

mod write;
pub(crate) use write::header_bytes;
