//! Chance, and what a simulated process is.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use parzen_worker::protocol::JobId;

use crate::pool::orders::{Config, Reason};

/// SplitMix64: small, and the same on every machine.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Debug)]
pub(super) struct Process {
    pub(super) started: Instant,
    pub(super) ready: bool,
    /// It was killed. What it had sent before may still arrive.
    pub(super) doomed: bool,
    /// Until when it has time to leave, if it was asked to.
    pub(super) leaving: Option<Instant>,
    /// Until when its end must be reported, if it closed its channel of itself.
    pub(super) gone: Option<Instant>,
    /// It sent nonsense, or is deaf.
    pub(super) misbehaved: bool,
    /// It sent that soon after its hello, and had done nothing.
    pub(super) useless: bool,
    /// The job that it was killed for because it did not take it.
    pub(super) deaf_to: Option<JobId>,
    /// The job that is charged with the nonsense, unless it comes back all the same.
    pub(super) charged: Option<JobId>,
    /// It was killed because it said no hello in time.
    pub(super) late: bool,
    /// Why, unless what it was killed for was done after all.
    pub(super) killed_for: Option<Reason>,
    /// When it said hello.
    pub(super) since: Option<Instant>,
    /// Never gets as far as its handshake.
    pub(super) hung: bool,
    /// Never leaves of itself.
    pub(super) deaf: bool,
    pub(super) inbox: VecDeque<JobId>,
    pub(super) returned: u32,
    /// When the job at the front of `inbox` came to be there.
    pub(super) front_since: Option<Instant>,
    /// The item of that job that it runs, if it runs one.
    pub(super) at: Option<u32>,
    /// When it began that job, once that was told.
    pub(super) told_begun: Option<Instant>,
}

impl Process {
    pub(super) fn new(now: Instant, rng: &mut Rng) -> Self {
        Self {
            started: now,
            ready: false,
            doomed: false,
            leaving: None,
            gone: None,
            misbehaved: false,
            useless: false,
            deaf_to: None,
            charged: None,
            late: false,
            killed_for: None,
            since: None,
            hung: rng.one_in(10),
            deaf: rng.one_in(8),
            inbox: VecDeque::new(),
            returned: 0,
            front_since: None,
            at: None,
            told_begun: None,
        }
    }

    /// When its time is up, whatever it is doing.
    pub(super) fn deadline(&self, config: &Config) -> Option<Instant> {
        if self.doomed {
            None
        } else if !self.ready {
            Some(self.started + config.start_timeout)
        } else if self.gone.is_some() {
            self.gone
        } else {
            let since = self.told_begun.or(self.front_since);
            let late = since.zip(config.job_timeout).map(|(since, limit)| since + limit);
            self.leaving.or(late)
        }
    }

    /// Whatever time it was given to end, it has no more than until `limit`.
    pub(super) fn hurry(&mut self, limit: Option<Instant>) {
        let earlier = |old: Instant| limit.map_or(old, |limit| old.min(limit));
        self.leaving = self.leaving.map(earlier);
        self.gone = self.gone.map(earlier);
    }

    /// Whether it does what it is told.
    pub(super) fn is_at_work(&self) -> bool {
        self.ready && !self.doomed && !self.is_on_its_way()
    }

    /// Whether it ends of itself, asked or not.
    pub(super) fn is_on_its_way(&self) -> bool {
        self.leaving.is_some() || self.gone.is_some()
    }

    /// Whether it waits for its first job, and has not for long.
    pub(super) fn is_unproven(&self, now: Instant) -> bool {
        let is_young = self.since.is_some_and(|since| now - since < Duration::from_secs(1));
        self.is_at_work() && is_young && self.returned == 0 && self.inbox.is_empty()
    }

    /// Whether nobody wants it to end.
    pub(super) fn is_wanted(&self) -> bool {
        self.ready && !self.doomed && self.leaving.is_none()
    }

    /// Whether it may be given a job.
    pub(super) fn is_open(&self, config: &Config) -> bool {
        let given = self.returned + u32::try_from(self.inbox.len()).unwrap();
        let has_room = config.jobs_per_worker.is_none_or(|most| given < most.get());
        self.is_at_work() && has_room
    }
}
