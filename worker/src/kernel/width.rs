//! Window widths.

use serde::{Deserialize, Serialize};

/// A window width `h`: finite and positive.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Width(f64);

/// A number that is no width.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("a window width must be finite and greater than 0, not {0}")]
pub struct WidthError(pub f64);

impl TryFrom<f64> for Width {
    type Error = WidthError;

    fn try_from(h: f64) -> Result<Self, WidthError> {
        if h.is_finite() && 0.0 < h { Ok(Self(h)) } else { Err(WidthError(h)) }
    }
}

impl From<Width> for f64 {
    fn from(width: Width) -> Self {
        width.0
    }
}

impl Width {
    /// The number itself.
    #[must_use]
    pub fn h(self) -> f64 {
        self.0
    }
}
