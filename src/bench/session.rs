//! Runs all cases as planned, and keeps what counts.

use serde::Serialize;

use super::{Case, Decision, Plan, Repetition, Round, Verdict};
use crate::{estimate, pool::StartError};

/// How to measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Rounds that count.
    pub rounds: u32,
    /// Rounds before them that do not.
    pub warmup: u32,
    /// Rounds of one case that may be repeated because they were disturbed.
    pub max_repeats: u32,
    /// The share of the machine's cores, from 0 to 1, above which its use by others disturbs a
    /// round.
    pub max_foreign: f64,
    /// Where random orders and intervals begin.
    pub seed: u64,
}

impl Settings {
    fn repetition(&self) -> Repetition {
        let &Self { rounds, warmup, max_repeats, .. } = self;
        Repetition { rounds, warmup, max_repeats }
    }

    /// Whether others used so much of the machine that `round` says little.
    #[must_use]
    pub fn is_busy(&self, round: &Round) -> bool {
        self.max_foreign < round.foreign_share
    }
}

/// Who runs a round: this machine, or a script in tests.
pub trait Runner {
    /// Runs all jobs once, as `case` says.
    ///
    /// # Errors
    ///
    /// [`estimate::Error::Stopped`] if it was asked to stop; anything else ends the benchmark.
    fn run(&mut self, case: Case) -> Result<Round, Error>;

    /// Gives what disturbed a round time to go away.
    fn wait_for_calm(&mut self) {}

    /// Whether it can tell what others use.
    fn sees_others(&self) -> bool {
        true
    }
}

/// Why there is no benchmark.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two cases gave different results.
    #[error("`{case}` and `{reference}` give different results")]
    Disagree {
        /// The case that differed.
        case: Case,
        /// The case that was run first of all.
        reference: Case,
    },
    /// The workers of a case could not be started.
    #[error("failed to start the workers")]
    Start(#[source] StartError),
    /// A round failed.
    #[error(transparent)]
    Estimate(#[from] estimate::Error),
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        match error {
            // Nothing is wrong with the workers: whoever stopped them wanted no more rounds.
            StartError::Stopped => Self::Estimate(estimate::Error::Stopped),
            error => Self::Start(error),
        }
    }
}

/// A round that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Repeated {
    /// What was run.
    pub case: Case,
    /// Which round.
    pub round: u32,
    /// Place in the order in which rounds were run.
    pub order: u32,
    /// How long it took.
    pub wall_ns: u64,
    /// Share of the machine that others used.
    pub foreign_share: f64,
    /// Workers that died.
    pub lost: u32,
    /// Whether it was run again, rather than given up.
    pub again: bool,
}

/// What was measured.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Rounds that count, in the order in which they were run.
    pub rounds: Vec<Round>,
    /// Rounds that do not.
    pub repeated: Vec<Repeated>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// Whether the use of the machine by others could be seen.
    pub sees_others: bool,
}

/// How far a session is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Turns taken, the warm-up and repeats included.
    pub done: u64,
    /// Turns in all, as far as is known.
    pub all: u64,
    /// What was run last.
    pub case: Case,
}

/// Runs each of `cases` as often as `settings` say, in random order, and tells `observe` after each
/// round.
///
/// # Errors
///
/// [`Error::Disagree`] as soon as a result differs in a bit from that of the first round, warm-up
/// included. If the runner is stopped, what was measured until then is returned.
pub fn measure(
    cases: &[Case],
    settings: &Settings,
    runner: &mut dyn Runner,
    observe: &mut dyn FnMut(Progress),
) -> Result<Session, Error> {
    let mut plan = Plan::new(cases.len(), settings.repetition(), settings.seed);
    let mut session = Session { sees_others: runner.sees_others(), ..Session::default() };
    let mut reference: Option<(Case, u64)> = None;
    let (mut done, mut all) = (0, plan.n_turns());
    let mut order = 0;
    while let Some(turn) = plan.next() {
        let case = cases[turn.case];
        let mut round = match runner.run(case) {
            Ok(round) => round,
            Err(Error::Estimate(estimate::Error::Stopped)) => {
                session.interrupted = true;
                return Ok(session);
            }
            Err(error) => return Err(error),
        };
        let &mut (first, digest) = reference.get_or_insert((case, round.digest));
        if digest != round.digest {
            return Err(Error::Disagree { case, reference: first });
        }
        let verdict = match round.lost {
            0 if settings.is_busy(&round) => Verdict::Busy,
            0 => Verdict::Good,
            _ => Verdict::Lost,
        };
        let decision = plan.judge(turn, verdict);
        tracing::debug!(%case, ?turn, wall_ns = round.wall_ns, ?verdict, ?decision, "a round");
        round.round = turn.round.unwrap_or(0);
        round.order = order;
        order += u32::from(turn.round.is_some());
        match decision {
            Decision::Forget => {}
            Decision::Count => session.rounds.push(round),
            Decision::Repeat => {
                session.repeated.push(Repeated::of(&round, true));
                all += 1;
                runner.wait_for_calm();
            }
            Decision::GiveUp => session.repeated.push(Repeated::of(&round, false)),
        }
        done += 1;
        observe(Progress { done, all, case });
    }
    Ok(session)
}

