//! Why text cannot be used.

use std::{fmt, io};

use crate::input::quote::Quoted;

/// Why text cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CsvError {
    /// Reading failed.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// What was read could not be put where it belongs.
    #[error("its numbers cannot be stored")]
    Store(#[source] io::Error),
    /// No rows at all.
    #[error("it has no rows")]
    Empty,
    /// A header and nothing below.
    #[error("it has a header but no rows")]
    HeaderOnly,
    /// More or fewer fields than in the first row.
    #[error("row {row} (line {line}) has {found} fields, but the first row has {expected}")]
    Ragged {
        /// Which row, from 1; the header is not counted.
        row: u64,
        /// Which line, from 1.
        line: u64,
        /// Fields in it.
        found: usize,
        /// Fields in the first row.
        expected: usize,
    },
    /// Nothing where a number belongs.
    #[error("{0} is empty; a number should be there")]
    EmptyField(Cell),
    /// A word where a number belongs.
    #[error("{cell} is {}; a number should be there", Quoted(text))]
    NotANumber {
        /// Where.
        cell: Cell,
        /// The word.
        text: String,
    },
    /// NaN, infinity, or a number that is too large.
    #[error("{cell} is {}; a finite number should be there", Quoted(text))]
    NotFinite {
        /// Where.
        cell: Cell,
        /// As it was written.
        text: String,
    },
    /// Bytes that are no UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(Cell),
    /// A row, or a text in quotes, longer than is believable.
    #[error("row {row} is longer than {} MiB; is a quote left open?", accepted >> 20)]
    RowTooLong {
        /// Which row, from 1; the header is row 0.
        row: u64,
        /// Most bytes a row may take.
        accepted: u64,
    },
    /// More numbers than there may be.
    #[error("it has more than {accepted} numbers")]
    TooMany {
        /// The limit.
        accepted: usize,
    },
    /// A column was asked for that there is not.
    #[error("there is no column {}: {available}", Quoted(wanted))]
    NoSuchColumn {
        /// As it was asked for.
        wanted: String,
        /// What there is.
        available: String,
    },
    /// A column was asked for by a name that several have.
    #[error("several columns are named {}: {}", Quoted(wanted), list(numbers))]
    AmbiguousColumn {
        /// The name.
        wanted: String,
        /// The numbers of these columns, from 1.
        numbers: Vec<usize>,
    },
}

fn list(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    format!("choose one by its number, {}", numbers.join(" or "))
}

/// One place in a table of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which row, from 1; the header is not counted, and is row 0.
    pub row: u64,
    /// Which line, from 1.
    pub line: u64,
    /// Which column, from 1.
    pub column: usize,
    /// The column's name, if there is a header.
    pub name: Option<String>,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, line, column, name } = self;
        match row {
            0 => write!(f, "the header (line {line}), column {column}")?,
            row => write!(f, "row {row} (line {line}), column {column}")?,
        }
        match name {
            Some(name) => write!(f, " ({})", Quoted(name)),
            None => Ok(()),
        }
    }
}
