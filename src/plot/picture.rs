//! A finished picture.

use std::path::Path;

/// Kinds of picture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines and words that stay sharp at any size.
    Svg,
    /// Pixels.
    Png,
}

impl Format {
    /// The format that a file's name asks for by its extension, `.svg` or `.png`.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

/// A picture file, in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The text of an SVG file.
    Svg(String),
    /// The bytes of a PNG file.
    Png(Vec<u8>),
}

impl Picture {
    /// What to write to a file.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Svg(text) => text.as_bytes(),
            Self::Png(bytes) => bytes,
        }
    }
}

/// Why there is no picture. The chart is never the reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The font in the program cannot be used.
    #[error("failed to read the font")]
    Font,
    /// Drawing failed.
    #[error("failed to draw: {0}")]
    Draw(String),
    /// Compressing failed.
    #[error("failed to encode the picture")]
    Encode(#[from] png::EncodingError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_says_the_format() {
        for (name, expected) in [
            ("x.svg", Some(Format::Svg)),
            ("dir.svg/x.PNG", Some(Format::Png)),
            ("x.jpg", None),
            ("svg", None),
            (".png", None),
        ] {
            assert_eq!(Format::of_file(Path::new(name)), expected, "{name}");
        }
    }
}
