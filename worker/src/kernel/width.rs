//! Window widths.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// A window width `h`: finite and positive. Ordered by size.
///
/// ```
/// use parzen_worker::kernel::Width;
///
/// assert_eq!(Width::try_from(0.5)?.h(), 0.5);
/// assert!(Width::try_from(0.0).is_err());
/// # Ok::<(), parzen_worker::kernel::WidthError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
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

// No width is NaN, so the order is total.
impl Eq for Width {}

impl Ord for Width {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Width {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Width {
    /// The number itself.
    #[must_use]
    pub fn h(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_positive_numbers_are_widths() {
        for h in [f64::from_bits(1), f64::MIN_POSITIVE, 0.1, f64::MAX] {
            assert_eq!(Width::try_from(h).unwrap().h(), h);
        }
        for h in [0.0, -0.0, -1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let error = Width::try_from(h).unwrap_err();
            assert_eq!(error.0.to_bits(), h.to_bits());
        }
    }

    #[test]
    fn what_comes_over_a_wire_is_checked_too() {
        assert_eq!(serde_json::from_str::<Width>("0.25").unwrap().h(), 0.25);
        let error = serde_json::from_str::<Width>("-1.0").unwrap_err();
        assert!(error.to_string().starts_with("a window width must be finite"), "{error}");
    }
}
