//! From what size on processes pay.

use std::str::FromStr;

use parzen_worker::kernel::Width;
use serde::Serialize;

use super::{Backend, Case, Measurement, PoolState, Sharing};
use crate::input::{SpecError, Widths};

/// The most that processes may take over threads to have caught up with them: 5 %.
pub const NEAR: f64 = 1.05;

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// The number of samples.
    N,
    /// The number of widths.
    Widths,
    /// The number of workers.
    Workers,
}

impl Axis {
    /// What it is called on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::N => "n",
            Self::Widths => "widths",
            Self::Workers => "workers",
        }
    }
}

/// What to vary and over which numbers, as typed: `n=geomspace:1e3:1e6:7`.
///
/// ```
/// use parzen::bench::{Axis, SweepSpec};
///
/// let spec: SweepSpec = "n=geomspace:1000:10000:3".parse()?;
/// assert_eq!((spec.axis, spec.values), (Axis::N, vec![1000, 3162, 10_000]));
/// # Ok::<(), parzen::bench::SweepError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SweepSpec {
    /// What.
    pub axis: Axis,
    /// Ascending, each once, at least 1.
    pub values: Vec<u64>,
}

/// Why a sweep is not one.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// There is no `=`, or something else before it.
    #[error("expected `n=SPEC`, `widths=SPEC` or `workers=SPEC`, such as `n=geomspace:1e3:1e6:7`")]
    Axis,
    /// The numbers are none.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A number that rounds to 0, or is far too large.
    #[error("{0} is not a size: expected numbers from 1 to 1e15")]
    Size(f64),
}

impl FromStr for SweepSpec {
    type Err = SweepError;

    fn from_str(text: &str) -> Result<Self, SweepError> {
        let (axis, spec) = text.split_once('=').ok_or(SweepError::Axis)?;
        let axis = match axis.trim() {
            "n" => Axis::N,
            "widths" => Axis::Widths,
            "workers" => Axis::Workers,
            _ => return Err(SweepError::Axis),
        };
        let numbers: Widths = spec.parse().map_err(|error| match error {
            // It is spaced as widths are, but is none.
            SpecError::NotAWidth { h, .. } => SweepError::Size(h),
            error => SweepError::Spec(error),
        })?;
        let numbers = numbers.into_vec().into_iter().map(Width::h);
        let mut values = numbers.map(whole).collect::<Result<Vec<u64>, _>>()?;
        values.dedup();
        Ok(Self { axis, values })
    }
}

fn whole(number: f64) -> Result<u64, SweepError> {
    let rounded = number.round();
    if !(1.0..=1e15).contains(&rounded) {
        return Err(SweepError::Size(number));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number, 1 to 1e15"
    )]
    Ok(rounded as u64)
}

/// A sweep and what it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sweep {
    /// What was varied.
    pub axis: Axis,
    /// Over which numbers.
    pub values: Vec<u64>,
    /// From where on processes pay.
    pub break_even: Vec<BreakEven>,
}

/// From where on processes pay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BreakEven {
    /// How many of them; `None` if that is what was varied.
    pub workers: Option<u32>,
    /// Whether starting them is part of it.
    pub pool: PoolState,
    /// From where on they are faster than serial.
    pub beats_serial: Crossing,
    /// From where on they take at most 5 % more than equally many threads.
    pub nears_threads: Crossing,
}

/// From where on something holds, for all that was measured from there on.
///
/// It holds where the whole interval says so; where chance could have made the difference it does
/// not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "found", content = "value")]
pub enum Crossing {
    /// From this value on, not at the one before.
    From(u64),
    /// At every value; this is the first.
    Everywhere(u64),
    /// Not at the last value, so not within the range.
    NotInRange,
    /// It was not measured.
    Unknown,
}

impl Crossing {
    /// From where on something holds that was found to hold, or not, at ascending values.
    #[must_use]
    pub fn of(found: &[(u64, Option<bool>)]) -> Self {
        if found.is_empty() || found.iter().all(|(_, holds)| holds.is_none()) {
            return Self::Unknown;
        }
        let holding = found.iter().rev().take_while(|(_, holds)| *holds == Some(true)).count();
        match found.len() - holding {
            0 => Self::Everywhere(found[0].0),
            first if first < found.len() => Self::From(found[first].0),
            _ => Self::NotInRange,
        }
    }
}

