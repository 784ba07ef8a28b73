//! What can be wrong with input.

use std::{io, path::PathBuf};

use super::{
    CsvError, Location, NpyError, PointError, generate::CovarianceError, quote::QuotedPath,
};

/// Why input could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such file, it is a directory, or it may not be read.
    #[error("failed to open {}", QuotedPath(path))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file's name ends in nothing known.
    #[error("cannot tell the format of {}: accepted are .npy, .csv and .tsv", QuotedPath(path))]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// Columns were chosen where there is no table of text.
    #[error("cannot choose columns of {location}: only of .csv, .tsv and standard input")]
    Columns {
        /// What has no columns to choose.
        location: Location,
    },
    /// Text could not be used.
    #[error("failed to read {location}")]
    Csv {
        /// Where it is.
        location: Location,
        /// Why.
        source: CsvError,
    },
    /// A `.npy` file could not be used.
    #[error("failed to read {}", QuotedPath(path))]
    Npy {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NpyError,
    },
    /// The samples could not be put where workers can read them.
    #[error("failed to put {location} into shared memory")]
    Share {
        /// Where they come from.
        location: Location,
        /// What the system said.
        source: io::Error,
    },
    /// The numbers in a file are not the points that are needed.
    #[error("failed to use {} as points", QuotedPath(path))]
    Points {
        /// The file.
        path: PathBuf,
        /// Why.
        source: PointError,
    },
    /// The numbers in a file are not the covariance that is needed.
    #[error("failed to use {} as a covariance", QuotedPath(path))]
    Covariance {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CovarianceError,
    },
}

impl Error {
    /// What to try instead, if that can be guessed.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Csv { source: CsvError::NotANumber { text, .. }, .. } => text_hint(text),
            Self::Npy {
                source: NpyError::Element { .. } | NpyError::Dimensions { .. }, ..
            } => Some("in Python, `numpy.save(path, array.astype('<f8').reshape(n, d))` helps"),
            Self::Open { .. }
            | Self::Format { .. }
            | Self::Columns { .. }
            | Self::Csv { .. }
            | Self::Npy { .. }
            | Self::Share { .. }
            | Self::Points { .. }
            | Self::Covariance { .. } => None,
        }
    }
}

/// Recognises a whole row of numbers in one field.
fn text_hint(text: &str) -> Option<&'static str> {
    let mut parts = text.split([';', ' ', '\t', ',']).filter(|part| !part.is_empty());
    if parts.all(|part| part.parse::<f64>().is_ok()) {
        Some("fields are separated by commas in .csv and by tabs in .tsv, decimals by a point")
    } else {
        Some("`--columns` chooses the columns that hold numbers")
    }
}
