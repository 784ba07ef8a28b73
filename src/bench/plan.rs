//! Which case is run when: pure, so that a test is a list.

use std::collections::VecDeque;

use rand::{SeedableRng, rngs::ChaCha12Rng, seq::SliceRandom};

/// How often each case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// Rounds that count, at least 1.
    pub rounds: u32,
    /// Rounds before them that do not.
    pub warmup: u32,
    /// Rounds of one case that may be repeated because they were disturbed.
    pub max_repeats: u32,
}

/// What to run next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Index of the case.
    pub case: usize,
    /// Which round, from 0; `None` is the warm-up.
    pub round: Option<u32>,
}

/// How a turn went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Good,
    /// Others used the machine meanwhile.
    Busy,
    /// A worker died.
    Lost,
}

/// What becomes of a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// It counts.
    Count,
    /// It was the warm-up.
    Forget,
    /// It does not count, and will be run again.
    Repeat,
    /// It does not count, and has been run again often enough.
    GiveUp,
}

/// The order of turns.
///
/// The warm-up comes first, then round after round; within each, all cases are in random order, so
/// that neither a slow drift of the machine nor what one case leaves behind favours another. A turn
/// that was disturbed is run again at the end of its round. After `max_repeats` of a case, its busy
/// rounds count, because there are no better ones; those that lost a worker never do.
#[derive(Debug)]
pub struct Plan {
    repetition: Repetition,
    generator: ChaCha12Rng,
    /// Turns of the current round.
    queue: VecDeque<Turn>,
    /// Rounds begun, the warm-up included.
    begun: u32,
    /// Repeats left for each case.
    repeats_left: Vec<u32>,
}

impl Plan {
    /// The order for `n_cases` cases. Equal seeds give equal orders.
    #[must_use]
    pub fn new(n_cases: usize, repetition: Repetition, seed: u64) -> Self {
        Self {
            repetition,
            generator: ChaCha12Rng::seed_from_u64(seed),
            queue: VecDeque::new(),
            begun: 0,
            repeats_left: vec![repetition.max_repeats; n_cases],
        }
    }

    /// Turns there will be, if none is repeated.
    #[must_use]
    pub fn n_turns(&self) -> u64 {
        let rounds = u64::from(self.repetition.rounds) + u64::from(self.repetition.warmup);
        rounds * self.repeats_left.len() as u64
    }

    /// Says how `turn`, the latest one, went.
    pub fn judge(&mut self, turn: Turn, verdict: Verdict) -> Decision {
        if turn.round.is_none() {
            return Decision::Forget;
        }
        let left = &mut self.repeats_left[turn.case];
        match verdict {
            Verdict::Good => Decision::Count,
            Verdict::Busy | Verdict::Lost if 0 < *left => {
                *left -= 1;
                self.queue.push_back(turn);
                Decision::Repeat
            }
            Verdict::Busy => Decision::Count,
            Verdict::Lost => Decision::GiveUp,
        }
    }

    fn begin_round(&mut self) {
        let Repetition { rounds, warmup, .. } = self.repetition;
        if warmup.saturating_add(rounds) <= self.begun {
            return;
        }
        let round = self.begun.checked_sub(warmup);
        let mut turns: Vec<Turn> =
            (0..self.repeats_left.len()).map(|case| Turn { case, round }).collect();
        turns.shuffle(&mut self.generator);
        self.queue.extend(turns);
        self.begun += 1;
    }
}

/// What to run, one after the other; each turn is [judged](Plan::judge) before the next is asked
/// for.
impl Iterator for Plan {
    type Item = Turn;

    fn next(&mut self) -> Option<Turn> {
        if self.queue.is_empty() {
            self.begin_round();
        }
        self.queue.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWICE: Repetition = Repetition { rounds: 2, warmup: 1, max_repeats: 1 };

    /// Runs all turns, each judged by `verdict`, and gives them with what became of them.
    fn run(
        n_cases: usize,
        repetition: Repetition,
        mut verdict: impl FnMut(Turn) -> Verdict,
    ) -> Vec<(Turn, Decision)> {
        let mut plan = Plan::new(n_cases, repetition, 1);
        let mut turns = Vec::new();
        while let Some(turn) = plan.next() {
            turns.push((turn, plan.judge(turn, verdict(turn))));
            assert!(turns.len() < 1000, "it never ends");
        }
        turns
    }

    #[test]
    fn the_warm_up_is_first_and_rounds_are_whole() {
        let turns = run(3, TWICE, |_| Verdict::Good);
        for (idx, round) in [None, Some(0), Some(1)].into_iter().enumerate() {
            let (part, decision) = (
                &turns[idx * 3..][..3],
                match round {
                    None => Decision::Forget,
                    Some(_) => Decision::Count,
                },
            );
            assert!(part.iter().all(|(turn, found)| turn.round == round && *found == decision));
            let mut cases: Vec<_> = part.iter().map(|(turn, _)| turn.case).collect();
            cases.sort_unstable();
            assert_eq!(cases, [0, 1, 2]);
        }
        assert_eq!(turns.len(), 9);
        assert_eq!(Plan::new(3, TWICE, 1).n_turns(), 9);
    }

    #[test]
    fn the_order_is_random_but_the_seed_decides() {
        let order =
            |seed| Plan::new(4, Repetition { rounds: 8, ..TWICE }, seed).collect::<Vec<_>>();
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let first: Vec<_> = order(1).chunks(4).map(|round| round[0].case).collect();
        assert!(first.iter().any(|&case| case != first[0]), "{first:?}");
    }

    #[test]
    fn a_disturbed_turn_is_run_again_at_the_end_of_its_round() {
        for verdict in [Verdict::Busy, Verdict::Lost] {
            let mut was_disturbed = false;
            let turns = run(3, TWICE, |turn| {
                let disturbs = turn == Turn { case: 1, round: Some(0) } && !was_disturbed;
                was_disturbed |= disturbs;
                if disturbs { verdict } else { Verdict::Good }
            });
            let repeated = Turn { case: 1, round: Some(0) };
            assert_eq!(turns.len(), 10);
            assert!(turns.contains(&(repeated, Decision::Repeat)));
            assert_eq!(turns[6], (repeated, Decision::Count));
        }
    }

    #[test]
    fn a_machine_that_stays_busy_ends_the_repeats() {
        let decisions = |verdict| -> Vec<Decision> {
            run(1, TWICE, |_| verdict).into_iter().map(|(_, decision)| decision).collect()
        };
        use Decision::{Count, Forget, GiveUp, Repeat};
        assert_eq!(decisions(Verdict::Busy), [Forget, Repeat, Count, Count]);
        assert_eq!(decisions(Verdict::Lost), [Forget, Repeat, GiveUp, GiveUp]);
    }

    #[test]
    fn no_cases_make_no_turns() {
        assert_eq!(run(0, TWICE, |_| Verdict::Good), []);
    }
}
