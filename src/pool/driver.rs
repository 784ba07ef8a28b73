//! Carries out what the scheduler decides.
//!
//! A monitor: whoever brings an [`Event`] (a caller, a pump, the watch) takes the lock, lets the
//! scheduler decide, and carries out the actions itself. A job thus goes from the caller's thread
//! straight into its worker's socket, and a result from the pump straight to its caller; a thread of
//! the driver's own in between would cost each of them a wake-up. Nothing done under the lock
//! blocks: jobs are sent within what the sockets take (see `settings`), processes are started and
//! reaped by pumps.

use std::{
    cell::Cell,
    collections::VecDeque,
    io,
    ops::Range,
    os::fd::OwnedFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ipc_channel::ipc::IpcBytesSender;
use parzen_worker::{
    clock,
    protocol::{Body, Control, JobId, ResultHeader, WorkerId},
};
use rustix::event::{EventfdFlags, eventfd};

use super::{
    death::Death,
    error::{Error, Kind, StartError},
    event, herald,
    job::Job,
    orders::{Action, At, Event, Outcome, Place},
    pump,
    settings::Builder,
    sink::Sink,
    state::{Process, State, Worker},
    usage::{Usage, WorkerUsage},
    watch,
};

thread_local! {
    static OWN_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as one of a pool's own: it must not wait for a pool to be done, since the pool
/// may be waiting for it.
pub(super) fn mark_own_thread() {
    OWN_THREAD.set(true);
}

/// See the [module documentation](self).
pub(super) struct Driver {
    pub(super) settings: Builder,
    state: Mutex<State>,
    /// Notified when a worker is ready or gone.
    changed: Condvar,
    /// Written to wake the watch.
    pub(super) waker: OwnedFd,
}

/// Threads of a pool that are not its workers'.
#[derive(Debug)]
pub(super) struct Threads {
    pub(super) watch: JoinHandle<()>,
    /// Tells events, if somebody wants to know them.
    pub(super) telling: Option<JoinHandle<()>>,
}

/// What a pump does with results.
pub(super) enum Claim {
    /// Give them to the sink: they are these items of its call.
    Deliver(Arc<dyn Sink>, Range<u64>),
    /// Nobody wants them any more.
    Unwanted,
    /// No worker in its right mind sends them.
    Nonsense,
}

#[expect(clippy::disallowed_methods, reason = "the driver gives the scheduler its time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

impl Driver {
    /// Makes the pool's state and its watch. [`Event::Start`] has the workers started.
    pub(super) fn start(settings: Builder) -> io::Result<(Arc<Self>, Threads)> {
        let (herald, telling) = herald::start(settings.on_event.clone())?.unzip();
        let state = State::new(&settings, herald);
        let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let driver =
            Arc::new(Self { settings, state: Mutex::new(state), changed: Condvar::new(), waker });
        let watched = Arc::clone(&driver);
        let watch = thread::Builder::new()
            .name("pool-watch".to_owned())
            .spawn(move || watch::run(&watched))?;
        Ok((driver, Threads { watch, telling }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the scheduler what happened, and does what it decides.
    pub(super) fn feed(self: &Arc<Self>, event: Event) {
        self.feed_locked(self.lock(), VecDeque::from([event]));
    }

    fn feed_locked(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        mut events: VecDeque<Event>,
    ) {
        let mut is_news = false;
        while let Some(event) = events.pop_front() {
            is_news |= !matches!(event, Event::Submit { .. } | Event::Returned(..));
            state.scheduler.handle(now(), event);
            while let Some(action) = state.scheduler.poll_action() {
                self.carry_out(&mut state, action, &mut events);
            }
        }
        if let Some(deadline) = state.deadline()
            && state.watch_until.is_none_or(|until| deadline < until)
        {
            state.watch_until = Some(deadline);
            self.wake_watch();
        }
        if is_news {
            self.changed.notify_all();
        }
        let later = std::mem::take(&mut state.later);
        let dropped = std::mem::take(&mut state.dropped);
        drop(state);
        drop(dropped);
        later.into_iter().for_each(|call| call());
    }

    pub(super) fn wake_watch(&self) {
        // Full means that it is about to wake already.
        let _ = rustix::io::write(&self.waker, &1_u64.to_ne_bytes());
    }

    fn carry_out(
        self: &Arc<Self>,
        state: &mut State,
        action: Action,
        events: &mut VecDeque<Event>,
    ) {
        match action {
            Action::Spawn(worker) => self.spawn(state, worker, events),
            Action::Assign { worker, job, attempt } => state.assign(worker, job, attempt, events),
            Action::Kill(worker, reason) => state.kill(worker, reason),
            Action::Leave(worker) => state.ask_to_leave(worker),
            Action::Divide { job, charged } => state.divide(job, charged, events),
            Action::Finish(job, outcome) => self.finish(state, job, outcome),
            Action::Tell(notice) => state.announce(notice),
        }
    }

    fn spawn(self: &Arc<Self>, state: &mut State, id: WorkerId, events: &mut VecDeque<Event>) {
        state.ended.retain(|pump| !pump.is_finished());
        let driver = Arc::clone(self);
        let pump = thread::Builder::new()
            .name(format!("pool-pump-{id}"))
            .spawn(move || pump::run(&driver, id));
        // Its place is taken in any case; if it cannot be started, it is the next to be replaced.
        let replaces = state.vacant.pop_front();
        match pump {
            Ok(pump) => {
                let worker = Worker { pump: Some(pump), replaces, ..Worker::default() };
                state.workers.insert(id, worker);
            }
            Err(error) => {
                state.start_error = Some(StartError::Thread(Arc::new(error)));
                events.push_back(Event::Exited(id, At::Unknown));
            }
        }
    }

    fn finish(&self, state: &mut State, id: JobId, outcome: Outcome) {
        let Some(mut job) = state.jobs.remove(&id) else { return };
        state.tell(event::Event::Finished { job: job.summary(id), outcome });
        if outcome == Outcome::Returned {
            state.dropped.push(job);
            return;
        }
        let (items, sink) = (job.left(), Arc::clone(&job.sink));
        let last = || state.last_death.clone().unwrap_or_default();
        let begun = matches!(outcome, Outcome::Crashed(_) | Outcome::TimedOut);
        let kind = match outcome {
            Outcome::Crashed(crashes) | Outcome::Lost(crashes) => {
                Kind::Crashed { crashes, begun, last: last(), culprit: job.take_culprit() }
            }
            Outcome::TimedOut | Outcome::NotBegun => {
                let limit = self.settings.config.job_timeout.unwrap_or_default();
                Kind::TimedOut { limit, begun, last: last(), culprit: job.take_culprit() }
            }
            Outcome::NoWorkers => Kind::NoWorkers(state.broken_by()),
            Outcome::Returned | Outcome::Cancelled => Kind::Cancelled,
        };
        let later = sink.fail(items, &Error::new(kind));
        state.later.extend(later);
        state.dropped.push(job);
    }

    /// Hands in a job.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> JobId {
        let mut state = self.lock();
        let (id, event) = state.enter(job, Place::Back, 0);
        self.feed_locked(state, VecDeque::from([event]));
        id
    }

    /// Ends all jobs of the call that `sink` belongs to with the event that `end` gives.
    pub(super) fn end_call(self: &Arc<Self>, sink: &Arc<dyn Sink>, end: fn(JobId) -> Event) {
        let is_own = |job: &Job| std::ptr::addr_eq(Arc::as_ptr(&job.sink), Arc::as_ptr(sink));
        let state = self.lock();
        let own = state.jobs.iter().filter(|(_, job)| is_own(job)).map(|(&id, _)| id);
        let mut own: Vec<JobId> = own.collect();
        // The last first, as one that is withdrawn is then found at the back of the queue.
        own.sort_unstable_by(|a, b| b.cmp(a));
        self.feed_locked(state, own.into_iter().map(end).collect());
    }

    /// Notes that a worker's process runs.
    pub(super) fn attach(&self, id: WorkerId, process: Process) {
        let pid = process.child.pid();
        let mut state = self.lock();
        if let Some(worker) = state.workers.get_mut(&id) {
            worker.process = Some(process);
            worker.launched_ns = clock::now_ns();
            if worker.killed {
                worker.kill();
            }
            let replaces = worker.replaces.map(WorkerId::number);
            state.tell(event::Event::Started { worker: id.number(), pid, replaces });
        }
        self.wake_watch();
    }

    /// Notes that a worker is ready for jobs. Says whether that is in time: one that was killed by
    /// then is not.
    pub(super) fn ready(
        self: &Arc<Self>,
        id: WorkerId,
        jobs: IpcBytesSender,
        lifeline: IpcBytesSender,
    ) -> bool {
        let mut state = self.lock();
        let Some(worker) = state.workers.get_mut(&id).filter(|worker| !worker.killed) else {
            return false;
        };
        worker.jobs = Some(jobs);
        worker.lifeline = Some(lifeline);
        worker.ready_ns = clock::now_ns();
        state.ready += 1;
        state.tell(event::Event::Ready { worker: id.number() });
        self.feed_locked(state, VecDeque::from([Event::Ready(id)]));
        true
    }

    /// Whether a worker was ordered to be killed.
    pub(super) fn is_killed(&self, id: WorkerId) -> bool {
        self.lock().workers.get(&id).is_none_or(|worker| worker.killed)
    }

    /// What results with this header are to `worker`. Those to be delivered count as done from here
    /// on: whatever ends the job meanwhile leaves them to the caller.
    pub(super) fn claim(&self, worker: WorkerId, header: &ResultHeader) -> Claim {
        let mut state = self.lock();
        if !state.scheduler.is_running(worker, header.job) {
            return Claim::Nonsense;
        }
        let Some(job) = state.jobs.get_mut(&header.job) else { return Claim::Unwanted };
        let end = header.first.checked_add(header.items);
        let is_next = header.first == job.done && 0 < header.items;
        let is_within = end.is_some_and(|end| end <= job.items());
        if !is_next || !is_within || header.last != (end == Some(job.items())) {
            return Claim::Nonsense;
        }
        job.done += header.items;
        let first = job.first + u64::from(header.first);
        Claim::Deliver(Arc::clone(&job.sink), first..first + u64::from(header.items))
    }

    /// Takes back a claim: the results are no results.
    pub(super) fn unclaim(&self, header: &ResultHeader, sink: &dyn Sink, items: Range<u64>) {
        let mut state = self.lock();
        let later = match state.jobs.get_mut(&header.job) {
            Some(job) => {
                job.done = header.first;
                None
            }
            // It was ended meanwhile, without these.
            None => sink.fail(items, &Error::new(Kind::Cancelled)),
        };
        drop(state);
        later.into_iter().for_each(|call| call());
    }

    /// Notes that results of `bytes` bytes were delivered, or need not be.
    pub(super) fn received(self: &Arc<Self>, worker: WorkerId, header: &ResultHeader, bytes: u64) {
        let mut state = self.lock();
        state.traffic.messages_received += 1;
        state.traffic.bytes_received += bytes;
        if let Body::Segment(_) = header.body {
            state.control(worker, Control::Release(header.job, header.first));
        }
        if header.last {
            let mut events = VecDeque::from([Event::Returned(worker, header.job)]);
            // This may come late, and then it has begun the next one long ago.
            if self.settings.config.job_timeout.is_some() {
                let known = state.workers.get(&worker);
                events.extend(known.and_then(|known| known.beginning(worker, now())));
            }
            self.feed_locked(state, events);
        }
    }

    /// Notes that a deadline may have passed.
    pub(super) fn time_out(self: &Arc<Self>) {
        let mut state = self.lock();
        let mut events = VecDeque::from(state.strike(now()));
        events.extend(state.beginnings(now()));
        events.push_back(Event::Timeout);
        self.feed_locked(state, events);
    }

    /// Notes that a worker is gone, after all it had to say, how it ended, if there was a process,
    /// and why it was never ready, if it was not.
    pub(super) fn exited(
        self: &Arc<Self>,
        id: WorkerId,
        death: Option<Death>,
        why: Option<StartError>,
    ) {
        let mut state = self.lock();
        let Some(worker) = state.workers.remove(&id) else { return };
        let plain = || Some(worker.process.as_ref()?.error_of(death.as_ref()?));
        state.start_error = why.or_else(plain);
        if worker.lifeline.is_some() {
            state.ready -= 1;
        }
        if worker.jobs.is_some() {
            state.lost += 1;
        }
        state.last_death = death;
        let at = state.position(&worker);
        state.ended.extend(worker.pump);
        self.feed_locked(state, VecDeque::from([Event::Exited(id, at)]));
    }

    /// What is to be buried of worker `id`, whose pump cannot do it.
    pub(super) fn process_of(&self, id: WorkerId) -> Option<Process> {
        self.lock().workers.get(&id)?.process.clone()
    }

    /// Waits until all workers are ready, or will not be.
    pub(super) fn wait_ready(&self) -> Result<(), StartError> {
        let mut state = self.lock();
        loop {
            if state.scheduler.is_broken() {
                return Err(state.broken_by());
            }
            if !state.scheduler.is_open() {
                return Err(StartError::Stopped);
            }
            if self.settings.config.workers.get() <= state.ready {
                return Ok(());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until every job is finished and every worker gone, or until `timeout` has passed. Says
    /// whether all is done. Without a limit it waits for callbacks, too. On a thread of a pool's own
    /// it does not wait.
    pub(super) fn wait_done(&self, timeout: Option<Duration>) -> bool {
        let deadline = timeout.and_then(|timeout| now().checked_add(timeout));
        let mut state = self.lock();
        while !state.scheduler.is_done() {
            if OWN_THREAD.get() {
                return false;
            }
            state = match deadline.map(|deadline| deadline.saturating_duration_since(now())) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => return false,
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        if OWN_THREAD.get() {
            return true;
        }
        // A pump that is done may still run a callback, which takes the time it takes.
        let is_awaited = |pump: &JoinHandle<()>| timeout.is_none() || pump.is_finished();
        let (awaited, others) = std::mem::take(&mut state.ended).into_iter().partition(is_awaited);
        state.ended = others;
        drop(state);
        Vec::into_iter(awaited).for_each(|pump| drop(pump.join()));
        true
    }

    /// Whether no worker can be started, and why.
    pub(super) fn breakdown(&self) -> Option<StartError> {
        let state = self.lock();
        state.scheduler.is_broken().then(|| state.broken_by())
    }

    /// Tells no more events, so that the thread that tells them ends.
    pub(super) fn fall_silent(&self) {
        self.lock().herald = None;
    }

    /// Lets the watch go once all is done.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.wake_watch();
    }

    /// What was used so far.
    pub(super) fn usage(&self) -> Usage {
        let state = self.lock();
        let measure = |(id, worker): (&WorkerId, &Worker)| {
            let pid = worker.process.as_ref()?.child.pid();
            Some(WorkerUsage::measure(id.number(), pid, worker.launched_ns, worker.ready_ns))
        };
        let workers = state.workers.iter().filter_map(measure).collect();
        Usage { traffic: state.traffic, lost: state.lost, workers }
    }

    /// Process ids of the workers that run now.
    pub(super) fn pids(&self) -> Vec<u32> {
        let state = self.lock();
        state.workers.values().filter_map(|w| Some(w.process.as_ref()?.child.pid())).collect()
    }
}
