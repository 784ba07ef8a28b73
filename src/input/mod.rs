//! Stub.

mod quote;
mod spacing;

mod widths;
pub use widths::{MAX_WIDTHS, SpecError, Widths};

mod points;
pub use points::{MAX_NUMBERS, PointError, Points};

mod point_spec;
pub use point_spec::{Grid, Point};

mod csv;
pub use csv::{Cell, Columns, ColumnsError, CsvError};

mod npy;
pub use npy::NpyError;

mod notebook;
pub use notebook::{NOTEBOOK_D, NOTEBOOK_N, NotebookStream};
