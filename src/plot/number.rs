//! Numbers as labels.

/// A share in percent with two decimals, as the notebook writes it; nothing if it is none.
pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2}%", share * 100.0) } else { String::new() }
}

/// A number with as many digits as it needs, but at most six.
pub(super) fn compact(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return fixed(x, 0);
    }
    let exponent = exponent(x);
    if (-4..7).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        trim(&fixed(x, decimals)).to_owned()
    } else {
        scientific(x, 5, exponent)
    }
}

/// Labels of numbers that are `step` apart, all with the same number of decimals.
pub(super) fn ticks(values: &[f64], step: f64) -> Vec<String> {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest == 0.0 || !step.is_normal() {
        return values.iter().map(|&value| compact(value)).collect();
    }
    let step_exponent = exponent(step);
    // 2.5 has a digit more than 2 and 5.
    let is_quarter = ((step / 10f64.powi(step_exponent)) - 2.5).abs() < 1e-6;
    let last_digit = step_exponent - i32::from(is_quarter);
    let exponent = exponent(largest);
    let decimals = |exponent: i32| usize::try_from(exponent - last_digit).unwrap_or(0).min(12);
    if (-3..6).contains(&exponent) {
        return values.iter().map(|&value| fixed(value, decimals(0))).collect();
    }
    let label = |&value: &f64| match value {
        0.0 => fixed(0.0, 0),
        _ => {
            let mantissa = fixed(value / 10f64.powi(exponent), decimals(exponent));
            format!("{mantissa}×10{}", superscript(exponent))
        }
    };
    values.iter().map(label).collect()
}

/// The label of a number on a logarithmic axis.
pub(super) fn power(x: f64) -> String {
    let exponent = exponent(x);
    if (-3..5).contains(&exponent) { compact(x) } else { scientific(x, 2, exponent) }
}

/// The power of ten just below `x`.
fn exponent(x: f64) -> i32 {
    // The formatter rounds correctly, which a logarithm does not.
    let text = format!("{x:e}");
    text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

fn fixed(x: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", x.abs());
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if x < 0.0 && !is_zero { format!("−{text}") } else { text }
}

fn scientific(x: f64, decimals: usize, exponent: i32) -> String {
    let text = format!("{:.decimals$e}", x.abs());
    let mantissa = trim(text.split_once('e').map_or(&*text, |(mantissa, _)| mantissa));
    let sign = if x < 0.0 { "−" } else { "" };
    let power = superscript(exponent);
    if mantissa == "1" {
        format!("{sign}10{power}")
    } else {
        format!("{sign}{mantissa}×10{power}")
    }
}

fn superscript(exponent: i32) -> String {
    let raise = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    };
    exponent.to_string().chars().map(raise).collect()
}

fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percents() {
        assert_eq!(percent(1.834_23), "183.42%");
        assert_eq!(percent(1.0), "100.00%");
        assert_eq!(percent(f64::INFINITY), "");
        assert_eq!(percent(f64::NAN), "");
    }

    #[test]
    fn compact_numbers_have_no_more_digits_than_they_need() {
        for (x, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (0.30000000000000004, "0.3"),
            (-1.5, "−1.5"),
            (10_000.0, "10000"),
            (1e6, "1000000"),
            (2e7, "2×10⁷"),
            (1e-10, "10⁻¹⁰"),
            (-1.25e300, "−1.25×10³⁰⁰"),
            (3e-200, "3×10⁻²⁰⁰"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(compact(x), expected, "{x:e}");
        }
    }

    #[test]
    fn ticks_share_their_decimals() {
        let check = |values: &[f64], step: f64, expected: &[&str]| {
            assert_eq!(ticks(values, step), expected);
        };
        check(&[0.0, 0.25, 0.5], 0.25, &["0.00", "0.25", "0.50"]);
        check(&[-1.0, 0.0, 1.0], 1.0, &["−1", "0", "1"]);
        check(&[0.0, 2e-5, 4e-5], 2e-5, &["0", "2×10⁻⁵", "4×10⁻⁵"]);
        check(&[0.0, 2.5e7, 1e8], 2.5e7, &["0", "0.25×10⁸", "1.00×10⁸"]);
        check(&[1.0, 1.0 + 1e-9], 1e-9, &["1.000000000", "1.000000001"]);
        check(&[0.0], 0.0, &["0"]);
        check(&[], 1.0, &[]);
    }

    #[test]
    fn powers_are_written_as_such_when_large_or_small() {
        for (x, expected) in
            [(0.001, "0.001"), (1e-4, "10⁻⁴"), (20_000.0, "20000"), (1e5, "10⁵"), (5e5, "5×10⁵")]
        {
            assert_eq!(power(x), expected);
        }
    }
}
