//! Faults ordered at random, so that anyone can see what a pool makes of them.

use std::{str::FromStr, time::Duration};

use rand::{RngExt, SeedableRng, rngs::ChaCha12Rng};

/// How often workers are killed and stopped at random, and by which random numbers.
///
/// With each job that a worker is given it is decided whether that worker is struck, and how long
/// after, from the seed and the number of the assignment alone: the same seed gives the same
/// decisions. A blow may come in the middle of the job, between jobs, or when there is none. It is
/// a real SIGKILL or SIGSTOP, but no job is charged with it: as long as not every blow falls, all
/// results are what they are without.
///
/// As text it is such as `kill=0.01,stop=0.001,seed=7`; what is left out is 0.
///
/// ```
/// use parzen::pool::Chaos;
///
/// let chaos: Chaos = "kill=0.01,seed=7".parse()?;
/// assert_eq!(chaos, Chaos::new(0.01, 0.0, 7)?);
/// # Ok::<(), parzen::pool::ChaosError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chaos {
    kill: f64,
    stop: f64,
    seed: u64,
}

/// What is no [`Chaos`].
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChaosError {
    /// Something other than a list of what there is, each once.
    #[error("`{0}` is none of `kill=P`, `stop=P` and `seed=N`, each at most once")]
    Entry(String),
    /// A value that is not a number of its kind.
    #[error("`{value}` is no {needed} for `{name}`")]
    Value {
        /// What it is for.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is needed.
        needed: &'static str,
    },
    /// With these no job might ever end.
    #[error("`kill` and `stop` are probabilities from 0 that add up to less than 1")]
    Range,
}

/// What happens to a worker that was given a job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Strike {
    /// How long after.
    pub(super) after: Duration,
    pub(super) blow: Blow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Blow {
    Kill,
    /// It goes on after this time.
    Stop(Duration),
}

/// The longest stop. Short against any time limit.
const LONGEST_STOP: Duration = Duration::from_millis(20);

/// Blows come up to this many doublings of a microsecond after the job was given, 16 ms, as many in
/// one doubling as in the next: so they meet short jobs and long ones in all their phases.
const DOUBLINGS: f64 = 14.0;

impl Chaos {
    /// Each job that is given to a worker has that worker killed with probability `kill`, or stopped
    /// for up to 20 ms with probability `stop`, as random numbers from `seed` will have it.
    ///
    /// # Errors
    ///
    /// Fails if they are not probabilities, or add up to 1, with which no job might ever end.
    pub fn new(kill: f64, stop: f64, seed: u64) -> Result<Self, ChaosError> {
        let is_right = 0.0 <= kill && 0.0 <= stop && kill + stop < 1.0;
        if is_right { Ok(Self { kill, stop, seed }) } else { Err(ChaosError::Range) }
    }

    /// What happens to the worker that is given a job as number `assignment`.
    pub(super) fn strike(&self, assignment: u64) -> Option<Strike> {
        let mut rng = ChaCha12Rng::seed_from_u64(self.seed);
        rng.set_stream(assignment);
        let (lot, when, how_long): (f64, f64, f64) = (rng.random(), rng.random(), rng.random());
        let blow = if lot < self.kill {
            Blow::Kill
        } else if lot < self.kill + self.stop {
            Blow::Stop(LONGEST_STOP.mul_f64(how_long))
        } else {
            return None;
        };
        let after = Duration::from_micros(1).mul_f64((when * DOUBLINGS).exp2());
        Some(Strike { after, blow })
    }
}

impl FromStr for Chaos {
    type Err = ChaosError;

    fn from_str(text: &str) -> Result<Self, ChaosError> {
        let (mut kill, mut stop, mut seed) = (None, None, None);
        for entry in text.split(',') {
            let unknown = || ChaosError::Entry(entry.to_owned());
            let (name, value) = entry.trim().split_once('=').ok_or_else(unknown)?;
            let is_first = match name {
                "kill" => kill.replace(number("kill", value, "probability")?).is_none(),
                "stop" => stop.replace(number("stop", value, "probability")?).is_none(),
                "seed" => seed.replace(number("seed", value, "whole number")?).is_none(),
                _ => false,
            };
            if !is_first {
                return Err(unknown());
            }
        }
        Self::new(kill.unwrap_or(0.0), stop.unwrap_or(0.0), seed.unwrap_or(0))
    }
}

fn number<T: FromStr>(
    name: &'static str,
    value: &str,
    needed: &'static str,
) -> Result<T, ChaosError> {
    let refused = |_| ChaosError::Value { name, value: value.to_owned(), needed };
    value.parse().map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read() {
        let check = |text: &str, expected: (f64, f64, u64)| {
            let (kill, stop, seed) = expected;
            assert_eq!(text.parse(), Ok(Chaos { kill, stop, seed }), "{text}");
        };
        check("kill=0.01,stop=0.001,seed=7", (0.01, 0.001, 7));
        check("seed=7, kill=0.5", (0.5, 0.0, 7));
        check("stop=0", (0.0, 0.0, 0));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_right() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Chaos>().unwrap_err().to_string(), expected);
        };
        let accepted = "is none of `kill=P`, `stop=P` and `seed=N`, each at most once";
        for text in ["", "kill", "maim=0.1", "kill=0.1,kill=0.1"] {
            let entry = text.rsplit(',').next().unwrap();
            check(text, &format!("`{entry}` {accepted}"));
        }
        check("kill=often", "`often` is no probability for `kill`");
        check("kill=0.1,seed=-1", "`-1` is no whole number for `seed`");
        let range = "`kill` and `stop` are probabilities from 0 that add up to less than 1";
        for text in ["kill=1", "stop=-0.1", "kill=0.6,stop=0.4", "kill=NaN", "stop=inf"] {
            check(text, range);
        }
    }

    #[test]
    fn blows_are_as_frequent_as_ordered_and_can_be_had_again() {
        let chaos = Chaos::new(0.25, 0.125, 3).unwrap();
        let strikes: Vec<_> = (0..10_000).map(|assignment| chaos.strike(assignment)).collect();
        assert!((0..10_000).all(|n| chaos.strike(n as u64) == strikes[n]));
        let kills = strikes.iter().flatten().filter(|strike| strike.blow == Blow::Kill).count();
        let stops = strikes.iter().flatten().count() - kills;
        // More than six standard deviations to either side.
        assert!((2200..2800).contains(&kills) && (1030..1470).contains(&stops), "{kills} {stops}");
        let is_soon = |strike: &Strike| strike.after <= Duration::from_millis(17);
        assert!(strikes.iter().flatten().all(is_soon));
        let early = strikes.iter().flatten().filter(|s| s.after < Duration::from_micros(128));
        assert!((1500..2200).contains(&early.count()));
        let other = Chaos::new(0.25, 0.125, 4).unwrap();
        assert!((0..100).any(|n| other.strike(n) != chaos.strike(n)));
    }
}
