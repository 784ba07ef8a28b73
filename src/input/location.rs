//! Where samples come from.

use std::{fmt, path::PathBuf};

use super::quote::QuotedPath;

/// Where samples come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Location {
    /// The notebook's own data, which is drawn anew.
    #[default]
    Notebook,
    /// Text on standard input.
    StandardInput,
    /// A file.
    File(PathBuf),
}

impl From<Option<PathBuf>> for Location {
    /// What an argument means: `-` is standard input, none at all is the notebook's data.
    fn from(typed: Option<PathBuf>) -> Self {
        match typed {
            None => Self::Notebook,
            Some(path) if path.as_os_str() == "-" => Self::StandardInput,
            Some(path) => Self::File(path),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Notebook => f.write_str("the notebook's samples"),
            Self::StandardInput => f.write_str("standard input"),
            Self::File(path) => write!(f, "{}", QuotedPath(path)),
        }
    }
}
