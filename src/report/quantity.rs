//! Quantities as people read them: three digits and a unit.

use crate::bench::stats::{Estimate, Interval};

const TIMES: [(f64, &str); 4] = [(1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns")];

const BYTES: [(f64, &str); 4] =
    [((1_u64 << 30) as f64, "GiB"), ((1_u64 << 20) as f64, "MiB"), (1024.0, "KiB"), (1.0, "B")];

/// A time, such as `1.23 ms`.
pub(super) fn time(ns: f64) -> String {
    with_unit(ns, &TIMES)
}

/// As [`time`], of a whole number.
pub(super) fn nanoseconds(ns: u64) -> String {
    time(ns as f64)
}

/// A number of bytes, such as `1.5 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    with_unit(bytes as f64, &BYTES)
}

fn with_unit(value: f64, units: &[(f64, &str); 4]) -> String {
    let (scale, unit) = units.iter().find(|(scale, _)| *scale <= value).unwrap_or(&units[3]);
    // A number of the smallest unit is whole.
    if *scale == 1.0 && value.fract() == 0.0 {
        return format!("{value} {unit}");
    }
    format!("{} {unit}", digits(value / scale))
}

/// A number with three significant digits, but all of those before the point.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{value:.1e}"),
        size if size < 0.0995 => format!("{value:.3}"),
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// A share in percent, such as `12 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent.abs() {
        0.0 => "0 %".to_owned(),
        size if size < 0.095 => "< 0.1 %".to_owned(),
        size if size < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// `low to high`, or nothing.
pub(super) fn interval(estimate: &Estimate) -> String {
    let text = |Interval { low, high }| format!("{} to {}", digits(low), digits(high));
    estimate.interval.map(text).unwrap_or_default()
}

/// `one thing`, `two things`.
pub(super) fn count(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        for (ns, expected) in [
            (0.0, "0 ns"),
            (12.0, "12 ns"),
            (12.5, "12.5 ns"),
            (1_234.0, "1.23 µs"),
            (99_960.0, "100 µs"),
            (12_345_678.0, "12.3 ms"),
            (1e9, "1.00 s"),
            (123.4e9, "123 s"),
            (12_345e9, "12345 s"),
        ] {
            assert_eq!(time(ns), expected, "{ns}");
        }
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(160_000), "156 KiB");
        assert_eq!(bytes(5 << 20), "5.00 MiB");
    }

    #[test]
    fn shares_and_ratios() {
        for (share, expected) in
            [(0.0, "0 %"), (0.0005, "< 0.1 %"), (0.012, "1.2 %"), (0.5, "50 %"), (1.234, "123 %")]
        {
            assert_eq!(percent(share), expected);
        }
        for (value, expected) in
            [(0.0, "0"), (1e-6, "1.0e-6"), (0.0123, "0.012"), (0.5, "0.50"), (12.34, "12.3")]
        {
            assert_eq!(digits(value), expected);
        }
        assert_eq!(
            (count(1, "round").as_str(), count(2, "round").as_str()),
            ("1 round", "2 rounds")
        );
    }
}
