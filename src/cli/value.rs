//! Values of options that are more than a number or a name.

use std::{
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
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
    #[error("expected a number from 1 to {MAX_WORKERS}")]
    WorkerCount,
    #[error("expected `auto` or a number of rows from 1 to {}", usize::MAX)]
    ChunkRows,
    #[error("expected a whole number from {least} to {most}")]
    Whole { least: u64, most: u64 },
    #[error("expected a number")]
    Number,
    #[error("expected seconds or a time such as `500ms`, `2s`, `1.5m` or `1h`")]
    Duration,
    #[error("expected a time longer than 0 and at most a year")]
    DurationRange,
    #[error("expected numbers from 1 to {MAX_WORKERS}, such as `2,4`")]
    WorkerList,
    #[error("expected a share from 0 to 1, or in percent, such as `5%`")]
    Share,
}

/// `--workers`.
pub(crate) fn workers(text: &str) -> Result<Workers, ValueError> {
    if text == "auto" {
        return Ok(Workers::Auto);
    }
    worker_count(text).map(Workers::Exactly).map_err(|_| ValueError::Workers)
}

/// `--workers` where it must be a number.
pub(crate) fn worker_count(text: &str) -> Result<NonZeroU32, ValueError> {
    match text.parse::<NonZeroU32>() {
        Ok(n) if n.get() <= MAX_WORKERS => Ok(n),
        Ok(_) | Err(_) => Err(ValueError::WorkerCount),
    }
}

/// Different numbers of workers, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerList(pub(crate) Vec<NonZeroU32>);

/// Several numbers of workers.
pub(crate) fn worker_list(text: &str) -> Result<WorkerList, ValueError> {
    let number = |text: &str| match text.trim().parse::<NonZeroU32>() {
        Ok(n) if n.get() <= MAX_WORKERS => Ok(n),
        Ok(_) | Err(_) => Err(ValueError::WorkerList),
    };
    let mut list = text.split(',').map(number).collect::<Result<Vec<_>, _>>()?;
    list.sort_unstable();
    list.dedup();
    Ok(WorkerList(list))
}

/// A share of a whole, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

/// A share, or a percentage.
pub(crate) fn share(text: &str) -> Result<Share, ValueError> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(percentage) => (percentage.trim_end(), 0.01),
        None => (text.trim(), 1.0),
    };
    match number.parse::<f64>().map(|number| number * unit) {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(Share(share)),
        Ok(_) | Err(_) => Err(ValueError::Share),
    }
}

/// A type of whole numbers.
pub(crate) trait Whole: FromStr {
    const LEAST: u64;
    const MOST: u64;
}

macro_rules! whole_types {
    ($($type:ty),*) => {
        $(impl Whole for $type {
            const LEAST: u64 = <$type>::MIN as u64;
            const MOST: u64 = <$type>::MAX as u64;
        })*
    };
}

macro_rules! non_zero_types {
    ($($type:ty),*) => {
        $(impl Whole for $type {
            const LEAST: u64 = <$type>::MIN.get() as u64;
            const MOST: u64 = <$type>::MAX.get() as u64;
        })*
    };
}

whole_types!(u32, u64);
non_zero_types!(NonZeroU32, NonZeroU64, NonZeroUsize);

/// A count or a seed.
pub(crate) fn whole<T: Whole>(text: &str) -> Result<T, ValueError> {
    text.parse().map_err(|_| ValueError::Whole { least: T::LEAST, most: T::MOST })
}

/// Any number; whether it makes sense is seen later.
pub(crate) fn number(text: &str) -> Result<f64, ValueError> {
    text.parse().map_err(|_| ValueError::Number)
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
        assert_eq!(worker_count("1").map(NonZeroU32::get), Ok(1));
        for text in ["0", "auto", "1025"] {
            let error = worker_count(text).unwrap_err();
            assert_eq!(error.to_string(), "expected a number from 1 to 1024", "{text}");
        }
    }

    #[test]
    fn lists_of_workers_are_sorted() {
        let list = |text| worker_list(text).map(|list| list.0.iter().map(|n| n.get()).collect());
        assert_eq!(list("6, 2,3,2"), Ok(vec![2, 3, 6]));
        for text in ["", "0", "1,", "auto", "1025", "-1"] {
            assert_eq!(list(text), Err(ValueError::WorkerList), "{text:?}");
        }
    }

    #[test]
    fn shares_may_be_percentages() {
        for (text, expected) in [("0.05", 0.05), ("5%", 0.05), ("100 %", 1.0), ("0", 0.0)] {
            assert_eq!(share(text), Ok(Share(expected)), "{text:?}");
        }
        for text in ["", "5", "-1%", "nan", "101%", "%"] {
            assert_eq!(share(text), Err(ValueError::Share), "{text:?}");
        }
    }

    #[test]
    fn chunks_have_rows() {
        assert_eq!(chunk_rows("auto"), Ok(ChunkRows(None)));
        assert_eq!(chunk_rows("7"), Ok(ChunkRows(NonZeroUsize::new(7))));
        assert_eq!(chunk_rows("0"), Err(ValueError::ChunkRows));
    }

    #[test]
    fn both_bounds_of_whole_numbers_are_told() {
        assert_eq!(whole::<u32>("0"), Ok(0));
        assert_eq!(whole::<u64>("18446744073709551615"), Ok(u64::MAX));
        fn check<T: Whole + std::fmt::Debug>(text: &str, range: &str) {
            let expected = format!("expected a whole number from {range}");
            assert_eq!(whole::<T>(text).unwrap_err().to_string(), expected);
        }
        check::<u32>("4294967296", "0 to 4294967295");
        check::<NonZeroU32>("0", "1 to 4294967295");
        check::<u64>("x", "0 to 18446744073709551615");
        check::<NonZeroU64>("", "1 to 18446744073709551615");
        let error = chunk_rows("99999999999999999999").unwrap_err();
        assert!(error.to_string().ends_with("from 1 to 18446744073709551615"), "{error}");
    }
}
