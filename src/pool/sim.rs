//! Drives a [`Scheduler`] through a simulated world: processes that start, crash, hang, misbehave
//! and answer late, in an order drawn from a seed.
//!
//! `scripts/mutants` plants bugs in the scheduler, one after another, and this must notice each.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    num::NonZeroU32,
    time::{Duration, Instant},
};

use parzen_worker::protocol::{JobId, WorkerId};

use super::scheduler::{Action, Config, Event, Outcome, Place, Scheduler};

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

#[derive(Debug, Default)]
struct Process {
    ready: bool,
    doomed: bool,
    /// It was asked to leave.
    leaving: bool,
    /// It sent nonsense.
    misbehaved: bool,
    /// Never gets as far as its handshake.
    hung: bool,
    inbox: VecDeque<JobId>,
    returned: u32,
    /// When the job at the front of `inbox` came to be there.
    front_since: Option<Instant>,
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
    /// Times a job was the running one as its process died, cancellation and limits apart.
    deaths: BTreeMap<JobId, u32>,
    next_job: u64,
    /// The job the process now exiting was truly late with, if it was.
    overdue: Option<JobId>,
    poison: BTreeSet<JobId>,
    stopped: bool,
    closed: bool,
    /// Processes running a job that was cancelled while handling the event.
    must_die: Vec<WorkerId>,
    assigned: Vec<JobId>,
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
            stop_grace: Duration::from_secs(2),
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
            deaths: BTreeMap::new(),
            next_job: 0,
            overdue: None,
            poison: BTreeSet::new(),
            stopped: false,
            closed: false,
            must_die: Vec::new(),
            assigned: Vec::new(),
            trace: vec![format!("{config:?}")],
        };
        world.feed(Event::Start);
        assert_eq!(world.processes.len(), config.workers.get() as usize, "all start at once");
        world
    }

    fn submit(&mut self) {
        let job = JobId::new(self.next_job);
        self.next_job += 1;
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

    /// With one worker holding one job, jobs are first assigned in the order submitted, and a job
    /// whose worker died is assigned again before any later one. Divided jobs have new numbers.
    fn order_is_kept(&self) -> bool {
        let single = self.config.workers.get() == 1 && self.config.depth.get() == 1;
        !single || !self.divisible.is_empty() || self.assigned.is_sorted()
    }

    fn feed(&mut self, event: Event) {
        self.feed_one(event);
        while let Some(piece) = self.pieces.pop_back() {
            self.feed_one(piece);
        }
    }

    fn feed_one(&mut self, event: Event) {
        self.trace.push(format!("{event:?}"));
        self.stopped |= matches!(event, Event::Stop { .. });
        self.closed |= matches!(event, Event::Close);
        self.scheduler.handle(self.now, event);
        while let Some(action) = self.scheduler.poll_action() {
            self.trace.push(format!("    {action:?}"));
            self.carry_out(action);
        }
        for id in self.must_die.drain(..) {
            assert!(self.processes[&id].doomed, "{id:?} still runs a cancelled job");
        }
        self.scheduler.check();
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Spawn(id) => {
                assert!(!self.stopped, "{id:?} was started after the stop");
                let hung = self.rng.one_in(10);
                let old = self.processes.insert(id, Process { hung, ..Process::default() });
                assert!(old.is_none(), "{id:?} was used before");
            }
            Action::Assign { worker, job, attempt } => {
                let deaths = self.deaths.get(&job).copied().unwrap_or(0);
                assert_eq!(attempt, deaths, "{job:?} was lost so often");
                let process = self.processes.get_mut(&worker).unwrap();
                assert!(process.ready, "{worker:?} was given a job before it was ready");
                assert!(!process.doomed, "{worker:?} was given a job after it was killed");
                assert!(!process.leaving, "{worker:?} was given a job after it was asked to leave");
                process.front_since.get_or_insert(self.now);
                process.inbox.push_back(job);
                let given = process.returned + u32::try_from(process.inbox.len()).unwrap();
                assert!(self.config.jobs_per_worker.is_none_or(|most| given <= most.get()));
                self.assigned.push(job);
            }
            Action::Leave(id) => {
                let process = self.processes.get_mut(&id).unwrap();
                assert!(process.ready && !process.doomed && !process.leaving, "{id:?}");
                assert!(process.inbox.is_empty() || self.stopped, "{id:?} has jobs to do");
                process.leaving = true;
            }
            Action::Kill(id) => {
                let broken = self.scheduler.is_broken();
                let process = self.processes.get_mut(&id).unwrap();
                assert!(!process.doomed, "{id:?} was killed twice");
                assert!(
                    !process.ready
                        || !process.inbox.is_empty()
                        || process.leaving
                        || process.misbehaved
                        || self.stopped
                        || broken,
                    "{id:?} was killed while it had nothing to do"
                );
                process.doomed = true;
            }
            Action::Divide(job) => {
                let items = self.divisible.get(&job).copied().expect("only a batch is divided");
                assert!(self.finished.insert(job, Outcome::Returned).is_none(), "{job:?}");
                let poisoned = self.poison.contains(&job);
                for item in 0..items {
                    let piece = JobId::new(self.next_job);
                    self.next_job += 1;
                    if poisoned && item == 0 {
                        self.poison.insert(piece);
                    }
                    let place = Place::Front;
                    self.pieces.push_back(Event::Submit { job: piece, place, divisible: false });
                }
            }
            Action::Finish(job, outcome) => self.finish(job, outcome),
        }
    }

    fn finish(&mut self, job: JobId, outcome: Outcome) {
        match outcome {
            Outcome::TimedOut => {
                assert_eq!(self.overdue.take(), Some(job), "{job:?} was not late");
            }
            Outcome::Crashed(n) => {
                assert_eq!(self.deaths.get(&job), Some(&n), "{job:?} did not crash so often");
                assert_eq!(n, self.config.max_crashes + 1);
            }
            Outcome::Cancelled if !self.stopped => {
                let running = |process: &Process| process.inbox.front() == Some(&job);
                let runs = self.processes.iter().filter(|(_, p)| running(p) && !p.leaving);
                self.must_die.extend(runs.map(|(&id, _)| id));
            }
            Outcome::Cancelled | Outcome::Returned | Outcome::NoWorkers => {}
        }
        let old = self.finished.insert(job, outcome);
        assert_eq!(old, None, "{job:?} finished twice");
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
        if process.doomed || poisoned || (chaos && self.rng.one_in(12)) {
            self.exit(id);
        } else if chaos && self.rng.one_in(40) && process.ready {
            if let Some(job) = front {
                // It will be killed for this, and charged as if it had crashed.
                *self.deaths.entry(job).or_insert(0) += 1;
            }
            process.misbehaved = true;
            self.feed(Event::Misbehaved(id));
            assert!(self.processes[&id].doomed, "{id:?} may not live on");
        } else if (chaos && self.rng.one_in(6)) || process.hung {
            // It hangs for now, or for ever.
        } else if !process.ready {
            process.ready = true;
            self.feed(Event::Ready(id));
        } else if let Some(job) = process.inbox.pop_front() {
            process.front_since = process.inbox.front().map(|_| self.now);
            process.returned += 1;
            self.feed(Event::Returned(id, job));
        } else if process.leaving {
            self.exit(id);
        }
        true
    }

    fn exit(&mut self, id: WorkerId) {
        let process = self.processes.remove(&id).unwrap();
        let front = process.inbox.front().copied();
        let late = process.front_since.zip(self.config.job_timeout);
        self.overdue = late.filter(|&(since, limit)| limit <= self.now - since).and(front);
        if let Some(job) = front
            && !process.doomed
            && !process.leaving
        {
            *self.deaths.entry(job).or_insert(0) += 1;
        }
        self.stale.push(Event::Ready(id));
        self.stale.extend(process.inbox.iter().map(|&job| Event::Returned(id, job)));
        self.feed(Event::Exited(id));
    }
}