impl Repeated {
    fn of(round: &Round, again: bool) -> Self {
        let &Round { case, round: number, order, wall_ns, foreign_share, lost, .. } = round;
        Self { case, round: number, order, wall_ns, foreign_share, lost, again }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::bench::Parts;

    pub(in crate::bench) fn settings(rounds: u32) -> Settings {
        Settings { rounds, warmup: 1, max_repeats: 2, max_foreign: 0.05, seed: 1 }
    }

    pub(in crate::bench) fn round(case: Case, wall_ns: u64) -> Round {
        Round {
            case,
            round: 0,
            order: 0,
            started_ns: 0,
            wall_ns,
            parts: Parts { work_ns: wall_ns, ..Parts::default() },
            compute_ns: wall_ns,
            idle_ns: 0,
            merge_ns: 0,
            traffic: None,
            workers: Vec::new(),
            jobs: Vec::new(),
            foreign_share: 0.0,
            lost: 0,
            digest: 7,
        }
    }

    /// Calls a function instead of running anything; it is told how many rounds there were before.
    struct Scripted<F> {
        script: F,
        n_run: u32,
        n_waits: u32,
    }

    impl<F: FnMut(Case, u32) -> Result<Round, Error>> Runner for Scripted<F> {
        fn run(&mut self, case: Case) -> Result<Round, Error> {
            self.n_run += 1;
            (self.script)(case, self.n_run - 1)
        }

        fn wait_for_calm(&mut self) {
            self.n_waits += 1;
        }
    }

    fn run(
        cases: &[Case],
        script: impl FnMut(Case, u32) -> Result<Round, Error>,
    ) -> Result<(Session, u32), Error> {
        let mut runner = Scripted { script, n_run: 0, n_waits: 0 };
        let mut last = None;
        let session =
            measure(cases, &settings(3), &mut runner, &mut |progress| last = Some(progress))?;
        if let Some(last) = last.filter(|_| !session.interrupted) {
            assert_eq!(last.done, last.all, "progress ends at its end");
        }
        Ok((session, runner.n_waits))
    }

    const CASES: [Case; 2] = [
        Case::SERIAL,
        Case { workers: 2, backend: crate::bench::Backend::Threads, ..Case::SERIAL },
    ];

    #[test]
    fn every_case_has_its_rounds() {
        let (session, waits) = run(&CASES, |case, _| Ok(round(case, 5))).unwrap();
        for case in CASES {
            let rounds = session.rounds.iter().filter(|round| round.case == case);
            assert_eq!(rounds.map(|round| round.round).collect::<Vec<_>>(), [0, 1, 2]);
        }
        let orders: Vec<_> = session.rounds.iter().map(|round| round.order).collect();
        assert_eq!((orders, waits), ((0..6).collect(), 0));
        assert!(session.repeated.is_empty() && !session.interrupted);
    }

    #[test]
    fn a_difference_in_any_round_ends_it_and_names_the_case() {
        for wrong in 1..8 {
            let error = run(&CASES, |case, n| {
                Ok(Round { digest: if n == wrong { 8 } else { 7 }, ..round(case, 5) })
            });
            let Err(Error::Disagree { case, reference }) = error else { panic!("{error:?}") };
            assert!(CASES.contains(&case) && CASES.contains(&reference));
        }
        let error =
            run(&CASES, |case, _| Ok(Round { digest: u64::from(case.workers), ..round(case, 5) }));
        let message = error.unwrap_err().to_string();
        assert!(message.contains("`serial`") && message.contains("`2 threads`"), "{message}");
    }

    #[test]
    fn a_round_that_lost_a_worker_does_not_count_and_is_repeated() {
        let (session, waits) =
            run(&CASES, |case, n| Ok(Round { lost: u32::from(n == 4), ..round(case, 5) })).unwrap();
        assert_eq!((session.rounds.len(), session.repeated.len(), waits), (6, 1, 1));
        assert!(session.rounds.iter().all(|round| round.lost == 0));
        assert_eq!((session.repeated[0].lost, session.repeated[0].again), (1, true));
    }

    #[test]
    fn a_machine_that_stays_busy_is_measured_all_the_same() {
        let (session, _) =
            run(&CASES, |case, _| Ok(Round { foreign_share: 0.5, ..round(case, 5) })).unwrap();
        assert_eq!((session.rounds.len(), session.repeated.len()), (6, 4));
        assert!(session.rounds.iter().all(|round| settings(3).is_busy(round)));
    }

    #[test]
    fn workers_that_always_die_leave_no_rounds() {
        let (session, _) = run(&CASES, |case, _| {
            Ok(Round { lost: u32::from(case.workers == 2), ..round(case, 5) })
        })
        .unwrap();
        assert_eq!(session.rounds.len(), 3);
        assert_eq!(session.repeated.iter().filter(|repeated| !repeated.again).count(), 3);
    }

    #[test]
    fn what_was_measured_before_a_stop_is_kept() {
        let stopped = || Err(Error::Estimate(estimate::Error::Stopped));
        let (session, _) =
            run(&CASES, |case, n| if n < 5 { Ok(round(case, 5)) } else { stopped() }).unwrap();
        assert_eq!((session.rounds.len(), session.interrupted), (3, true));
        let error = run(&CASES, |_, _| Err(Error::Estimate(estimate::Error::Panicked)));
        assert!(matches!(error, Err(Error::Estimate(estimate::Error::Panicked))));
    }
}
