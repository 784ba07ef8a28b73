//! Carries out what the scheduler decides.
//!
//! A monitor: whoever brings an [`Event`] (a caller, a pump, the watch) takes the lock, lets the
//! scheduler decide, and carries out the actions itself. A job thus goes from the caller's thread
//! straight into its worker's socket, and a result from the pump straight to its caller; a thread of
//! the driver's own in between would cost each of them a wake-up. Nothing done under the lock
//! blocks: jobs are sent within what the sockets take (see `settings`), processes are started and
//! reaped by pumps.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    ops::Range,
    os::fd::OwnedFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Instant,
};

use ipc_channel::ipc::IpcBytesSender;
use parzen_worker::{
    clock,
    protocol::{Body, Control, JobHeader, JobId, ResultHeader, WorkerId, codec},
    shared::Segment,
};
use rustix::event::{EventfdFlags, eventfd};

use super::{
    child::Child,
    error::{Death, Error, Kind, StartError},
    pump::{self, Pulse},
    rendezvous::Door,
    scheduler::{Action, Event, Outcome, Place, Scheduler},
    settings::Builder,
    sink::{Later, Sink},
    stderr::Stderr,
    usage::{Traffic, Usage, WorkerUsage},
    watch,
};

/// A job on its way.
pub(super) struct Job {
    pub(super) task: &'static str,
    pub(super) payload: Payload,
    /// Where each item ends in the payload; empty if there is one item.
    pub(super) ends: Vec<u32>,
    /// Index of the first item within its call.
    pub(super) first: u64,
    pub(super) sink: Arc<dyn Sink>,
    /// Items whose outcomes have come.
    done: u32,
}

/// Encoded inputs.
pub(super) enum Payload {
    Inline(Vec<u8>),
    Segment(Segment),
}

impl Payload {
    /// Bytes that are sent beside the message.
    fn segment_len(&self) -> u64 {
        match self {
            Self::Inline(_) => 0,
            Self::Segment(segment) => segment.reference().len(),
        }
    }
}

impl Job {
    /// A job of `items` encoded one after another in `payload`, the first being number `first` of
    /// its call.
    pub(super) fn new(
        task: &'static str,
        payload: Payload,
        ends: Vec<u32>,
        first: u64,
        sink: Arc<dyn Sink>,
    ) -> Self {
        Self { task, payload, ends, first, sink, done: 0 }
    }

    fn items(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX).max(1)
    }

    /// The items that have no outcome yet, by their index in the call.
    fn left(&self) -> Range<u64> {
        self.first + u64::from(self.done)..self.first + u64::from(self.items())
    }

    fn message(&self, job: JobId, attempt: u32) -> Result<Vec<u8>, codec::EncodeError> {
        let header = |body| JobHeader {
            job,
            task: Cow::Borrowed(self.task),
            attempt,
            items: self.items(),
            body,
        };
        match &self.payload {
            Payload::Inline(bytes) => codec::message(&header(Body::Inline), bytes),
            Payload::Segment(segment) => {
                codec::message(&header(Body::Segment(segment.reference())), &[])
            }
        }
    }

    /// Cuts it into jobs of one item each, without those that are done.
    fn divide(&self) -> Vec<Self> {
        let Payload::Inline(bytes) = &self.payload else { return Vec::new() };
        let end = |idx: usize| self.ends.get(idx).map_or(0, |&end| end as usize);
        let cut = |idx: usize| {
            let start = if idx == 0 { 0 } else { end(idx - 1) };
            let piece = bytes.get(start..end(idx)).unwrap_or_default().to_vec();
            let first = self.first + idx as u64;
            Self::new(self.task, Payload::Inline(piece), Vec::new(), first, Arc::clone(&self.sink))
        };
        (self.done as usize..self.ends.len()).map(cut).collect()
    }
}

/// What is known of a live worker.
#[derive(Default)]
pub(super) struct Worker {
    /// Once it is ready, until it is asked to leave.
    jobs: Option<IpcBytesSender>,
    lifeline: Option<IpcBytesSender>,
    /// Once it is started.
    pub(super) process: Option<Process>,
    /// It is to die, started or not.
    killed: bool,
    /// When its process had been started, on the monotonic clock.
    launched_ns: u64,
    ready_ns: u64,
    pump: Option<JoinHandle<()>>,
}

/// A started process and what watches it.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) child: Arc<Child>,
    pub(super) stderr: Arc<Stderr>,
    pub(super) door: Arc<Door>,
    pub(super) pulse: Arc<Pulse>,
}