fn epoch() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any epoch does: only differences count")]
    Instant::now()
}

/// Whatever may happen, happens.
fn run_chaos(world: &mut World, cancelled: &mut Vec<JobId>) {
    match world.rng.below(20) {
        0..4 if world.next_job < 60 && !world.closed => world.submit(),
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
        _ => {
            world.step(true);
        }
    }
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    let mut cancelled = Vec::new();
    let steps = world.rng.below(600);
    for _ in 0..steps {
        run_chaos(&mut world, &mut cancelled);
    }
    let leave_early = world.rng.one_in(4);
    if leave_early {
        let grace = world.rng.one_in(2).then_some(Duration::from_secs(2));
        world.feed(Event::Stop { grace });
    }
    // Calm: nothing crashes unasked. Whatever was submitted must now finish.
    for _ in 0..20_000 {
        if world.finished.len() as u64 == world.next_job {
            break;
        }
        if !world.step(false) {
            break;
        }
        if world.rng.one_in(50) {
            world.wait();
        }
    }
    assert_eq!(world.finished.len() as u64, world.next_job, "jobs were lost");
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
    assert!(world.order_is_kept(), "a requeued job lost its place");
    if !leave_early {
        world.feed(Event::Close);
    }
    for _ in 0..2_000 {
        world.step(false);
        if world.rng.one_in(50) {
            world.wait();
        }
    }
    assert!(world.scheduler.is_done(), "a process was left");
    world
}

/// As [`run`], but says which seed failed, and how it came to it.
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
    for name in ["Spawn", "Assign", "Kill", "Leave", "Divide", "Finish", "Misbehaved", "Withdraw"] {
        assert!(counts.contains_key(name), "no run had {name}: {counts:?}");
    }
}

