//! Decides which worker runs which job, and what to do when a worker dies.
//!
//! No IO, no clock, no threads. The driver reports [`Event`]s with the current time, then drains
//! [`Scheduler::poll_action`] until it returns `None`, then waits for the next event or for
//! [`Scheduler::poll_timeout`]. Payloads never pass through here: the scheduler moves ids, the
//! driver moves bytes.
//!
//! Invariants, which the tests check after every event:
//!
//! - A job is queued, or in flight on exactly one worker, or finished.
//! - `Action::Finish` or `Action::Divide` is emitted exactly once for each submitted job.
//! - A worker id names one process, and is never used again once that process has exited.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use parzen_worker::protocol::{JobId, WorkerId};

use super::{
    life::{Cause, End, Phase, Worker, u32_of},
    orders::{Action, At, Config, Event, Notice, Outcome, Place, Reason},
};

mod ends;

/// After a failed start, while other workers do their work: the pause before the next try, which
/// doubles with each, up to 128 times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Time in which the end of a worker that has closed its channel is reported, if it has come to one.
const FAREWELL: Duration = Duration::from_secs(5);

/// Besides the crashes that a job may be running through: workers that may be lost with it before
/// they begin it, or after they are done with it. Whoever allows jobs to crash often expects that
/// workers are killed.
const LOST_IN_VAIN: u32 = 2;

