//! What the rounds say together: figures for each case, and how cases compare.

use serde::Serialize;

use super::{
    Backend, Case, Machine, Outline, PoolState, Repeated, Round, Session, Settings, Sharing, Sweep,
    stats::{Amdahl, Estimate, Outlier, Spread, amdahl, karp_flatt, outliers, ratio},
};

/// A whole benchmark.
#[derive(Clone, Debug, Serialize)]
pub struct Benchmark {
    /// Where it ran.
    pub machine: Machine,
    /// How it was measured.
    pub settings: Settings,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Whether the use of the machine by others could be seen.
    pub sees_others: bool,
    /// One, or one for each size of a sweep, as far as it came.
    pub measurements: Vec<Measurement>,
    /// Over what was swept, and what was found, if anything was.
    pub sweep: Option<Sweep>,
    /// A round in which each width has jobs of its own, to show in which order results arrive; not
    /// one of the figures.
    pub order: Option<Round>,
}

/// All cases on the same samples, points and widths.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// What was estimated.
    pub subject: Outline,
    /// Each case that has rounds, in the order asked for.
    pub cases: Vec<CaseSummary>,
    /// How each backend scales with its workers.
    pub scaling: Vec<Scaling>,
    /// Rounds that count, in the order in which they were run.
    pub rounds: Vec<Round>,
    /// Rounds that do not.
    pub repeated: Vec<Repeated>,
}

/// The rounds of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseSummary {
    /// Which case.
    pub case: Case,
    /// Whole times in nanoseconds.
    pub wall_ns: Spread,
    /// Rounds, by their index among those of this case, that took much longer or shorter.
    pub outliers: Vec<Outlier>,
    /// Rounds that count although others used the machine.
    pub busy: usize,
    /// Serial time divided by time. `None` if serial was not measured.
    pub speedup: Option<Estimate>,
    /// Speed-up divided by the number of workers.
    pub efficiency: Option<Estimate>,
    /// Karp and Flatt's serial fraction.
    pub serial_fraction: Option<Estimate>,
    /// Time divided by that of equally many threads; for processes.
    pub over_threads: Option<Estimate>,
    /// Time divided by that of the same with the samples shared once; for copies per job.
    pub over_shared_once: Option<Estimate>,
    /// Index in [`Measurement::rounds`] of the round whose time is the median, or next below it. Its
    /// parts are shown where one of each is: they add up, which medians of parts do not.
    pub typical: usize,
    /// The most that parts of a round differ from its whole, as a share of it.
    pub worst_deviation: f64,
}

/// How a backend scales.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scaling {
    /// Which backend.
    pub backend: Backend,
    /// Whether starting is part of it.
    pub pool: PoolState,
    /// The numbers of workers that the fit used: no more than there are cores, and serial as one.
    pub workers: Vec<u32>,
    /// Amdahl's law fitted to it.
    pub amdahl: Amdahl,
}

impl Measurement {
    /// Sums up the rounds of a session. `cores` is how many workers can run at a time.
    #[must_use]
    pub fn new(
        subject: Outline,
        cases: &[Case],
        session: Session,
        settings: &Settings,
        cores: usize,
    ) -> Self {
        let Session { rounds, repeated, .. } = session;
        let rounds_of = Rounds { rounds: &rounds, settings };
        let summaries: Vec<_> = cases.iter().filter_map(|&case| rounds_of.summary(case)).collect();
        let scaling = rounds_of.scaling(cases, cores);
        Self { subject, cases: summaries, scaling, rounds, repeated }
    }

    /// The summary of `case`, if it has rounds.
    #[must_use]
    pub fn case(&self, case: Case) -> Option<&CaseSummary> {
        self.cases.iter().find(|summary| summary.case == case)
    }

    /// The round to show for a case.
    #[must_use]
    pub fn typical(&self, summary: &CaseSummary) -> Option<&Round> {
        self.rounds.get(summary.typical)
    }
}

