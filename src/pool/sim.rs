//! Drives a [`Scheduler`] through a simulated world: processes that start, crash, hang, misbehave
//! and answer late, in an order drawn from a seed.
//!
//! After every event the world compares what the scheduler ordered with what it knows itself: who
//! may be killed, who may wait, which deadline is next. `scripts/mutants` plants bugs in the
//! scheduler, one after another, and this must notice each.

mod scenarios;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use parzen_worker::protocol::{JobId, WorkerId};

use super::{
    orders::{Action, Config, Event, Outcome, Place, Reason},
    scheduler::Scheduler,
};

/// SplitMix64: small, and the same on every machine.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

#[derive(Debug)]
struct Process {
    started: Instant,
    ready: bool,
    /// It was killed. What it had sent before may still arrive.
    doomed: bool,
    /// Until when it has time to leave, if it was asked to.
    leaving: Option<Instant>,
    /// It sent nonsense, or is deaf.
    misbehaved: bool,
    /// The job that is charged with the nonsense, unless it comes back all the same.
    charged: Option<JobId>,
    /// It was killed because it said no hello in time.
    late: bool,
    /// When it said hello.
    since: Option<Instant>,
    /// Never gets as far as its handshake.
    hung: bool,
    /// Never leaves of itself.
    deaf: bool,
    inbox: VecDeque<JobId>,
    returned: u32,
    /// When the job at the front of `inbox` came to be there.
    front_since: Option<Instant>,
}

impl Process {
    /// When its time is up, whatever it is doing.
    fn deadline(&self, config: &Config) -> Option<Instant> {
        if self.doomed {
            None
        } else if !self.ready {
            Some(self.started + config.start_timeout)
        } else {
            let late = self.front_since.zip(config.job_timeout).map(|(since, limit)| since + limit);
            self.leaving.or(late)
        }
    }

    /// Whether it may be given a job.
    fn is_open(&self, config: &Config) -> bool {
        let given = self.returned + u32::try_from(self.inbox.len()).unwrap();
        let has_room = config.jobs_per_worker.is_none_or(|most| given < most.get());
        self.ready && !self.doomed && self.leaving.is_none() && has_room
    }
}

struct World {
    rng: Rng,
    now: Instant,
    config: Config,
    scheduler: Scheduler,
    processes: BTreeMap<WorkerId, Process>,
    /// Messages from processes that are gone; a driver that did not wait for them would send them.
    stale: Vec<Event>,
    finished: BTreeMap<JobId, Outcome>,
    /// Jobs with several items, and how many.
    divisible: BTreeMap<JobId, u64>,
    /// Single jobs that took the place of divided ones, still to be submitted.
    pieces: VecDeque<Event>,
    /// Where each job stands in line: its number, or that of the job it is a piece of, and which.
    ranks: BTreeMap<JobId, (JobId, u64)>,
    /// Times a job was the running one as its process died, cancellation and limits apart.
    deaths: BTreeMap<JobId, u32>,
    next_job: u64,
    /// The event being handled.
    event: Event,
    /// The job the process now exiting was truly late with, if it was.
    overdue: Option<JobId>,
    poison: BTreeSet<JobId>,
    /// Jobs that were to be cancelled.
    unwanted: BTreeSet<JobId>,
    /// Starts that failed since the last job was returned.
    failed_starts: u32,
    /// Whether one ever succeeded.
    proven: bool,
    broken: bool,
    /// No process is started before.
    pause: Option<Instant>,
    stopped: bool,
    /// What the running jobs were given when it was stopped.
    grace: Option<Duration>,
    closed: bool,
    /// Calls that submit jobs on their own.
    open_calls: u32,
    trace: Vec<String>,
}