#[derive(Clone, Copy, Debug)]
struct Job {
    /// Processes that died running it.
    crashes: u32,
    /// Processes that were lost with it, and did not run it as they died.
    in_vain: u32,
    divisible: bool,
    /// When it was sent to the worker where it is.
    sent: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stage {
    Open,
    Closed,
    Stopped,
}

/// See the [module documentation](self).
#[derive(Debug)]
pub(crate) struct Scheduler {
    config: Config,
    stage: Stage,
    next_worker: u32,
    failed_starts: u32,
    /// No worker is started before.
    pause_until: Option<Instant>,
    /// Calls that submit jobs on their own.
    open_calls: u32,
    /// Jobs whose pieces are not all submitted yet.
    dividing: u32,
    /// Whether a worker was ever ready.
    proven: bool,
    /// Whether all workers ever were, at once.
    complete: bool,
    broken: bool,
    queue: VecDeque<JobId>,
    /// Every unfinished job.
    jobs: BTreeMap<JobId, Job>,
    workers: BTreeMap<WorkerId, Worker>,
    actions: VecDeque<Action>,
}

impl Scheduler {
    /// Creates a scheduler without workers; [`Event::Start`] starts them.
    #[must_use]
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            stage: Stage::Open,
            next_worker: 0,
            failed_starts: 0,
            pause_until: None,
            open_calls: 0,
            dividing: 0,
            proven: false,
            complete: false,
            broken: false,
            queue: VecDeque::new(),
            jobs: BTreeMap::new(),
            workers: BTreeMap::new(),
            actions: VecDeque::new(),
        }
    }

    /// Takes in one event. Drain [`Self::poll_action`] before the next.
    pub(crate) fn handle(&mut self, now: Instant, event: Event) {
        match event {
            Event::Start => {}
            Event::Submit { job, place, divisible, crashes } => {
                self.on_submit(job, place, Job { crashes, in_vain: 0, divisible, sent: None });
            }
            Event::Divided => self.dividing = self.dividing.saturating_sub(1),
            Event::Cancel(job) => self.on_cancel(job),
            Event::Withdraw(job) => self.on_withdraw(job),
            Event::Ready(worker) => self.on_ready(now, worker),
            Event::Began(worker, job, at) => self.on_began(worker, job, at),
            Event::Returned(worker, job) => self.on_returned(now, worker, job),
            Event::Misbehaved(worker) => self.on_misbehaved(now, worker),
            Event::Undelivered(worker, job) => {
                self.kill_for(worker, Reason::Undelivered, Cause::Deaf(job));
            }
            Event::Gone(worker) => self.on_gone(now, worker),
            Event::Struck(worker) => self.on_struck(worker),
            Event::Exited(worker, at) => self.on_exited(now, worker, at),
            Event::Timeout => self.on_timeout(now),
            Event::CallBegan => self.open_calls += 1,
            Event::CallEnded => self.open_calls = self.open_calls.saturating_sub(1),
            Event::Close => self.stage = self.stage.max(Stage::Closed),
            Event::Stop { grace } => self.on_stop(now, grace),
        }
        self.close_when_done(now);
        self.start_workers(now);
        // The pieces of a job come last first, and are to be given out in their order.
        if self.dividing == 0 {
            self.assign(now);
        }
    }

    /// The next thing to do, or `None` when there is nothing until the next event.
    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When to report [`Event::Timeout`], if nothing else happens first.
    #[must_use]
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.workers.values().filter_map(Worker::deadline).chain(self.pause_until).min()
    }

    /// Whether no more jobs will come, every job is finished and every process gone.
    #[must_use]
    pub(crate) fn is_done(&self) -> bool {
        self.stage != Stage::Open && self.has_no_work() && self.workers.is_empty()
    }

    /// Whether the pool takes jobs and keeps its workers running.
    #[must_use]
    pub(crate) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    /// Whether every job is finished and no call will submit more.
    fn has_no_work(&self) -> bool {
        let may_submit = 0 < self.open_calls && self.stage != Stage::Stopped;
        self.jobs.is_empty() && self.dividing == 0 && !may_submit
    }

    /// Whether no worker can be started.
    #[must_use]
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether `job` is the one that `worker` may now report on.
    #[must_use]
    pub(crate) fn is_running(&self, worker: WorkerId, job: JobId) -> bool {
        self.workers.get(&worker).is_some_and(|worker| worker.in_flight.front() == Some(&job))
    }

    fn on_submit(&mut self, id: JobId, place: Place, job: Job) {
        let old = self.jobs.insert(id, job);
        debug_assert!(old.is_none(), "{id:?} was submitted twice");
        if self.stage == Stage::Stopped {
            self.finish(id, Outcome::Cancelled);
        } else if self.broken {
            self.finish(id, Outcome::NoWorkers);
        } else if self.config.max_crashes < job.crashes {
            self.finish(id, Outcome::Crashed(job.crashes));
        } else {
            match place {
                Place::Front => self.queue.push_front(id),
                Place::Back => self.queue.push_back(id),
            }
        }
    }

    fn on_cancel(&mut self, job: JobId) {
        if !self.jobs.contains_key(&job) {
            return; // Finished while the cancellation was on its way.
        }
        let holder = self.workers.iter().find(|(_, worker)| worker.in_flight.contains(&job));
        match holder.map(|(&id, worker)| (id, worker.in_flight.front() == Some(&job))) {
            // It may be in the middle of it: only the process's end stops it.
            Some((id, true)) => self.kill(id, Reason::Cancelled),
            // Sent, not begun. If the worker comes to it, it is killed then.
            Some((_, false)) | None => self.queue.retain(|&queued| queued != job),
        }
        self.finish(job, Outcome::Cancelled);
    }

    fn on_withdraw(&mut self, job: JobId) {
        if let Some(idx) = self.queue.iter().rposition(|&queued| queued == job) {
            self.queue.remove(idx);
            self.finish(job, Outcome::Cancelled);
        }
    }

    fn on_ready(&mut self, now: Instant, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if let Phase::Starting { .. } = worker.phase {
            self.proven = true;
            worker.phase = Phase::Ready { since: now, deadline: None, has_begun: false };
            let ready = self.workers.values().filter(|worker| worker.is_ready()).count();
            self.complete |= self.config.workers.get() <= u32_of(ready);
        }
    }

    /// Counts the time of a running job from when it began, rather than from when its worker was
    /// free for it. What it says first counts, or a worker could put off its end for ever.
    fn on_began(&mut self, id: WorkerId, job: JobId, at: Instant) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        let sent = self.jobs.get(&job).and_then(|job| job.sent);
        if let Phase::Ready { deadline, has_begun, .. } = &mut worker.phase
            && worker.in_flight.front() == Some(&job)
            && !*has_begun
        {
            *has_begun = true;
            // Nothing is begun before it is sent, or a worker could end a job that has just come.
            let began = sent.map_or(at, |sent| at.max(sent));
            *deadline = self.config.job_timeout.and_then(|limit| began.checked_add(limit));
        }
    }

    fn on_returned(&mut self, now: Instant, id: WorkerId, job: JobId) {
        // A process that exited is not in the map: whatever it still had to say is stale, and its
        // jobs are queued again already.
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if worker.in_flight.front() != Some(&job) {
            return;
        }
        worker.in_flight.pop_front();
        worker.returned += 1;
        self.failed_starts = 0;
        let next = worker.in_flight.front();
        // Cancelled while it waited there. It may run for ever, so it must not run.
        let is_unwanted = next.is_some_and(|next| !self.jobs.contains_key(next));
        match &mut worker.phase {
            Phase::Ready { .. } if is_unwanted => self.kill(id, Reason::Cancelled),
            Phase::Ready { deadline, has_begun, .. } => {
                let limit = next.and(self.config.job_timeout);
                *deadline = limit.and_then(|limit| now.checked_add(limit));
                *has_begun = false;
            }
            // It may have been another that it was not sent.
            Phase::Dying(Cause::Deaf(_)) => {}
            // What it was killed for is done after all, and the next job is not to blame.
            Phase::Dying(cause) => *cause = Cause::Ordered,
            Phase::Starting { .. } | Phase::Leaving { .. } | Phase::Gone { .. } => {}
        }
        self.let_go_if_spent(now, id);
        // A cancelled job is no longer in `jobs`, and was finished then.
        if self.jobs.contains_key(&job) {
            self.finish(job, Outcome::Returned);
        }
    }

    fn on_misbehaved(&mut self, now: Instant, id: WorkerId) {
        // The next would do the same, at once, and so on for ever.
        let was_of_no_use = self.workers.get(&id).is_some_and(|worker| worker.is_of_no_use(now));
        let cause = if was_of_no_use { Cause::NoUse } else { Cause::Misbehaved };
        self.kill_for(id, Reason::Misbehaved, cause);
    }

    /// Leaves a worker to its end, which tells what to think of it. That is reported any moment.
    fn on_gone(&mut self, now: Instant, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if let Phase::Ready { .. } = worker.phase {
            worker.phase = Phase::Gone { deadline: now.checked_add(FAREWELL) };
        }
    }

    fn on_struck(&mut self, id: WorkerId) {
        // One that leaves has what was promised: the time for its last job.
        if self.workers.get(&id).is_some_and(Worker::is_ready) {
            self.kill(id, Reason::Chaos);
        }
    }

    /// Asks a worker to leave that has done all the jobs one worker may do.
    fn let_go_if_spent(&mut self, now: Instant, id: WorkerId) {
        if self.workers.get(&id).is_some_and(|worker| worker.is_spent(&self.config)) {
            self.ask_to_leave(now, id, self.config.stop_grace);
        }
    }

    fn on_exited(&mut self, now: Instant, id: WorkerId, at: At) {
        let Some(worker) = self.workers.remove(&id) else { return };
        let end = self.end_of(now, &worker, at);
        self.tell(Notice::Buried(id, self.verdict(&worker, end)));
        match end {
            End::Expected | End::Idle => {}
            End::FailedStart { allowed } => self.on_failed_start(now, allowed),
            // Or workers that die of a job before they begin it would follow one another for ever.
            End::InVain { job, late: false } => self.lose_in_vain(job, Outcome::Lost),
            End::InVain { job, late: true } => self.lose_in_vain(job, |_| Outcome::NotBegun),
            End::Late(job) => self.finish(job, Outcome::TimedOut),
            End::Crashed(job, item) => self.blame(job, item),
        }
        if self.config.once && self.stage != Stage::Stopped {
            // Whatever it died of, it may have begun this one.
            let begun = worker.in_flight.front().filter(|job| self.jobs.contains_key(job));
            if let Some(&job) = begun {
                self.finish(job, Outcome::Crashed(1));
            }
        }
        // To the front, last first, so that an ordered reader is not kept waiting.
        for job in worker.in_flight.into_iter().rev() {
            if self.stage == Stage::Stopped && self.jobs.contains_key(&job) {
                self.finish(job, Outcome::Cancelled);
            } else if self.jobs.contains_key(&job) {
                self.queue.push_front(job);
                let charged = matches!(end, End::Crashed(crashed, _) if crashed == job);
                self.tell(Notice::Requeued { job, charged });
            }
        }
    }

    /// Tries again, or gives up if more than `allowed` starts in a row were in vain.
    fn on_failed_start(&mut self, now: Instant, allowed: u32) {
        if self.broken {
            return;
        }
        let some_work = self.workers.values().any(Worker::is_ready);
        if some_work && self.pause_until.is_some_and(|until| now < until) {
            // One that was started with the last that failed: not another try.
            return;
        }
        self.failed_starts = self.failed_starts.saturating_add(1);
        if some_work {
            // What keeps others from starting may pass.
            let pause = FIRST_PAUSE * (1 << (self.failed_starts - 1).min(7));
            self.pause_until = now.checked_add(pause);
        }
        // Once all have been there, those that are go on; but nobody waits for ever for the first.
        if self.failed_starts <= allowed || (some_work && self.complete) {
            return;
        }
        self.broken = true;
        self.tell(Notice::Broken);
        self.fail_all(Outcome::NoWorkers);
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        ids.into_iter().for_each(|id| self.kill(id, Reason::Broken));
    }

    /// Charges the job that a dead worker ran, or, of a batch, the item.
    fn blame(&mut self, id: JobId, item: Option<u32>) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        if job.divisible {
            self.divide(id, item);
            return;
        }
        job.crashes += 1;
        let crashes = job.crashes;
        if self.config.max_crashes < crashes {
            self.finish(id, Outcome::Crashed(crashes));
        }
    }

    /// Counts a worker that was lost with a job that it did not run. After too many it is taken that
    /// the job is why, and it fails with the `outcome` of so many losses; of a batch it is then to
    /// be found out which item.
    fn lose_in_vain(&mut self, id: JobId, outcome: fn(u32) -> Outcome) {
        let Some(job) = self.jobs.get_mut(&id) else { return };
        job.in_vain += 1;
        let lost = job.crashes.saturating_add(job.in_vain);
        let Config { once, max_crashes, .. } = self.config;
        let allowed = if once { 0 } else { max_crashes.saturating_add(LOST_IN_VAIN) };
        if job.in_vain <= allowed {
            return;
        }
        if job.divisible {
            self.divide(id, None);
        } else {
            self.finish(id, outcome(lost));
        }
    }

    fn divide(&mut self, id: JobId, charged: Option<u32>) {
        self.jobs.remove(&id);
        self.dividing += 1;
        self.actions.push_back(Action::Divide { job: id, charged });
    }

    fn on_timeout(&mut self, now: Instant) {
        let is_late = |worker: &Worker| worker.deadline().is_some_and(|deadline| deadline <= now);
        let late = self.workers.iter().filter(|(_, worker)| is_late(worker));
        let late: Vec<_> = late.map(|(&id, worker)| (id, worker.lateness())).collect();
        for (id, (reason, cause)) in late {
            self.kill_for(id, reason, cause);
        }
    }

    fn on_stop(&mut self, now: Instant, grace: Option<Duration>) {
        self.stage = Stage::Stopped;
        for job in std::mem::take(&mut self.queue) {
            self.finish(job, Outcome::Cancelled);
        }
        if grace.is_none() {
            self.fail_all(Outcome::Cancelled);
        }
        // Those that leave already, or are gone, may have been given longer.
        let limit = grace.and_then(|grace| now.checked_add(grace));
        self.workers.values_mut().for_each(|worker| worker.hasten(limit));
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        for id in ids {
            match (grace, self.workers[&id].phase) {
                (Some(grace), Phase::Ready { .. }) => self.ask_to_leave(now, id, grace),
                (Some(_), Phase::Leaving { .. } | Phase::Gone { .. }) => {}
                (Some(_) | None, _) => self.kill(id, Reason::Stopped),
            }
        }
    }

    /// Lets the workers go once the pool is closed and nothing is left to do.
    fn close_when_done(&mut self, now: Instant) {
        if self.stage != Stage::Closed || !self.has_no_work() {
            return;
        }
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        for id in ids {
            match self.workers[&id].phase {
                Phase::Ready { .. } => self.ask_to_leave(now, id, self.config.stop_grace),
                Phase::Starting { .. } => self.kill(id, Reason::Stopped),
                Phase::Leaving { .. } | Phase::Gone { .. } | Phase::Dying(_) => {}
            }
        }
    }

    fn start_workers(&mut self, now: Instant) {
        let wanted = match self.stage {
            _ if self.broken => 0,
            Stage::Stopped => 0,
            // A worker that died is replaced only while there is work left for it.
            Stage::Closed if self.open_calls == 0 => {
                self.config.workers.get().min(u32_of(self.jobs.len()))
            }
            Stage::Open | Stage::Closed => self.config.workers.get(),
        };
        if self.pause_until.is_some_and(|until| now < until) {
            return;
        }
        self.pause_until = None;
        while u32_of(self.workers.len()) < wanted {
            let id = WorkerId::new(self.next_worker);
            self.next_worker += 1;
            let phase = Phase::Starting { deadline: now.checked_add(self.config.start_timeout) };
            self.workers.insert(id, Worker { phase, in_flight: VecDeque::new(), returned: 0 });
            self.actions.push_back(Action::Spawn(id));
        }
    }

    /// Gives ready workers their next jobs, the emptiest first.
    fn assign(&mut self, now: Instant) {
        while let Some(&job) = self.queue.front() {
            // Near the end of the work a job that waits behind a long one is better left for
            // whoever is free first.
            let is_plenty = self.workers.len() < self.queue.len();
            let depth = if is_plenty { self.config.depth.get() as usize } else { 1 };
            let config = &self.config;
            let emptiest = self
                .workers
                .iter_mut()
                .filter(|(_, worker)| matches!(worker.phase, Phase::Ready { .. }))
                .filter(|(_, worker)| worker.in_flight.len() < depth && worker.has_room(config))
                .min_by_key(|(_, worker)| worker.in_flight.len());
            let Some((&id, worker)) = emptiest else { return };
            self.queue.pop_front();
            if worker.in_flight.is_empty()
                && let Phase::Ready { deadline, .. } = &mut worker.phase
            {
                *deadline = self.config.job_timeout.and_then(|limit| now.checked_add(limit));
            }
            worker.in_flight.push_back(job);
            let attempt = self.jobs.get_mut(&job).map_or(0, |job| {
                job.sent = Some(now);
                job.crashes
            });
            self.actions.push_back(Action::Assign { worker: id, job, attempt });
        }
    }

    fn kill(&mut self, id: WorkerId, reason: Reason) {
        self.kill_for(id, reason, Cause::from(reason));
    }

    fn kill_for(&mut self, id: WorkerId, reason: Reason, cause: Cause) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if !matches!(worker.phase, Phase::Dying(_)) {
            worker.phase = Phase::Dying(cause);
            self.actions.push_back(Action::Kill(id, reason));
        }
    }

    fn ask_to_leave(&mut self, now: Instant, id: WorkerId, grace: Duration) {
        let Some(worker) = self.workers.get_mut(&id) else { return };
        if let Phase::Ready { .. } = worker.phase {
            worker.phase = Phase::Leaving { deadline: now.checked_add(grace) };
            self.actions.push_back(Action::Leave(id));
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.actions.push_back(Action::Tell(notice));
    }

    fn finish(&mut self, job: JobId, outcome: Outcome) {
        let known = self.jobs.remove(&job);
        debug_assert!(known.is_some(), "{job:?} finished twice");
        self.actions.push_back(Action::Finish(job, outcome));
    }

    fn fail_all(&mut self, outcome: Outcome) {
        self.queue.clear();
        while let Some((&job, _)) = self.jobs.first_key_value() {
            self.finish(job, outcome);
        }
    }

    /// Asserts the invariants in the module documentation.
    #[cfg(test)]
    pub(crate) fn check(&self) {
        let mut seen = std::collections::BTreeSet::new();
        for job in &self.queue {
            assert!(self.jobs.contains_key(job), "{job:?} is queued and finished");
            assert!(seen.insert(*job), "{job:?} is queued twice");
        }
        for worker in self.workers.values() {
            assert!(worker.in_flight.len() <= self.config.depth.get() as usize);
            for job in worker.in_flight.iter().filter(|job| self.jobs.contains_key(job)) {
                assert!(seen.insert(*job), "{job:?} is in two places");
            }
        }
        assert_eq!(seen.len(), self.jobs.len(), "a job is nowhere");
        assert!(self.workers.len() <= self.config.workers.get() as usize);
    }
}
