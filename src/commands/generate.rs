//! `parzen generate`: random samples to order.

use std::io::{self, Write};

use crate::input::generate::{Recipe, write_npy, write_text};

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NumPy's `.npy`.
    Npy,
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
}

/// Writes the samples of `recipe`.
///
/// # Errors
///
/// Fails if `out` does.
pub fn run(recipe: &Recipe, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Npy => write_npy(recipe, out),
        Format::Csv => write_text(recipe, b',', out),
        Format::Tsv => write_text(recipe, b'\t', out),
    }
}
