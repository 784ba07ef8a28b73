//! What an estimate reads: samples, points and widths.
//!
//! [`open`] turns a path, standard input or the notebook's own data into a
//! [`Source`](parzen_worker::samples::Source) that every worker maps. [`Widths`], [`Point`] and
//! [`Grid`] read what is typed, [`read_points`] a file of [`Points`], and [`generate`] makes samples
//! to order. Parsers take bytes and give values; files are opened in two places only: `open.rs` and
//! `npy/source.rs`.
//!
//! Everything here comes from outside: no text, file or number may cause a panic, or a large
//! allocation before its size has been judged. Errors name the file, row and column or what was
//! typed, and what would be accepted, in one line.

mod open;
pub use open::{Input, SampleSpec, open};

mod location;
pub use location::Location;

mod error;
pub use error::Error;

mod npy;
pub use npy::NpyError;

mod csv;
pub use csv::{Cell, Columns, ColumnsError, CsvError};

mod notebook;
pub use notebook::{NOTEBOOK_D, NOTEBOOK_N, NotebookStream};

mod widths;
pub use widths::{MAX_WIDTHS, SpecError, Widths};

mod spacing;

mod points;
pub use points::{MAX_NUMBERS, PointError, Points};

mod point_spec;
pub use point_spec::{Grid, Point};

mod points_file;
pub use points_file::read_points;

pub mod generate;

mod quote;
