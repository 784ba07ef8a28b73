//! Numbers as text.

use std::fmt;

/// Digits that the notebook shows.
const SIGNIFICANT: u8 = 12;

/// A number for people: at most 12 significant digits, as `%.12g` in C and Python.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Short(pub(crate) f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&short(self.0))
    }
}

fn short(x: f64) -> String {
    let scientific = format!("{x:.*e}", usize::from(SIGNIFICANT) - 1);
    // Infinity and NaN have no exponent.
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i16 = exponent.parse().unwrap_or(0);
    match usize::try_from(i16::from(SIGNIFICANT) - 1 - exponent) {
        Ok(decimals) if -5 < exponent => trim(&format!("{x:.decimals$}")).to_owned(),
        Ok(_) | Err(_) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
        }
    }
}

fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// A number for programs: the fewest digits that read back to the same bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact(pub(crate) f64);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `{}` would write 1e300 with all its zeros.
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_look_as_in_python() {
        // Expected: `'%.12g' % x`.
        for (x, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.30000000000000004, "0.3"),
            (0.0911666666666667, "0.0911666666667"),
            (0.16849999999999998, "0.1685"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (0.000123456789012345, "0.000123456789012"),
            (123456789012.0, "123456789012"),
            (1234567890123.0, "1.23456789012e+12"),
            (100000000000.0, "100000000000"),
            (999999999999.5, "1e+12"),
            (9.99999999999999e-5, "0.0001"),
            (1.7976931348623157e308, "1.79769313486e+308"),
            (5e-324, "4.94065645841e-324"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Short(x).to_string(), expected, "{x:?}");
        }
        assert_eq!(format!("{:>6}", Short(0.5)), "   0.5");
    }

    #[test]
    fn exact_numbers_read_back() {
        for x in [0.0, 0.1, 0.30000000000000004, 1e300, 5e-324, -1.0 / 3.0, 123456789.0, f64::MAX] {
            let text = Exact(x).to_string();
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), x.to_bits(), "{text}");
            assert!(text.len() < 26, "{text}");
        }
    }
}
