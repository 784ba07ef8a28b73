//! Slices that do not overlap.

use super::{Place, Slice, What};

/// What one process or thread did. Its slices ascend and do not overlap.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    name: String,
    place: Place,
    slices: Vec<Slice>,
}

impl Track {
    /// A track of `slices`, in any order. Jobs of the same time are one slice: they shared a
    /// message. What would otherwise overlap begins only when the slice before it ends.
    #[must_use]
    pub fn new(name: impl Into<String>, place: Place, mut slices: Vec<Slice>) -> Self {
        slices.sort_by_key(|slice| (slice.start_ns, slice.end_ns));
        let mut apart: Vec<Slice> = Vec::with_capacity(slices.len());
        // As they were, because a slice that was moved still shares its message with the next.
        let mut previous_time = None;
        for mut slice in slices {
            let time = (slice.start_ns, slice.end_ns);
            if let Some(last) = apart.last_mut() {
                if previous_time == Some(time) && share_message(last, &mut slice) {
                    continue;
                }
                slice.start_ns = slice.start_ns.max(last.end_ns);
            }
            slice.end_ns = slice.end_ns.max(slice.start_ns);
            previous_time = Some(time);
            apart.push(slice);
        }
        Self { name: name.into(), place, slices: apart }
    }

    /// Fills what is empty between `from_ns` and `to_ns` with slices of `what`.
    #[must_use]
    pub fn filled(self, from_ns: u64, to_ns: u64, what: &What) -> Self {
        let Self { name, place, slices } = self;
        let mut full = Vec::with_capacity(2 * slices.len() + 1);
        let mut at_ns = from_ns;
        let fill = |full: &mut Vec<Slice>, start_ns: u64, until_ns: u64| {
            let end_ns = until_ns.min(to_ns);
            if start_ns < end_ns {
                full.push(Slice { what: what.clone(), start_ns, end_ns });
            }
        };
        for slice in slices {
            fill(&mut full, at_ns, slice.start_ns);
            at_ns = at_ns.max(slice.end_ns);
            full.push(slice);
        }
        fill(&mut full, at_ns, to_ns);
        Self { name, place, slices: full }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it belongs to.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The slices, ascending.
    #[must_use]
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }
}

/// Moves the jobs of `slice` to `last`, if both have jobs.
fn share_message(last: &mut Slice, slice: &mut Slice) -> bool {
    let (What::Jobs(jobs), What::Jobs(more)) = (&mut last.what, &mut slice.what) else {
        return false;
    };
    jobs.append(more);
    true
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{bench::Job, report::timeline::Phase};

    fn jobs(numbers: &[u64], start_ns: u64, end_ns: u64) -> Slice {
        let job = |&job: &u64| Job {
            job,
            worker: 0,
            started_ns: start_ns,
            finished_ns: end_ns,
            rows: (0, 10),
            widths: (0.1, 0.1),
            points: 1,
        };
        Slice { what: What::Jobs(numbers.iter().map(job).collect()), start_ns, end_ns }
    }

    fn phase(phase: Phase, start_ns: u64, end_ns: u64) -> Slice {
        Slice { what: What::Phase(phase), start_ns, end_ns }
    }

    fn check(slices: Vec<Slice>, expected: &[Slice]) {
        assert_eq!(Track::new("worker 0", Place::Process(None), slices).slices(), expected);
    }

    #[test]
    fn slices_ascend() {
        let (first, second) = (jobs(&[1], 10, 20), jobs(&[0], 20, 30));
        check(vec![second.clone(), first.clone()], &[first, second]);
        check(Vec::new(), &[]);
    }

    #[test]
    fn jobs_of_one_message_are_one_slice_even_if_it_must_begin_later() {
        let message = [jobs(&[3], 10, 20), jobs(&[4], 10, 20), jobs(&[5], 10, 20)];
        check(message.to_vec(), &[jobs(&[3, 4, 5], 10, 20)]);

        let mut moved = jobs(&[3, 4, 5], 10, 20);
        moved.start_ns = 12;
        if let What::Jobs(jobs) = &mut moved.what {
            jobs.iter_mut().for_each(|job| job.started_ns = 10);
        }
        let handshake = phase(Phase::Handshake, 5, 12);
        check([vec![handshake.clone()], message.to_vec()].concat(), &[handshake, moved]);
    }

    #[test]
    fn what_would_overlap_begins_later() {
        let slices = vec![phase(Phase::Start, 0, 50), phase(Phase::Share, 10, 20)];
        check(slices, &[phase(Phase::Start, 0, 50), phase(Phase::Share, 50, 50)]);
    }

    #[test]
    fn gaps_are_filled_within_their_limits_only() {
        let track = Track::new("w", Place::Thread(0), vec![jobs(&[0], 20, 30), jobs(&[1], 40, 50)]);
        let idle = |start_ns, end_ns| Slice { what: What::Idle, start_ns, end_ns };
        let starts: Vec<Slice> = track.clone().filled(25, 45, &What::Idle).slices().to_vec();
        assert_eq!(starts, [jobs(&[0], 20, 30), idle(30, 40), jobs(&[1], 40, 50)]);
        let all: Vec<Slice> = track.filled(10, 60, &What::Idle).slices().to_vec();
        let (first, second) = (jobs(&[0], 20, 30), jobs(&[1], 40, 50));
        assert_eq!(all, [idle(10, 20), first, idle(30, 40), second, idle(50, 60)]);
    }

    proptest! {
        #[test]
        fn nothing_overlaps_and_no_job_is_lost(
            times in prop::collection::vec((0_u64..200, 0_u64..60), 0..60),
            (from, length) in (0_u64..250, 0_u64..250),
        ) {
            let n_jobs = times.len();
            let slices = times.iter().zip(0_u64..);
            let slices = slices.map(|(&(start, length), job)| jobs(&[job], start, start + length));
            let track = Track::new("w", Place::Process(None), slices.collect());
            let filled = track.filled(from, from + length, &What::Idle);
            for pair in filled.slices().windows(2) {
                prop_assert!(pair[0].end_ns <= pair[1].start_ns, "{pair:?}");
            }
            prop_assert!(filled.slices().iter().all(|slice| slice.start_ns <= slice.end_ns));
            let count = |slice: &Slice| match &slice.what {
                What::Jobs(jobs) => jobs.len(),
                What::Phase(_) | What::Idle => 0,
            };
            prop_assert_eq!(filled.slices().iter().map(count).sum::<usize>(), n_jobs);
        }
    }
}