#[test]
fn one_seed_gives_one_history() {
    assert_eq!(run(7).trace.len(), run(7).trace.len());
    assert_eq!(run(11).assigned, run(11).assigned);
}

/// Feeds events and returns the actions, in order.
fn play(config: Config, events: &[Event]) -> Vec<Action> {
    let now = epoch();
    let mut scheduler = Scheduler::new(config);
    let mut actions = Vec::new();
    for &event in events {
        scheduler.handle(now, event);
        actions.extend(std::iter::from_fn(|| scheduler.poll_action()));
        scheduler.check();
    }
    actions
}

const ONE: Config = Config {
    workers: NonZeroU32::MIN,
    depth: NonZeroU32::MIN,
    max_crashes: 0,
    max_failed_starts: 1,
    start_timeout: Duration::from_secs(5),
    job_timeout: None,
    stop_grace: Duration::from_secs(2),
    jobs_per_worker: None,
};

fn submit(job: JobId) -> Event {
    Event::Submit { job, place: Place::Back, divisible: false }
}

#[test]
fn a_returned_job_clears_the_count_of_failed_starts() {
    let [a, b, c, d] = [0, 1, 2, 3].map(WorkerId::new);
    let (t, u) = (JobId::new(1), JobId::new(2));
    let actions = play(
        ONE,
        &[
            Event::Start,
            Event::Exited(a), // Failed start 1 of the 1 allowed.
            Event::Ready(b),
            submit(t),
            Event::Returned(b, t),
            submit(u),
            Event::Exited(b), // `u` was running: its fault, not the start's.
            Event::Exited(c), // 1 again, not 2.
            Event::Exited(d), // One too many.
            submit(JobId::new(3)),
        ],
    );
    assert_eq!(
        actions,
        [
            Action::Spawn(a),
            Action::Spawn(b),
            Action::Assign { worker: b, job: t, attempt: 0 },
            Action::Finish(t, Outcome::Returned),
            Action::Assign { worker: b, job: u, attempt: 0 },
            Action::Finish(u, Outcome::Crashed(1)),
            Action::Spawn(c),
            Action::Spawn(d),
            Action::Finish(JobId::new(3), Outcome::NoWorkers),
        ]
    );
}

#[test]
fn a_program_that_never_says_hello_is_not_tried_twice() {
    let a = WorkerId::new(0);
    let mut scheduler = Scheduler::new(ONE);
    let now = epoch();
    for (at, event) in [(0, Event::Start), (5, Event::Timeout), (5, Event::Exited(a))] {
        scheduler.handle(now + Duration::from_secs(at), event);
    }
    let actions: Vec<_> = std::iter::from_fn(|| scheduler.poll_action()).collect();
    assert_eq!(actions, [Action::Spawn(a), Action::Kill(a)]);
    assert!(scheduler.is_broken());
}

#[test]
fn a_program_that_is_ready_and_leaves_is_a_failed_start() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let events =
        [Event::Start, Event::Ready(a), Event::Exited(a), Event::Ready(b), Event::Exited(b)];
    assert_eq!(play(ONE, &events), [Action::Spawn(a), Action::Spawn(b)]);
}

#[test]
fn the_last_jobs_are_not_queued_behind_others() {
    let [a, b] = [0, 1].map(WorkerId::new);
    let two = NonZeroU32::new(2).unwrap();
    let config = Config { workers: two, depth: two, ..ONE };
    let start = [Event::Start, Event::Ready(a), Event::Ready(b)];
    let few: Vec<_> = (0..4).map(JobId::new).map(submit).collect();
    let assigned = |events: &[Event]| {
        let actions = play(config, events);
        actions.iter().filter(|action| matches!(action, Action::Assign { .. })).count()
    };
    assert_eq!(assigned(&[&start[..], &few].concat()), 2, "one each, two wait");
    let many: Vec<_> = (0..9).map(JobId::new).map(submit).collect();
    assert_eq!(assigned(&[&start[..], &many].concat()), 4, "two each while there is plenty");
}

#[test]
fn a_worker_that_comes_to_a_cancelled_job_is_killed() {
    let a = WorkerId::new(0);
    let config = Config { depth: NonZeroU32::new(2).unwrap(), ..ONE };
    let [first, cancelled, third] = [0, 1, 2].map(JobId::new);
    let mut events = vec![Event::Start];
    // All before it is ready: with so many in the queue it gets two at once.
    events.extend([first, cancelled, third].map(submit));
    events.extend([Event::Ready(a), Event::Cancel(cancelled)]);
    let until_then = play(config, &events);
    assert!(!until_then.contains(&Action::Kill(a)), "it runs another");
    events.push(Event::Returned(a, first));
    assert_eq!(
        play(config, &events)[until_then.len()..],
        [Action::Kill(a), Action::Finish(first, Outcome::Returned)]
    );
}