pub(super) struct State {
    scheduler: Scheduler,
    jobs: HashMap<JobId, Job>,
    next_job: u64,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    ready: u32,
    traffic: Traffic,
    /// Workers that died and had not been asked to leave.
    lost: u32,
    start_error: Option<StartError>,
    last_death: Option<Death>,
    later: Vec<Later>,
    /// Pumps that are done, to be joined.
    ended: Vec<JoinHandle<()>>,
    /// When the watch wakes of itself; `None` if it waits for ever.
    pub(super) watch_until: Option<Instant>,
    /// Whether the pool's owner is gone, and the watch may go once the workers are.
    pub(super) abandoned: bool,
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

/// What a pump does with results.
pub(super) enum Expected {
    /// Give them to the sink: they are these items of its call.
    Deliver(Arc<dyn Sink>, Range<u64>),
    /// Nobody wants them any more.
    Ignore,
    /// No worker in its right mind sends them.
    Nonsense,
}

#[expect(clippy::disallowed_methods, reason = "the driver gives the scheduler its time")]
pub(super) fn now() -> Instant {
    Instant::now()
}

impl Driver {
    /// Makes the pool's state and its watch, and orders the workers to be started.
    pub(super) fn start(settings: Builder) -> io::Result<(Arc<Self>, JoinHandle<()>)> {
        let state = State {
            scheduler: Scheduler::new(settings.config),
            jobs: HashMap::new(),
            next_job: 0,
            workers: BTreeMap::new(),
            ready: 0,
            traffic: Traffic::default(),
            lost: 0,
            start_error: None,
            last_death: None,
            later: Vec::new(),
            ended: Vec::new(),
            watch_until: None,
            abandoned: false,
        };
        let waker = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let driver =
            Arc::new(Self { settings, state: Mutex::new(state), changed: Condvar::new(), waker });
        let watched = Arc::clone(&driver);
        let watch = thread::Builder::new()
            .name("pool-watch".to_owned())
            .spawn(move || watch::run(&watched))?;
        driver.feed(Event::Start);
        Ok((driver, watch))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the scheduler what happened, and does what it decides.
    pub(super) fn feed(self: &Arc<Self>, event: Event) {
        let state = self.lock();
        self.feed_locked(state, event);
    }

    fn feed_locked(self: &Arc<Self>, mut state: MutexGuard<'_, State>, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            state.scheduler.handle(now(), event);
            while let Some(action) = state.scheduler.poll_action() {
                self.carry_out(&mut state, action, &mut events);
            }
        }
        if let Some(deadline) = state.scheduler.poll_timeout()
            && state.watch_until.is_none_or(|until| deadline < until)
        {
            state.watch_until = Some(deadline);
            self.wake_watch();
        }
        if !matches!(event, Event::Submit { .. } | Event::Returned(..)) {
            self.changed.notify_all();
        }
        let later = std::mem::take(&mut state.later);
        drop(state);
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
            Action::Kill(worker) => {
                tracing::debug!(worker = worker.number(), "kill");
                if let Some(worker) = state.workers.get_mut(&worker) {
                    worker.kill();
                }
            }
            Action::Leave(worker) => {
                tracing::debug!(worker = worker.number(), "ask to leave");
                state.control(worker, Control::Leave);
                if let Some(worker) = state.workers.get_mut(&worker) {
                    worker.jobs = None;
                }
            }
            Action::Divide(job) => state.divide(job, events),
            Action::Finish(job, outcome) => self.finish(state, job, outcome),
        }
    }

    fn spawn(self: &Arc<Self>, state: &mut State, id: WorkerId, events: &mut VecDeque<Event>) {
        tracing::debug!(worker = id.number(), "start");
        state.ended.retain(|pump| !pump.is_finished());
        let driver = Arc::clone(self);
        let pump = thread::Builder::new()
            .name(format!("pool-pump-{id}"))
            .spawn(move || pump::run(&driver, id));
        match pump {
            Ok(pump) => {
                let worker = Worker { pump: Some(pump), ..Worker::default() };
                state.workers.insert(id, worker);
            }
            Err(error) => {
                let program = "a thread for a worker".to_owned();
                state.start_error = Some(StartError::Run { program, source: Arc::new(error) });
                events.push_back(Event::Exited(id));
            }
        }
    }

