//! Values of options that are more than a number or a name.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    str::FromStr,
    time::Duration,
};

use crate::commands::estimate::Workers;

/// More workers than this are a slip of the finger, not a machine.
pub(crate) const MAX_WORKERS: u32 = 1024;

/// The longest time that can be asked for: a year.
const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Why a value was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("expected `auto` or a number from 1 to {MAX_WORKERS}")]
    Workers,
    #[error("expected `auto` or a number of rows, at least 1")]
    ChunkRows,
    #[error("expected a whole number, at least 1")]
    Count,
    #[error("expected seconds or a time such as `500ms`, `2s`, `1.5m` or `1h`")]
    Duration,
    #[error("expected a time longer than 0 and at most a year")]
    DurationRange,
}

/// `--workers`.
pub(crate) fn workers(text: &str) -> Result<Workers, ValueError> {
    if text == "auto" { Ok(Workers::Auto) } else { worker_count(text).map(Workers::Exactly) }
}

/// `--workers` where it must be a number.
pub(crate) fn worker_count(text: &str) -> Result<NonZeroU32, ValueError> {
    match text.parse::<NonZeroU32>() {
        Ok(n) if n.get() <= MAX_WORKERS => Ok(n),
        Ok(_) | Err(_) => Err(ValueError::Workers),
    }
}

/// A count that cannot be 0: `T` is one of the non-zero types.
pub(crate) fn at_least_one<T: FromStr>(text: &str) -> Result<T, ValueError> {
    text.parse().map_err(|_| ValueError::Count)
}

/// `--chunk-rows`: `None` is `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkRows(pub(crate) Option<NonZeroUsize>);

/// `--chunk-rows`.
pub(crate) fn chunk_rows(text: &str) -> Result<ChunkRows, ValueError> {
    if text == "auto" {
        return Ok(ChunkRows(None));
    }
    text.parse().map(|rows| ChunkRows(Some(rows))).map_err(|_| ValueError::ChunkRows)
}

/// A time: a number with a unit, or of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, ValueError> {
    let split = text.find(|c: char| c.is_ascii_alphabetic() || c == 'µ').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit_s = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(ValueError::Duration),
    };
    let number: f64 = number.trim().parse().map_err(|_| ValueError::Duration)?;
    match Duration::try_from_secs_f64(number * unit_s) {
        Ok(duration) if !duration.is_zero() && duration <= MAX_DURATION => Ok(duration),
        Ok(_) | Err(_) => Err(ValueError::DurationRange),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let millis = |n| Ok(Duration::from_millis(n));
        for (text, expected) in [
            ("10", millis(10_000)),
            ("0.25", millis(250)),
            ("500ms", millis(500)),
            ("2s", millis(2_000)),
            ("1.5m", millis(90_000)),
            ("1 h", millis(3_600_000)),
            ("1500us", Ok(Duration::from_micros(1500))),
            ("0", Err(ValueError::DurationRange)),
            ("0ms", Err(ValueError::DurationRange)),
            ("-1s", Err(ValueError::DurationRange)),
            ("nan", Err(ValueError::Duration)),
            ("1e99", Err(ValueError::Duration)),
            ("99999h", Err(ValueError::DurationRange)),
            ("", Err(ValueError::Duration)),
            ("s", Err(ValueError::Duration)),
            ("3 days", Err(ValueError::Duration)),
        ] {
            assert_eq!(duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn workers_are_at_least_one() {
        let exactly = |n| Ok(Workers::Exactly(NonZeroU32::new(n).unwrap()));
        for (text, expected) in [
            ("auto", Ok(Workers::Auto)),
            ("1", exactly(1)),
            ("1024", exactly(1024)),
            ("1025", Err(ValueError::Workers)),
            ("0", Err(ValueError::Workers)),
            ("-1", Err(ValueError::Workers)),
            ("two", Err(ValueError::Workers)),
            ("", Err(ValueError::Workers)),
        ] {
            assert_eq!(workers(text), expected, "{text:?}");
        }
    }

    #[test]
    fn chunks_have_rows() {
        assert_eq!(chunk_rows("auto"), Ok(ChunkRows(None)));
        assert_eq!(chunk_rows("7"), Ok(ChunkRows(NonZeroUsize::new(7))));
        assert_eq!(chunk_rows("0"), Err(ValueError::ChunkRows));
    }
}
