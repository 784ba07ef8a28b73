//! The simulated world: what really happens to processes, and what must follow from it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use parzen_worker::protocol::{JobId, WorkerId};

use super::process::{Process, Rng};
use crate::pool::{
    orders::{Action, Config, Event, Notice, Outcome, Place, Reason, Verdict},
    scheduler::Scheduler,
};

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) begin: Instant,
    pub(super) now: Instant,
    pub(super) config: Config,
    pub(super) scheduler: Scheduler,
    pub(super) processes: BTreeMap<WorkerId, Process>,
    /// Messages from processes that are gone; a driver that did not wait for them would send them.
    pub(super) stale: Vec<Event>,
    pub(super) finished: BTreeMap<JobId, Outcome>,
    /// Jobs with several items, and how many.
    pub(super) divisible: BTreeMap<JobId, u32>,
    /// Single jobs that took the place of divided ones, still to be submitted.
    pub(super) pieces: VecDeque<Event>,
    /// Where each job stands in line: its number, or that of the job it is a piece of, and where it
    /// begins in that.
    pub(super) ranks: BTreeMap<JobId, (JobId, u32)>,
    /// Times a job was the running one as its process died, cancellation and limits apart.
    pub(super) deaths: BTreeMap<JobId, u32>,
    pub(super) next_job: u64,
    /// The event being handled.
    pub(super) event: Event,
    /// What the end of the process now exiting means.
    pub(super) verdict: Option<Verdict>,
    /// The job, and the item of it, that is to blame for it.
    pub(super) blamed: Option<(JobId, u32)>,
    /// The batch to be divided for it, and the item that is known to have killed it.
    pub(super) split: Option<(JobId, Option<u32>)>,
    /// The job the process now exiting was truly late with, if that ends it, and how.
    pub(super) overdue: Option<(JobId, Outcome)>,
    /// Jobs that kill, and with which item.
    pub(super) poison: BTreeMap<JobId, u32>,
    /// Jobs with which processes end before they begin them, and which item is why.
    pub(super) cursed: BTreeMap<JobId, u32>,
    /// Processes that were lost with a job that they did not run.
    pub(super) in_vain: BTreeMap<JobId, u32>,
    /// Jobs that were to be cancelled.
    pub(super) unwanted: BTreeSet<JobId>,
    /// Starts that failed since the last job was returned.
    pub(super) failed_starts: u32,
    /// Whether one ever succeeded.
    pub(super) proven: bool,
    /// Whether all were ready at once, ever.
    pub(super) complete: bool,
    pub(super) broken: bool,
    told_broken: bool,
    /// No process is started before.
    pub(super) pause: Option<Instant>,
    pub(super) stopped: bool,
    /// What the running jobs were given when it was stopped.
    pub(super) grace: Option<Duration>,
    pub(super) closed: bool,
    /// Calls that submit jobs on their own.
    pub(super) open_calls: u32,
    pub(super) trace: Vec<String>,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng(seed);
        let at_least_one = |n: u64| NonZeroU32::new(u32::try_from(n).unwrap() + 1).unwrap();
        let config = Config {
            workers: at_least_one(rng.below(4)),
            depth: at_least_one(rng.below(3)),
            max_crashes: u32::try_from(rng.below(3)).unwrap(),
            max_failed_starts: u32::try_from(1 + rng.below(6)).unwrap(),
            start_timeout: Duration::from_secs(5),
            job_timeout: rng.one_in(2).then_some(Duration::from_secs(2)),
            stop_grace: Duration::from_secs(3),
            jobs_per_worker: rng.one_in(4).then(|| at_least_one(rng.below(3))),
            once: rng.one_in(8),
        };
        let begin = epoch();
        let mut world = Self {
            rng,
            begin,
            now: begin,
            config,
            scheduler: Scheduler::new(config),
            processes: BTreeMap::new(),
            stale: Vec::new(),
            finished: BTreeMap::new(),
            divisible: BTreeMap::new(),
            pieces: VecDeque::new(),
            ranks: BTreeMap::new(),
            deaths: BTreeMap::new(),
            next_job: 0,
            event: Event::Start,
            verdict: None,
            blamed: None,
            split: None,
            overdue: None,
            poison: BTreeMap::new(),
            cursed: BTreeMap::new(),
            in_vain: BTreeMap::new(),
            unwanted: BTreeSet::new(),
            failed_starts: 0,
            proven: false,
            complete: false,
            broken: false,
            told_broken: false,
            pause: None,
            stopped: false,
            grace: None,
            closed: false,
            open_calls: 0,
            trace: vec![format!("{config:?}")],
        };
        world.feed(Event::Start);
        assert_eq!(world.processes.len(), config.workers.get() as usize, "all start at once");
        world
    }

    pub(super) fn submit(&mut self) {
        let job = JobId::new(self.next_job);
        self.next_job += 1;
        self.ranks.insert(job, (job, 0));
        // A job that may only run so long holds one item.
        let is_single = self.config.job_timeout.is_some() || self.config.once;
        let divisible = !is_single && self.rng.one_in(4);
        if divisible {
            self.divisible.insert(job, 2 + u32::try_from(self.rng.below(3)).unwrap());
        }
        if self.rng.one_in(30) {
            let item = self.rng.below(u64::from(self.items(job)));
            self.poison.insert(job, u32::try_from(item).unwrap());
        } else if self.rng.one_in(30) {
            let item = self.rng.below(u64::from(self.items(job)));
            self.cursed.insert(job, u32::try_from(item).unwrap());
        }
        self.feed(Event::Submit { job, place: Place::Back, divisible, crashes: 0 });
    }

    fn items(&self, job: JobId) -> u32 {
        self.divisible.get(&job).copied().unwrap_or(1)
    }

    /// Whether `job` is the next in line. With one worker there is only one line: jobs are assigned
    /// in the order submitted, and those whose worker died before any later one, in pieces if they
    /// were divided.
    fn is_next(&self, job: JobId) -> bool {
        let is_piece =
            |event: &Event, job| matches!(*event, Event::Submit { job: it, .. } if it == job);
        let waits = |job: JobId| {
            !self.finished.contains_key(&job)
                && !self.processes.values().any(|process| process.inbox.contains(&job))
                && !self.pieces.iter().any(|event| is_piece(event, job))
        };
        let is_before = |other: JobId| self.ranks[&other] < self.ranks[&job] && waits(other);
        1 < self.config.workers.get() || !self.ranks.keys().any(|&other| is_before(other))
    }

    /// Jobs that were submitted and have no outcome.
    pub(super) fn n_unfinished(&self) -> usize {
        usize::try_from(self.next_job).unwrap() - self.finished.len() - self.n_pieces()
    }

    /// Pieces that are not submitted yet.
    fn n_pieces(&self) -> usize {
        self.pieces.iter().filter(|event| matches!(event, Event::Submit { .. })).count()
    }

    /// Those of them that no process was given.
    fn n_waiting(&self) -> usize {
        let given = self.processes.values().flat_map(|process| &process.inbox);
        self.n_unfinished() - given.filter(|job| !self.finished.contains_key(job)).count()
    }

    /// Whether nothing is left to do, nor will be.
    fn is_over(&self) -> bool {
        let has_work = 0 < self.n_unfinished() + self.pieces.len() || 0 < self.open_calls;
        self.stopped || (self.closed && !has_work)
    }

    /// How many processes there should be.
    fn n_wanted(&self) -> usize {
        let all = self.config.workers.get() as usize;
        if self.stopped || self.broken {
            0
        } else if self.closed && self.open_calls == 0 {
            all.min(self.n_unfinished())
        } else {
            all
        }
    }

    pub(super) fn feed(&mut self, event: Event) {
        self.feed_one(event);
        while let Some(piece) = self.pieces.pop_back() {
            self.feed_one(piece);
        }
    }

    fn feed_one(&mut self, event: Event) {
        self.trace.push(match event {
            Event::Began(id, job, at) => {
                format!("Began({id:?}, {job:?}, {:?})", at - self.begin)
            }
            other => format!("{other:?}"),
        });
        self.event = event;
        self.closed |= matches!(event, Event::Close);
        if let Event::Cancel(job) = event {
            self.unwanted.insert(job);
        }
        if let Event::Stop { grace } = event {
            self.grace = if self.stopped { self.grace.and(grace) } else { grace };
            self.stopped = true;
            let limit = grace.map(|grace| self.now + grace);
            self.processes.values_mut().for_each(|process| process.hurry(limit));
        }
        self.open_calls += u32::from(matches!(event, Event::CallBegan));
        self.open_calls -= u32::from(matches!(event, Event::CallEnded));
        self.pause = self.pause.filter(|&until| self.now < until);
        let looks_back = matches!(event, Event::Withdraw(_) | Event::Stop { .. });
        let before = if looks_back { self.finished.clone() } else { BTreeMap::new() };
        self.scheduler.handle(self.now, event);
        while let Some(action) = self.scheduler.poll_action() {
            self.trace.push(format!("    {action:?}"));
            self.carry_out(action);
        }
        self.scheduler.check();
        self.check(&before);
    }

    /// Asserts what must hold after every event. `before` are the jobs finished until then, if it
    /// is an event for which that matters.
    fn check(&self, before: &BTreeMap<JobId, Outcome>) {
        // Between two pieces of a divided job nobody asks, and nobody is given one.
        let is_between = !self.pieces.is_empty();
        for (id, process) in &self.processes {
            let front = process.inbox.front();
            let runs = process.is_at_work();
            assert!(
                !runs || front.is_none_or(|job| !self.finished.contains_key(job)),
                "{id:?} runs a job that nobody wants"
            );
            assert!(
                is_between || !runs || front.is_some() || self.n_waiting() == 0,
                "{id:?} has nothing to do, and jobs wait"
            );
            assert!(process.doomed || !self.broken, "{id:?} was forgotten");
            let is_ending = process.doomed || process.is_on_its_way();
            assert!(!self.is_over() || is_ending, "{id:?} stays on");
        }
        assert_eq!(self.scheduler.is_broken(), self.broken, "broken, or not, without reason");
        let is_open = !self.stopped && !self.closed;
        assert_eq!(self.scheduler.is_open(), is_open, "open, or not, without reason");
        assert!(!self.broken || self.n_unfinished() == 0, "these wait for ever");
        assert!(self.pause.is_some() || self.n_wanted() <= self.processes.len(), "too few");
        let is_done = self.is_over() && self.processes.is_empty();
        assert!(is_between || self.scheduler.is_done() == is_done, "done, or not, without reason");
        let deadlines =
            self.processes.values().filter_map(|process| process.deadline(&self.config));
        let deadline = deadlines.chain(self.pause).min();
        assert_eq!(self.scheduler.poll_timeout(), deadline, "the wrong deadline");
        match self.event {
            Event::Timeout => {
                let next = self.scheduler.poll_timeout();
                assert!(next.is_none_or(|next| self.now < next), "a deadline passed unnoticed");
            }
            Event::Withdraw(job) if !before.contains_key(&job) => {
                let sent = self.processes.values().any(|process| process.inbox.contains(&job));
                assert_ne!(sent, self.finished.contains_key(&job), "{job:?} was sent, or was not");
            }
            Event::Stop { grace: None } => {
                assert_eq!(self.n_unfinished(), 0, "they still wait");
                assert!(self.processes.values().all(|process| process.doomed), "not at once");
            }
            Event::Stop { grace: Some(_) } => {
                assert_eq!(self.n_waiting(), 0, "they still wait");
                for process in self.processes.values().filter(|process| !process.doomed) {
                    let given = |job| before.contains_key(job) || !self.finished.contains_key(job);
                    assert!(process.inbox.iter().all(given), "its job had time to finish");
                }
            }
            Event::Start
            | Event::Submit { .. }
            | Event::Divided
            | Event::Cancel(_)
            | Event::Withdraw(_)
            | Event::Ready(_)
            | Event::Began(..)
            | Event::Returned(..)
            | Event::Misbehaved(_)
            | Event::Undelivered(..)
            | Event::Gone(_)
            | Event::Struck(_)
            | Event::Exited(..)
            | Event::CallBegan
            | Event::CallEnded
            | Event::Close => {}
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Spawn(id) => self.spawn(id),
            Action::Assign { worker, job, attempt } => self.assign(worker, job, attempt),
            Action::Leave(id) => {
                let grace = if self.stopped { self.grace } else { Some(self.config.stop_grace) };
                let is_over = self.is_over();
                let process = self.processes.get_mut(&id).unwrap();
                assert!(process.is_at_work(), "{id:?}");
                let wanted = |job| !self.finished.contains_key(job);
                assert!(self.stopped || !process.inbox.iter().any(wanted), "{id:?} has jobs to do");
                let most = self.config.jobs_per_worker;
                let is_spent = most.is_some_and(|most| most.get() <= process.returned);
                assert!(is_spent || is_over, "{id:?} may still be given jobs");
                process.leaving = Some(self.now + grace.expect("without one it is killed"));
            }
            Action::Kill(id, reason) => {
                let process = &self.processes[&id];
                assert!(!process.doomed, "{id:?} was killed twice");
                let is_right = self.may_be_killed(process, reason);
                assert!(is_right, "{id:?} was killed for nothing: {reason:?}, {process:?}");
                let process = self.processes.get_mut(&id).unwrap();
                process.doomed = true;
                process.killed_for = Some(reason);
                if reason == Reason::Undelivered {
                    // That was found out as it was sent the job, or long before.
                    let last = process.inbox.back().copied();
                    process.deaf_to = process.deaf_to.or(last);
                }
                process.late = reason == Reason::LateStart;
            }
            Action::Divide { job, charged } => self.divide(job, charged),
            Action::Finish(job, outcome) => self.finish(job, outcome),
            Action::Tell(notice) => self.hear(notice),
        }
    }

    fn spawn(&mut self, id: WorkerId) {
        assert!(!self.stopped, "{id:?} was started after the stop");
        assert!(!self.broken, "{id:?} was started in vain");
        assert!(self.pause.is_none(), "{id:?} was started too early");
        let old = self.processes.insert(id, Process::new(self.now, &mut self.rng));
        assert!(old.is_none(), "{id:?} was used before");
    }

    fn assign(&mut self, id: WorkerId, job: JobId, attempt: u32) {
        let deaths = self.deaths.get(&job).copied().unwrap_or(0);
        assert_eq!(attempt, deaths, "{job:?} was lost so often");
        let process = &self.processes[&id];
        assert!(process.is_open(&self.config), "{id:?} was given a job: {process:?}");
        let others = self.processes.values().filter(|process| process.is_open(&self.config));
        let fewest = others.map(|process| process.inbox.len()).min();
        assert_eq!(Some(process.inbox.len()), fewest, "another worker has less to do than {id:?}");
        assert!(
            process.inbox.is_empty() || self.processes.len() < self.n_waiting(),
            "{job:?} is one of the last, and waits behind another"
        );
        assert!(self.is_next(job), "{job:?} was preferred");
        let process = self.processes.get_mut(&id).unwrap();
        process.front_since.get_or_insert(self.now);
        process.inbox.push_back(job);
    }

    fn may_be_killed(&self, process: &Process, reason: Reason) -> bool {
        let is_late = process.deadline(&self.config).is_some_and(|deadline| deadline <= self.now);
        match reason {
            Reason::LateStart => is_late && !process.ready,
            Reason::LateJob => is_late && process.is_at_work(),
            Reason::LateLeaving => is_late && process.leaving.is_some(),
            Reason::Misbehaved => matches!(self.event, Event::Misbehaved(_)) && process.misbehaved,
            Reason::Undelivered => {
                let is_told = matches!(self.event, Event::Undelivered(..)) && process.misbehaved;
                is_told || (is_late && process.gone.is_some())
            }
            Reason::Cancelled => {
                process.inbox.front().is_some_and(|job| self.unwanted.contains(job))
            }
            Reason::Stopped => {
                (self.is_over() && !process.ready) || (self.stopped && self.grace.is_none())
            }
            Reason::Broken => self.broken,
            Reason::Chaos => matches!(self.event, Event::Struck(_)) && process.is_at_work(),
        }
    }

    /// Checks what the scheduler tells.
    fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Buried(_, verdict) => {
                assert_eq!(Some(verdict), self.verdict.take(), "that is not what it died of");
            }
            Notice::Requeued { job, charged } => {
                let is_blamed = matches!(self.blamed, Some((blamed, _)) if blamed == job);
                assert_eq!(charged, is_blamed, "{job:?} is to blame, or is not");
                assert!(!self.finished.contains_key(&job), "{job:?} is done");
            }
            Notice::Broken => {
                assert!(self.broken, "there are workers");
                assert!(!self.told_broken, "that was told before");
                self.told_broken = true;
            }
        }
    }

    fn divide(&mut self, job: JobId, charged: Option<u32>) {
        assert_eq!(self.split.take(), Some((job, charged)), "{job:?} was divided without need");
        let items = self.divisible.get(&job).copied().expect("only a batch is divided");
        assert!(self.finished.insert(job, Outcome::Returned).is_none(), "{job:?}");
        // Some items before the one that killed may have been sent.
        let done = charged.map_or(0, |item| self.rng.below(u64::from(item) + 1));
        let done = u32::try_from(done).unwrap();
        let parts: Vec<_> = match charged {
            Some(item) => vec![done..item, item..item + 1, item + 1..items],
            None => (0..items).map(|item| item..item + 1).collect(),
        };
        self.pieces.push_front(Event::Divided);
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            self.add_piece(job, part.start, part.end - part.start, charged == Some(part.start));
        }
    }

    fn add_piece(&mut self, whole: JobId, first: u32, items: u32, is_charged: bool) {
        let job = JobId::new(self.next_job);
        self.next_job += 1;
        let (origin, at) = self.ranks[&whole];
        self.ranks.insert(job, (origin, at + first));
        if let Some(item) = self.poison.get(&whole).and_then(|item| item.checked_sub(first))
            && item < items
        {
            self.poison.insert(job, item);
        }
        if let Some(item) = self.cursed.get(&whole).and_then(|item| item.checked_sub(first))
            && item < items
        {
            self.cursed.insert(job, item);
        }
        let divisible = 1 < items;
        if divisible {
            self.divisible.insert(job, items);
        }
        if is_charged {
            self.deaths.insert(job, 1);
        }
        let (place, crashes) = (Place::Front, u32::from(is_charged));
        self.pieces.push_back(Event::Submit { job, place, divisible, crashes });
    }

    fn finish(&mut self, job: JobId, outcome: Outcome) {
        match outcome {
            Outcome::Returned => {
                let returned = matches!(self.event, Event::Returned(_, other) if other == job);
                assert!(returned, "{job:?} was not returned");
            }
            Outcome::TimedOut | Outcome::NotBegun => {
                assert_eq!(self.overdue.take(), Some((job, outcome)), "{job:?} was not late");
            }
            Outcome::Crashed(n) | Outcome::Lost(n) => self.check_loss(job, outcome, n),
            Outcome::NoWorkers => assert!(self.broken, "there are workers"),
            Outcome::Cancelled => {}
        }
        let old = self.finished.insert(job, outcome);
        assert_eq!(old, None, "{job:?} finished twice");
    }

    /// Asserts that `n` processes were lost with a job, as its outcome says.
    fn check_loss(&self, job: JobId, outcome: Outcome, n: u32) {
        let Config { max_crashes, once, .. } = self.config;
        let crashes = self.deaths.get(&job).copied().unwrap_or(0);
        let in_vain = self.in_vain.get(&job).copied().unwrap_or(0);
        if outcome == Outcome::Lost(n) {
            assert_eq!(n, crashes + in_vain, "{job:?} did not lose so many");
            assert_eq!(in_vain, if once { 1 } else { max_crashes + 3 });
        } else if once {
            assert_eq!(n, 1, "{job:?} was run again");
            assert!(max_crashes < crashes || !self.stopped, "{job:?} was to be stopped");
        } else {
            assert_eq!((n, crashes), (max_crashes + 1, n), "{job:?} did not crash so often");
        }
        assert!(!self.divisible.contains_key(&job), "only one item of {job:?} is to blame");
    }

    pub(super) fn end_calls(&mut self) {
        for _ in 0..self.open_calls {
            self.feed(Event::CallEnded);
        }
    }

    /// Lets time pass, if some deadline is ahead, and reports that it came.
    pub(super) fn wait(&mut self) {
        if let Some(deadline) = self.scheduler.poll_timeout() {
            self.now = self.now.max(deadline);
            self.feed(Event::Timeout);
        }
    }

    /// Lets one process do one thing. Returns false if there is none that can.
    pub(super) fn step(&mut self, chaos: bool) -> bool {
        let ids: Vec<WorkerId> = self.processes.keys().copied().collect();
        if ids.is_empty() {
            return false;
        }
        let id = ids[usize::try_from(self.rng.below(ids.len() as u64)).unwrap()];
        let process = self.processes.get_mut(&id).unwrap();
        let front = process.inbox.front().copied();
        let poison = front.and_then(|job| self.poison.get(&job).copied());
        let poisoned = process.ready && process.at.is_some() && process.at == poison;
        // What a killed process had sent by then is read before its end is seen.
        let is_dying = process.doomed || (process.gone.is_some() && !process.hung);
        let is_silent = is_dying && !self.rng.one_in(3);
        let is_cursed = front.is_some_and(|job| self.cursed.contains_key(&job));
        let cursed = process.ready && process.at.is_none() && is_cursed;
        if is_silent || poisoned || cursed || (chaos && self.rng.one_in(12)) {
            self.exit(id);
        } else if chaos && self.rng.one_in(40) && process.ready && !process.doomed {
            // It will be killed for this, and charged as if it had crashed.
            process.charged = front;
            process.misbehaved = true;
            process.useless = process.is_unproven(self.now);
            self.feed(Event::Misbehaved(id));
            assert!(self.processes[&id].doomed, "{id:?} may not live on");
        } else if chaos && self.rng.one_in(40) {
            let is_hit = process.is_at_work();
            self.feed(Event::Struck(id));
            assert!(!is_hit || self.processes[&id].doomed, "{id:?} escaped");
        } else if chaos && self.rng.one_in(60) && front.is_some() && !process.doomed {
            // A job could not be sent to it, because it is deaf.
            process.misbehaved = true;
            let unsent = *process.inbox.back().unwrap();
            process.deaf_to = Some(unsent);
            self.feed(Event::Undelivered(id, unsent));
            assert!(self.processes[&id].doomed, "{id:?} may not live on");
        } else if chaos && self.rng.one_in(40) && front.is_some() && process.is_at_work() {
            // A job could not be sent to it, because it died of its job meanwhile, or closed its
            // channel and lives on.
            process.hung |= self.rng.one_in(4);
            process.gone = Some(self.now + Duration::from_secs(5));
            self.feed(Event::Gone(id));
        } else if (chaos && self.rng.one_in(6)) || process.hung {
            // It hangs for now, or for ever.
        } else if !process.ready {
            process.ready = true;
            process.since = Some(self.now);
            self.proven |= !process.doomed;
            let at_work = self.processes.values().filter(|process| process.is_at_work()).count();
            self.complete |= at_work == self.config.workers.get() as usize;
            self.feed(Event::Ready(id));
        } else if let Some(job) = front {
            self.work(id, job);
        } else if process.leaving.is_some() && !process.deaf {
            self.exit(id);
        }
        true
    }

    /// A process begins its job, or its next item, or is done with it.
    fn work(&mut self, id: WorkerId, job: JobId) {
        let items = self.items(job);
        let is_told = self.rng.one_in(2);
        let process = self.processes.get_mut(&id).unwrap();
        let is_late_to_tell = process.at.is_some() && process.told_begun.is_some();
        match process.at {
            Some(last) if last + 1 == items => {
                process.inbox.pop_front();
                process.front_since = process.inbox.front().map(|_| self.now);
                (process.at, process.told_begun, process.killed_for) = (None, None, None);
                process.returned += 1;
                self.failed_starts = 0;
                self.feed(Event::Returned(id, job));
                return;
            }
            Some(item) => process.at = Some(item + 1),
            None => process.at = Some(0),
        }
        if is_told || is_late_to_tell {
            // What it says once more does not count.
            process.told_begun =
                process.told_begun.or_else(|| process.is_at_work().then_some(self.now));
            self.feed(Event::Began(id, job, self.now));
        }
    }
}

pub(super) fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any epoch does: only differences count")]
    Instant::now()
}
