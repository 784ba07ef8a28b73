//! Text: `.csv`, `.tsv` and standard input.
//!
//! Read once, row after row; nothing is kept but the row at hand.

mod error;
pub use error::{Cell, CsvError};

mod columns;
pub use columns::{Columns, ColumnsError};

mod text;
pub(crate) use text::Delimiter;

mod table;
pub(crate) use table::read;