impl Sweep {
    /// Finds where processes begin to pay. Over numbers of workers there is one measurement, else
    /// one for each value, as far as it came.
    #[must_use]
    pub fn new(spec: SweepSpec, measurements: &[Measurement]) -> Self {
        let SweepSpec { axis, values } = spec;
        let break_even = match axis {
            Axis::Workers => [PoolState::Fresh, PoolState::Warm]
                .into_iter()
                .map(|pool| over_workers(measurements, pool))
                .collect(),
            Axis::N | Axis::Widths => process_cases(measurements)
                .into_iter()
                .map(|case| over_sizes(&values, measurements, case))
                .collect(),
        };
        Self { axis, values, break_even }
    }
}

/// All cases of processes that share samples, each once.
fn process_cases(measurements: &[Measurement]) -> Vec<Case> {
    let mut cases = Vec::new();
    for case in measurements.iter().flat_map(|one| &one.cases).map(|summary| summary.case) {
        let shares = case.backend == Backend::Processes && case.sharing == Sharing::Once;
        if shares && !cases.contains(&case) {
            cases.push(case);
        }
    }
    cases
}

fn over_sizes(values: &[u64], measurements: &[Measurement], case: Case) -> BreakEven {
    let found = |holds: fn(&Measurement, Case) -> Option<bool>| -> Crossing {
        let found = values.iter().zip(measurements).map(|(&value, one)| (value, holds(one, case)));
        Crossing::of(&found.collect::<Vec<_>>())
    };
    BreakEven {
        workers: Some(case.workers),
        pool: case.pool,
        beats_serial: found(beats_serial),
        nears_threads: found(nears_threads),
    }
}

fn over_workers(measurements: &[Measurement], pool: PoolState) -> BreakEven {
    let found = |holds: fn(&Measurement, Case) -> Option<bool>| -> Crossing {
        let of_pool = |one: &Measurement| -> Vec<(u64, Option<bool>)> {
            let mut cases = process_cases(std::slice::from_ref(one));
            cases.retain(|case| case.pool == pool);
            cases.sort_by_key(|case| case.workers);
            cases.into_iter().map(|case| (u64::from(case.workers), holds(one, case))).collect()
        };
        Crossing::of(&measurements.first().map(of_pool).unwrap_or_default())
    };
    BreakEven {
        workers: None,
        pool,
        beats_serial: found(beats_serial),
        nears_threads: found(nears_threads),
    }
}

fn beats_serial(measurement: &Measurement, case: Case) -> Option<bool> {
    Some(measurement.case(case)?.speedup?.is_surely_above(1.0))
}

fn nears_threads(measurement: &Measurement, case: Case) -> Option<bool> {
    Some(measurement.case(case)?.over_threads?.is_surely_at_most(NEAR))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifications_are_rounded_to_whole_numbers() {
        let check = |text: &str, axis, values: &[u64]| {
            let spec = SweepSpec { axis, values: values.to_vec() };
            assert_eq!(text.parse(), Ok(spec), "{text}");
        };
        check("n=geomspace:1e3:1e6:4", Axis::N, &[1000, 10_000, 100_000, 1_000_000]);
        check("n=5,3,3.4", Axis::N, &[3, 5]);
        check("widths=linspace:1:2:5", Axis::Widths, &[1, 2]);
        check(" workers = 4,2,1", Axis::Workers, &[1, 2, 4]);
        for text in ["", "n", "1,2", "d=1,2", "=1"] {
            assert_eq!(text.parse::<SweepSpec>(), Err(SweepError::Axis), "{text}");
        }
        assert_eq!("n=0.1".parse::<SweepSpec>(), Err(SweepError::Size(0.1)));
        assert_eq!("n=1e16".parse::<SweepSpec>(), Err(SweepError::Size(1e16)));
        assert!(matches!("n=x".parse::<SweepSpec>(), Err(SweepError::Spec(_))));
    }

    #[test]
    fn a_crossing_must_hold_to_the_end() {
        let check = |holds: &[Option<bool>], expected| {
            let found: Vec<_> = (1..).zip(holds.iter().copied()).collect();
            assert_eq!(Crossing::of(&found), expected, "{holds:?}");
        };
        let (yes, no) = (Some(true), Some(false));
        check(&[], Crossing::Unknown);
        check(&[None, None], Crossing::Unknown);
        check(&[yes], Crossing::Everywhere(1));
        check(&[no], Crossing::NotInRange);
        check(&[yes, yes, yes], Crossing::Everywhere(1));
        check(&[no, no, yes], Crossing::From(3));
        check(&[yes, no, yes, yes], Crossing::From(3));
        check(&[yes, yes, no], Crossing::NotInRange);
        check(&[no, None, yes], Crossing::From(3));
        check(&[yes, None], Crossing::NotInRange);
    }
}