    fn finish(&self, state: &mut State, id: JobId, outcome: Outcome) {
        let Some(job) = state.jobs.remove(&id) else { return };
        let kind = match outcome {
            Outcome::Returned => return,
            Outcome::Crashed(crashes) => {
                let unknown = Death { status: None, stderr: String::new() };
                Kind::Crashed { crashes, last: state.last_death.clone().unwrap_or(unknown) }
            }
            Outcome::TimedOut => {
                Kind::TimedOut(self.settings.config.job_timeout.unwrap_or_default())
            }
            Outcome::Cancelled => Kind::Cancelled,
            Outcome::NoWorkers => Kind::NoWorkers(state.start_error()),
        };
        tracing::debug!(job = id.number(), task = job.task, ?outcome, "failed");
        let later = job.sink.fail(job.left(), &Error::new(kind));
        state.later.extend(later);
    }

    /// Hands in a job.
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> JobId {
        let mut state = self.lock();
        let (id, event) = state.enter(job, Place::Back);
        self.feed_locked(state, event);
        id
    }

    /// Ends all jobs of the call that `sink` belongs to with the event that `end` gives, the last
    /// first, as each is then found at the back of the queue.
    pub(super) fn end_call(self: &Arc<Self>, sink: &Arc<dyn Sink>, end: fn(JobId) -> Event) {
        let is_own = |job: &Job| std::ptr::addr_eq(Arc::as_ptr(&job.sink), Arc::as_ptr(sink));
        let state = self.lock();
        let own = state.jobs.iter().filter(|(_, job)| is_own(job)).map(|(&id, _)| id);
        let mut own: Vec<JobId> = own.collect();
        drop(state);
        own.sort_unstable();
        own.into_iter().rev().for_each(|id| self.feed(end(id)));
    }

    /// Notes that a worker's process runs.
    pub(super) fn attach(&self, id: WorkerId, process: Process) {
        let mut state = self.lock();
        if let Some(worker) = state.workers.get_mut(&id) {
            worker.process = Some(process);
            worker.launched_ns = clock::now_ns();
            if worker.killed {
                worker.kill();
            }
        }
        self.wake_watch();
    }

    /// Notes that a worker is ready for jobs.
    pub(super) fn ready(
        self: &Arc<Self>,
        id: WorkerId,
        jobs: IpcBytesSender,
        lifeline: IpcBytesSender,
    ) {
        let mut state = self.lock();
        if let Some(worker) = state.workers.get_mut(&id) {
            worker.jobs = Some(jobs);
            worker.lifeline = Some(lifeline);
            worker.ready_ns = clock::now_ns();
            state.ready += 1;
        }
        tracing::debug!(worker = id.number(), "ready");
        self.feed_locked(state, Event::Ready(id));
    }

    /// Whether a worker was ordered to be killed.
    pub(super) fn is_killed(&self, id: WorkerId) -> bool {
        self.lock().workers.get(&id).is_none_or(|worker| worker.killed)
    }

    /// What results with this header are to `worker`.
    pub(super) fn expect(&self, worker: WorkerId, header: &ResultHeader) -> Expected {
        let state = self.lock();
        if !state.scheduler.is_running(worker, header.job) {
            return Expected::Nonsense;
        }
        let Some(job) = state.jobs.get(&header.job) else { return Expected::Ignore };
        let end = header.first.checked_add(header.items);
        let is_next = header.first == job.done && 0 < header.items;
        let is_within = end.is_some_and(|end| end <= job.items());
        if !is_next || !is_within || header.last != (end == Some(job.items())) {
            return Expected::Nonsense;
        }
        let first = job.first + u64::from(header.first);
        Expected::Deliver(Arc::clone(&job.sink), first..first + u64::from(header.items))
    }

    /// Notes that results were delivered, or need not be.
    pub(super) fn received(self: &Arc<Self>, worker: WorkerId, header: &ResultHeader, bytes: u64) {
        let mut state = self.lock();
        state.traffic.messages_received += 1;
        state.traffic.bytes_received += bytes;
        if let Body::Segment(_) = header.body {
            state.control(worker, Control::Release(header.job, header.first));
        }
        if let Some(job) = state.jobs.get_mut(&header.job) {
            job.done = header.first.saturating_add(header.items);
        }
        if header.last {
            self.feed_locked(state, Event::Returned(worker, header.job));
        }
    }

    /// Notes that a worker could not be started, or did not become ready.
    pub(super) fn failed_start(&self, error: StartError) {
        tracing::info!("a worker did not start: {error}");
        let mut state = self.lock();
        // A broken pool kills the workers that are still on their way, which is not why it broke.
        if !state.scheduler.is_broken() {
            state.start_error = Some(error);
        }
    }