/// Rounds to be summed up.
struct Rounds<'a> {
    rounds: &'a [Round],
    settings: &'a Settings,
}

impl Rounds<'_> {
    fn of(&self, case: Case) -> impl Iterator<Item = (usize, &Round)> {
        self.rounds.iter().enumerate().filter(move |(_, round)| round.case == case)
    }

    /// Times of `case`, by number of round.
    fn times(&self, case: Case) -> Vec<(u32, f64)> {
        let mut times: Vec<(u32, f64)> =
            self.of(case).map(|(_, round)| (round.round, round.wall_ns as f64)).collect();
        times.sort_by_key(|&(round, _)| round);
        times
    }

    /// Times of two cases: only of rounds that both have, if there are any, so that they are pairs.
    fn pairs(&self, one: Case, other: Case) -> (Vec<f64>, Vec<f64>) {
        let (one, other) = (self.times(one), self.times(other));
        let both: (Vec<f64>, Vec<f64>) = one
            .iter()
            .filter_map(|&(round, time)| {
                let &(_, paired) = other.iter().find(|&&(found, _)| found == round)?;
                Some((time, paired))
            })
            .unzip();
        if both.0.is_empty() {
            let times = |times: Vec<(u32, f64)>| times.into_iter().map(|(_, time)| time).collect();
            return (times(one), times(other));
        }
        both
    }

    fn ratio(&self, over: Case, under: Case) -> Option<Estimate> {
        let (over, under) = self.pairs(over, under);
        ratio(&over, &under, self.settings.seed)
    }

    fn summary(&self, case: Case) -> Option<CaseSummary> {
        let times: Vec<f64> = self.times(case).into_iter().map(|(_, time)| time).collect();
        let speedup = self.ratio(Case::SERIAL, case).filter(|_| case != Case::SERIAL);
        let is_process = case.backend == Backend::Processes;
        let copies = case.sharing == Sharing::PerJobCopy;
        let shared_once = Case { sharing: Sharing::Once, ..case };
        Some(CaseSummary {
            case,
            wall_ns: Spread::of(&times)?,
            outliers: outliers(&times),
            busy: self.of(case).filter(|(_, round)| self.settings.is_busy(round)).count(),
            speedup,
            efficiency: speedup.map(|speedup| speedup.scaled(1.0 / f64::from(case.workers))),
            serial_fraction: speedup.and_then(|speedup| karp_flatt(&speedup, case.workers)),
            over_threads: self.ratio(case, Case::threads(case.workers)).filter(|_| is_process),
            over_shared_once: self.ratio(case, shared_once).filter(|_| copies),
            typical: self.typical(case)?,
            worst_deviation: self.of(case).map(|(_, round)| round.deviation()).fold(0.0, f64::max),
        })
    }

    fn typical(&self, case: Case) -> Option<usize> {
        let mut rounds: Vec<(usize, &Round)> = self.of(case).collect();
        rounds.sort_by_key(|(_, round)| round.wall_ns);
        let middle = rounds.len().checked_sub(1)? / 2;
        rounds.get(middle).map(|&(idx, _)| idx)
    }

    fn scaling(&self, cases: &[Case], cores: usize) -> Vec<Scaling> {
        let kinds = [
            (Backend::Threads, PoolState::Fresh),
            (Backend::Processes, PoolState::Fresh),
            (Backend::Processes, PoolState::Warm),
        ];
        let scaling = kinds.into_iter().filter_map(|(backend, pool)| {
            let fits = |case: &&Case| {
                case.backend == backend
                    && case.pool == pool
                    && case.sharing == Sharing::Once
                    && 1 < case.workers
                    && case.workers as usize <= cores
            };
            let own = cases.iter().filter(fits);
            let times: Vec<(u32, Vec<f64>)> = [&Case::SERIAL]
                .into_iter()
                .chain(own)
                .map(|&case| {
                    let times = self.times(case).into_iter().map(|(_, time)| time);
                    (case.workers, times.collect::<Vec<f64>>())
                })
                .filter(|(_, times)| !times.is_empty())
                .collect();
            let workers = times.iter().map(|&(workers, _)| workers).collect();
            let amdahl = amdahl(&times, self.settings.seed)?;
            Some(Scaling { backend, pool, workers, amdahl })
        });
        scaling.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::session::tests::{round, settings};

    fn outline() -> Outline {
        Outline {
            samples: "x.csv".to_owned(),
            n: 10,
            d: 1,
            points: 1,
            widths: 2,
            width_range: (0.5, 1.0),
            method: "shared",
            jobs: 1,
            chunks: 1,
            sample_bytes: 80,
            mapped: false,
        }
    }

    fn measurement(times: &[(Case, &[u64])]) -> Measurement {
        let mut rounds = Vec::new();
        for &(case, times) in times {
            for (number, &time) in (0..).zip(times) {
                rounds.push(Round { round: number, ..round(case, time) });
            }
        }
        let cases: Vec<Case> = times.iter().map(|&(case, _)| case).collect();
        let session = Session { rounds, ..Session::default() };
        Measurement::new(outline(), &cases, session, &settings(3), 2)
    }

    #[test]
    fn known_times_give_known_figures() {
        let two = Case::threads(2);
        let fresh = Case::processes(2, PoolState::Fresh, Sharing::Once);
        let copying = Case::processes(2, PoolState::Fresh, Sharing::PerJobCopy);
        let found = measurement(&[
            (Case::SERIAL, &[100, 110, 120]),
            (two, &[50, 55, 60]),
            (fresh, &[100, 110, 120]),
            (copying, &[300, 330, 360]),
        ]);
        let serial = found.case(Case::SERIAL).unwrap();
        assert_eq!((serial.wall_ns.median, serial.speedup), (110.0, None));
        let threads = found.case(two).unwrap();
        assert_eq!(threads.speedup.unwrap().point, 2.0);
        assert_eq!(threads.efficiency.unwrap().point, 1.0);
        assert_eq!(threads.serial_fraction.unwrap().point, 0.0);
        assert_eq!(threads.over_threads, None);
        let processes = found.case(fresh).unwrap();
        assert_eq!(processes.over_threads.unwrap().point, 2.0);
        assert_eq!(processes.over_shared_once, None);
        assert_eq!(found.case(copying).unwrap().over_shared_once.unwrap().point, 3.0);
        assert_eq!(found.typical(threads).unwrap().wall_ns, 55);
        let fractions: Vec<f64> =
            found.scaling.iter().map(|s| s.amdahl.serial_fraction.point).collect();
        assert_eq!(fractions.len(), 2);
        assert!(fractions[0].abs() < 1e-12 && (fractions[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn without_serial_there_is_no_speedup() {
        let found = measurement(&[(Case::threads(2), &[50, 60])]);
        let threads = &found.cases[0];
        assert_eq!((threads.speedup, threads.efficiency), (None, None));
        assert!(found.scaling.is_empty());
    }

    #[test]
    fn one_round_has_no_interval_and_a_zero_time_no_ratio() {
        let found = measurement(&[(Case::SERIAL, &[100]), (Case::threads(2), &[50])]);
        let speedup = found.cases[1].speedup.unwrap();
        assert_eq!((speedup.point, speedup.interval), (2.0, None));
        let found = measurement(&[(Case::SERIAL, &[0]), (Case::threads(2), &[0])]);
        assert_eq!(found.cases[1].speedup, None);
    }

    #[test]
    fn a_case_whose_rounds_were_all_lost_is_left_out() {
        let found = measurement(&[(Case::SERIAL, &[100]), (Case::threads(2), &[])]);
        assert_eq!(found.cases.len(), 1);
    }

    #[test]
    fn only_rounds_that_both_have_are_pairs() {
        let found =
            measurement(&[(Case::SERIAL, &[100, 100, 1000]), (Case::threads(2), &[50, 50])]);
        assert_eq!(found.cases[1].speedup.unwrap().point, 2.0);
    }
}