impl World {
    fn new(seed: u64) -> Self {
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
        };
        let mut world = Self {
            rng,
            now: epoch(),
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
            overdue: None,
            poison: BTreeSet::new(),
            unwanted: BTreeSet::new(),
            failed_starts: 0,
            proven: false,
            broken: false,
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

    fn submit(&mut self) {
        let job = JobId::new(self.next_job);
        self.next_job += 1;
        self.ranks.insert(job, (job, 0));
        // A job that may only run so long holds one item.
        let divisible = self.config.job_timeout.is_none() && self.rng.one_in(4);
        if divisible {
            self.divisible.insert(job, 2 + self.rng.below(3));
        }
        if self.rng.one_in(30) {
            self.poison.insert(job);
        }
        self.feed(Event::Submit { job, place: Place::Back, divisible });
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
    fn n_unfinished(&self) -> usize {
        usize::try_from(self.next_job).unwrap() - self.finished.len() - self.pieces.len()
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

    fn feed(&mut self, event: Event) {
        self.feed_one(event);
        while let Some(piece) = self.pieces.pop_back() {
            self.feed_one(piece);
        }
    }

    fn feed_one(&mut self, event: Event) {
        self.trace.push(format!("{event:?}"));
        self.event = event;
        self.closed |= matches!(event, Event::Close);
        if let Event::Cancel(job) = event {
            self.unwanted.insert(job);
        }
        if let Event::Stop { grace } = event {
            self.grace = if self.stopped { self.grace.and(grace) } else { grace };
            self.stopped = true;
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
        for (id, process) in &self.processes {
            let front = process.inbox.front();
            let runs = process.ready && !process.doomed && process.leaving.is_none();
            assert!(
                !runs || front.is_none_or(|job| !self.finished.contains_key(job)),
                "{id:?} runs a job that nobody wants"
            );
            assert!(
                !runs || front.is_some() || self.n_waiting() == 0,
                "{id:?} has nothing to do, and jobs wait"
            );
            assert!(process.doomed || !self.broken, "{id:?} was forgotten");
            assert!(
                !self.is_over() || process.doomed || process.leaving.is_some(),
                "{id:?} stays on"
            );
        }
        assert_eq!(self.scheduler.is_broken(), self.broken, "broken, or not, without reason");
        let is_open = !self.stopped && !self.closed;
        assert_eq!(self.scheduler.is_open(), is_open, "open, or not, without reason");
        assert!(!self.broken || self.n_unfinished() == 0, "these wait for ever");
        assert!(self.pause.is_some() || self.n_wanted() <= self.processes.len(), "too few");
        let is_done = self.is_over() && self.processes.is_empty();
        // Between two pieces of a divided job nobody asks.
        let is_between = !self.pieces.is_empty();
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
            | Event::Cancel(_)
            | Event::Withdraw(_)
            | Event::Ready(_)
            | Event::Returned(..)
            | Event::Misbehaved(_)
            | Event::Undelivered(_)
            | Event::Exited(_)
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
                assert!(process.ready && !process.doomed && process.leaving.is_none(), "{id:?}");
                let wanted = |job| !self.finished.contains_key(job);
                assert!(self.stopped || !process.inbox.iter().any(wanted), "{id:?} has jobs to do");
                let most = self.config.jobs_per_worker;
                let is_spent = most.is_some_and(|most| most.get() <= process.returned);
                assert!(is_spent || is_over, "{id:?} may still be given jobs");
                process.leaving = Some(self.now + grace.expect("without one it is killed"));
            }
            Action::Kill(id, _) => {
                let process = &self.processes[&id];
                assert!(!process.doomed, "{id:?} was killed twice");
                assert!(self.may_be_killed(process), "{id:?} was killed for nothing: {process:?}");
                let process = self.processes.get_mut(&id).unwrap();
                process.doomed = true;
                process.late = !process.ready && matches!(self.event, Event::Timeout);
            }
            Action::Divide(job) => self.divide(job),
            Action::Finish(job, outcome) => self.finish(job, outcome),
            Action::Tell(_) => {}
        }
    }

    fn spawn(&mut self, id: WorkerId) {
        assert!(!self.stopped, "{id:?} was started after the stop");
        assert!(!self.broken, "{id:?} was started in vain");
        assert!(self.pause.is_none(), "{id:?} was started too early");
        let process = Process {
            started: self.now,
            ready: false,
            doomed: false,
            leaving: None,
            misbehaved: false,
            charged: None,
            late: false,
            since: None,
            hung: self.rng.one_in(10),
            deaf: self.rng.one_in(8),
            inbox: VecDeque::new(),
            returned: 0,
            front_since: None,
        };
        let old = self.processes.insert(id, process);
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

    fn may_be_killed(&self, process: &Process) -> bool {
        let is_late = process.deadline(&self.config).is_some_and(|deadline| deadline <= self.now);
        let is_unwanted = process.inbox.front().is_some_and(|job| self.unwanted.contains(job));
        is_late
            || is_unwanted
            || process.misbehaved
            || (self.is_over() && !process.ready)
            || (self.stopped && self.grace.is_none())
            || self.broken
    }

    fn divide(&mut self, job: JobId) {
        let items = self.divisible.get(&job).copied().expect("only a batch is divided");
        assert!(self.deaths.contains_key(&job), "{job:?} was divided without need");
        assert!(self.finished.insert(job, Outcome::Returned).is_none(), "{job:?}");
        let poisoned = self.poison.contains(&job);
        for item in 0..items {
            let piece = JobId::new(self.next_job);
            self.next_job += 1;
            self.ranks.insert(piece, (job, item + 1));
            if poisoned && item == 0 {
                self.poison.insert(piece);
            }
            let place = Place::Front;
            self.pieces.push_back(Event::Submit { job: piece, place, divisible: false });
        }
    }

    fn finish(&mut self, job: JobId, outcome: Outcome) {
        match outcome {
            Outcome::Returned => {
                let returned = matches!(self.event, Event::Returned(_, other) if other == job);
                assert!(returned, "{job:?} was not returned");
            }
            Outcome::TimedOut => {
                assert_eq!(self.overdue.take(), Some(job), "{job:?} was not late");
            }
            Outcome::Crashed(n) => {
                assert_eq!(self.deaths.get(&job), Some(&n), "{job:?} did not crash so often");
                assert_eq!(n, self.config.max_crashes + 1);
                assert!(!self.divisible.contains_key(&job), "only one item of {job:?} is to blame");
            }
            Outcome::NoWorkers => assert!(self.broken, "there are workers"),
            Outcome::Cancelled => {}
        }
        let old = self.finished.insert(job, outcome);
        assert_eq!(old, None, "{job:?} finished twice");
    }

    fn end_calls(&mut self) {
        for _ in 0..self.open_calls {
            self.feed(Event::CallEnded);
        }
    }

    /// Lets time pass, if some deadline is ahead, and reports that it came.
    fn wait(&mut self) {
        if let Some(deadline) = self.scheduler.poll_timeout() {
            self.now = self.now.max(deadline);
            self.feed(Event::Timeout);
        }
    }

    /// Lets one process do one thing. Returns false if there is none that can.
    fn step(&mut self, chaos: bool) -> bool {
        let ids: Vec<WorkerId> = self.processes.keys().copied().collect();
        if ids.is_empty() {
            return false;
        }
        let id = ids[usize::try_from(self.rng.below(ids.len() as u64)).unwrap()];
        let process = self.processes.get_mut(&id).unwrap();
        let front = process.inbox.front().copied();
        let poisoned = front.is_some_and(|job| self.poison.contains(&job)) && process.ready;
        // What a killed process had sent by then is read before its end is seen.
        let is_silent = process.doomed && !self.rng.one_in(3);
        if is_silent || poisoned || (chaos && self.rng.one_in(12)) {
            self.exit(id);
        } else if chaos && self.rng.one_in(40) && process.ready && !process.doomed {
            // It will be killed for this, and charged as if it had crashed.
            process.charged = front;
            process.misbehaved = true;
            self.feed(Event::Misbehaved(id));
            assert!(self.processes[&id].doomed, "{id:?} may not live on");
        } else if chaos && self.rng.one_in(60) && front.is_some() && !process.doomed {
            // A job could not be sent to it, because it is on its way out.
            process.misbehaved = true;
            self.feed(Event::Undelivered(id));
            assert!(self.processes[&id].doomed, "{id:?} may not live on");
        } else if (chaos && self.rng.one_in(6)) || process.hung {
            // It hangs for now, or for ever.
        } else if !process.ready {
            process.ready = true;
            process.since = Some(self.now);
            self.proven |= !process.doomed;
            self.feed(Event::Ready(id));
        } else if let Some(job) = process.inbox.pop_front() {
            process.front_since = process.inbox.front().map(|_| self.now);
            process.returned += 1;
            self.failed_starts = 0;
            self.feed(Event::Returned(id, job));
        } else if process.leaving.is_some() && !process.deaf {
            self.exit(id);
        }
        true
    }

    /// Works out what the end of a process, which is gone already, says of the program.
    fn count_failed_start(&mut self, process: &Process) {
        let is_young = process.since.is_some_and(|since| self.now - since < Duration::from_secs(1));
        let is_idle = process.returned == 0 && process.inbox.is_empty();
        let was_in_vain = is_at_work(process) && is_young && is_idle;
        if !process.late && !was_in_vain && (process.ready || process.doomed) {
            return;
        }
        self.failed_starts += 1;
        if self.processes.values().any(is_at_work) {
            let doublings = (self.failed_starts - 1).min(7);
            self.pause = Some(self.now + Duration::from_millis(50) * (1 << doublings));
        } else if (process.late && !self.proven)
            || self.config.max_failed_starts < self.failed_starts
        {
            self.broken = true;
        }
    }

    fn exit(&mut self, id: WorkerId) {
        let process = self.processes.remove(&id).unwrap();
        let front = process.inbox.front().copied();
        let late = process.front_since.zip(self.config.job_timeout);
        let late = late.filter(|&(since, limit)| limit <= self.now - since);
        self.overdue = late.filter(|_| process.leaving.is_none()).and(front);
        let crashed = front.filter(|_| !process.doomed && process.leaving.is_none());
        if let Some(job) = crashed.or_else(|| process.charged.filter(|_| process.charged == front))
        {
            *self.deaths.entry(job).or_insert(0) += 1;
        }
        self.count_failed_start(&process);
        self.stale.extend([Event::Ready(id), Event::Misbehaved(id), Event::Exited(id)]);
        self.stale.extend(process.inbox.iter().map(|&job| Event::Returned(id, job)));
        self.feed(Event::Exited(id));
    }
}

fn is_at_work(process: &Process) -> bool {
    process.ready && !process.doomed && process.leaving.is_none()
}

fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any epoch does: only differences count")]
    Instant::now()
}

/// Whatever may happen, happens.
fn run_chaos(world: &mut World, cancelled: &mut Vec<JobId>) {
    match world.rng.below(20) {
        // A caller may have been about to submit as another closed the pool.
        0..4 if world.next_job < 60 && (!world.closed || world.rng.one_in(8)) => world.submit(),
        4 if 0 < world.next_job && world.rng.one_in(3) => {
            let job = JobId::new(world.rng.below(world.next_job));
            cancelled.push(job);
            let kind = if world.rng.one_in(2) { Event::Cancel } else { Event::Withdraw };
            world.feed(kind(job));
        }
        5 if !world.stale.is_empty() => {
            let at = usize::try_from(world.rng.below(world.stale.len() as u64)).unwrap();
            let event = world.stale[at];
            world.feed(event);
        }
        6 if world.rng.one_in(4) && 0 < world.next_job => {
            // A confused worker names a job it was not given, or not yet.
            if let Some((&id, _)) = world.processes.iter().find(|(_, process)| process.ready) {
                let wrong = JobId::new(world.rng.below(world.next_job));
                if world.processes[&id].inbox.front() != Some(&wrong) {
                    assert!(!world.scheduler.is_running(id, wrong));
                    world.feed(Event::Returned(id, wrong));
                }
            }
        }
        6 | 7 => {
            world.now += Duration::from_millis(500);
            if world.scheduler.poll_timeout().is_some_and(|deadline| deadline <= world.now) {
                world.feed(Event::Timeout);
            }
        }
        8 if world.rng.one_in(60) => world.feed(Event::Close),
        9 if world.rng.one_in(20) && !world.closed => world.feed(Event::CallBegan),
        9 if world.rng.one_in(10) && 0 < world.open_calls => world.feed(Event::CallEnded),
        _ => {
            world.step(true);
        }
    }
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    let mut cancelled = Vec::new();
    for _ in 0..world.rng.below(600) {
        run_chaos(&mut world, &mut cancelled);
    }
    // Some owners stop the pool in the middle of it all, and some of them lose their patience.
    let leave_early = world.rng.one_in(4);
    while leave_early && (!world.stopped || world.rng.one_in(3)) {
        let grace = world.rng.one_in(2).then_some(Duration::from_secs(2));
        world.feed(Event::Stop { grace });
        for _ in 0..world.rng.below(30) {
            run_chaos(&mut world, &mut cancelled);
            if world.rng.one_in(10) {
                world.wait();
            }
            if world.rng.one_in(20) {
                world.feed(Event::Close);
            }
        }
    }
    // Calm: nothing crashes unasked. Whatever was submitted must now finish.
    for _ in 0..20_000 {
        let is_alone = !world.step(false);
        if world.n_unfinished() == 0 || (is_alone && world.scheduler.poll_timeout().is_none()) {
            break;
        }
        if is_alone || world.rng.one_in(50) {
            world.wait();
        }
    }
    assert_eq!(world.n_unfinished(), 0, "jobs were lost");
    for (&job, &outcome) in &world.finished {
        match outcome {
            Outcome::Cancelled => {
                assert!(leave_early || cancelled.contains(&job), "nobody cancelled {job:?}");
            }
            Outcome::Returned => {
                let poisoned = world.poison.contains(&job);
                assert!(!poisoned || world.divisible.contains_key(&job), "{job:?} is poison");
            }
            Outcome::Crashed(_) | Outcome::TimedOut | Outcome::NoWorkers => {}
        }
    }
    if !leave_early {
        world.feed(Event::Close);
    }
    world.end_calls();
    for _ in 0..2_000 {
        world.step(false);
        if world.rng.one_in(50) {
            world.wait();
        }
    }
    assert!(world.scheduler.is_done(), "a process was left");
    world
}

/// As [`run`], but says which seed failed.
fn run_told(seed: u64) -> World {
    std::panic::catch_unwind(|| run(seed)).unwrap_or_else(|_| panic!("seed {seed}"))
}

#[test]
fn every_job_finishes_once_whatever_crashes() {
    let seeds = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(2_000);
    let mut counts = BTreeMap::new();
    for seed in 0..seeds {
        let world = run_told(seed);
        for outcome in world.finished.into_values() {
            *counts.entry(format!("{outcome:?}")).or_insert(0_u64) += 1;
        }
        for line in world.trace {
            let action = line.trim_start().split(['(', ' ']).next().unwrap_or_default().to_owned();
            *counts.entry(action).or_insert(0) += 1;
        }
    }
    // The simulation must reach everything, or it tests less than it claims.
    for name in ["Returned", "Crashed(1)", "Crashed(3)", "TimedOut", "Cancelled", "NoWorkers"] {
        assert!(counts.contains_key(name), "no run ended a job as {name}: {counts:?}");
    }
    for name in ["Spawn", "Assign", "Kill", "Leave", "Divide", "Finish"] {
        assert!(counts.contains_key(name), "no run had {name}: {counts:?}");
    }
    for name in ["Misbehaved", "Undelivered", "Withdraw", "CallBegan", "CallEnded"] {
        assert!(counts.contains_key(name), "no run had {name}: {counts:?}");
    }
}

#[test]
fn one_seed_gives_one_history() {
    let [first, second] = [run(7), run(7)];
    assert_eq!(first.trace, second.trace);
}
