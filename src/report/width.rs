//! Widths as people read them.

/// `h` to six digits.
pub(super) fn short(h: f64) -> f64 {
    format!("{h:.5e}").parse().unwrap_or(h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arithmetic_left_over_is_not_shown() {
        for (h, expected) in [(0.1 + 0.2, "0.3"), (1e-7, "0.0000001"), (1.0 / 3.0, "0.333333")] {
            assert_eq!(short(h).to_string(), expected);
        }
    }
}