    /// Notes that a worker is gone, after all it had to say.
    pub(super) fn exited(self: &Arc<Self>, id: WorkerId, death: Option<Death>) {
        let mut state = self.lock();
        let Some(worker) = state.workers.remove(&id) else { return };
        if worker.jobs.is_some() || worker.lifeline.is_some() {
            state.ready -= 1;
        }
        if worker.jobs.is_some() {
            state.lost += 1;
        }
        if let Some(death) = &death {
            tracing::debug!(worker = id.number(), "{death}");
        }
        state.last_death = death;
        state.ended.extend(worker.pump);
        self.feed_locked(state, Event::Exited(id));
    }

    /// Lets go of a pump that is stuck.
    pub(super) fn disown_pump(&self, id: WorkerId) {
        if let Some(worker) = self.lock().workers.get_mut(&id) {
            worker.pump = None;
        }
    }

    /// Waits until all workers are ready, or none can be.
    pub(super) fn wait_ready(&self) -> Result<(), StartError> {
        let mut state = self.lock();
        loop {
            if state.scheduler.is_broken() {
                return Err(state.start_error());
            }
            if self.settings.config.workers.get() <= state.ready {
                return Ok(());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until every job is finished and every worker gone.
    pub(super) fn wait_done(&self) {
        let mut state = self.lock();
        while !state.scheduler.is_done() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let mut ended = std::mem::take(&mut state.ended);
        drop(state);
        // A callback may be what waits, on a pump's own thread.
        ended.retain(|pump| pump.thread().id() != thread::current().id());
        ended.into_iter().for_each(|pump| drop(pump.join()));
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

impl State {
    /// Enters a job into the books. The event is to be fed next.
    fn enter(&mut self, job: Job, place: Place) -> (JobId, Event) {
        let id = JobId::new(self.next_job);
        self.next_job += 1;
        let divisible = 1 < job.items();
        self.jobs.insert(id, job);
        (id, Event::Submit { job: id, place, divisible })
    }

    fn assign(&mut self, id: WorkerId, job_id: JobId, attempt: u32, events: &mut VecDeque<Event>) {
        let Some(job) = self.jobs.get_mut(&job_id) else { return };
        // Sent before to a worker that is gone: its outcomes begin anew.
        job.done = 0;
        tracing::trace!(worker = id.number(), job = job_id.number(), attempt, "assign");
        let sent = job.message(job_id, attempt).ok().and_then(|message| {
            self.traffic.messages_sent += 1;
            self.traffic.bytes_sent += message.len() as u64 + job.payload.segment_len();
            self.workers.get(&id)?.jobs.as_ref()?.send(&message).ok()
        });
        // Its pump will find that it is gone; this is for one that is alive and does not listen.
        if sent.is_none() {
            events.push_back(Event::Misbehaved(id));
        }
    }

    fn divide(&mut self, id: JobId, events: &mut VecDeque<Event>) {
        let Some(job) = self.jobs.remove(&id) else { return };
        tracing::debug!(job = id.number(), "divide");
        // The last first, as each goes to the front of the queue.
        for piece in job.divide().into_iter().rev() {
            let (_, event) = self.enter(piece, Place::Front);
            events.push_back(event);
        }
    }

    fn control(&self, worker: WorkerId, control: Control) {
        let mut message = Vec::new();
        if codec::encode(&control, &mut message).is_ok()
            && let Some(lifeline) = self.workers.get(&worker).and_then(|w| w.lifeline.as_ref())
        {
            // One that is gone needs no telling.
            let _ = lifeline.send(&message);
        }
    }

    fn start_error(&self) -> StartError {
        self.start_error.clone().unwrap_or_else(|| StartError::Ended {
            program: "the worker program".to_owned(),
            death: self.last_death.clone().unwrap_or(Death { status: None, stderr: String::new() }),
        })
    }

    /// When the scheduler next wants to be told the time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.scheduler.poll_timeout()
    }

    /// Whether every worker is gone and none will come.
    pub(super) fn is_done(&self) -> bool {
        self.scheduler.is_done()
    }
}

impl Worker {
    fn kill(&mut self) {
        self.killed = true;
        if let Some(process) = &self.process {
            process.child.kill();
            // Its pump may be waiting at the door.
            process.door.knock();
        }
    }
}
