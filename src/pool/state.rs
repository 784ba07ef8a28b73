//! What a pool's driver keeps in its books, under its lock.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    os::{fd::OwnedFd, unix::process::ExitStatusExt},
    sync::{Arc, OnceLock, Weak},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ipc_channel::ipc::IpcBytesSender;
use parzen_worker::{
    beacon::{Beacon, Position},
    clock,
    protocol::{Control, JobId, WorkerId, codec},
};
use rustix::{
    net::{Shutdown, shutdown},
    process::Signal,
};

use super::{
    chaos::Blow,
    child::{Child, Ended},
    death::Death,
    driver::now,
    error::StartError,
    event::{self, JobSummary},
    herald::Herald,
    job::{Job, Piece},
    orders::{At, Event, Notice, Place, Reason, Verdict},
    packet::Inbox,
    scheduler::Scheduler,
    settings::Builder,
    sink::Later,
    stderr::{LineHandler, Stderr},
    storm::{Act, Storm},
    usage::{Traffic, own_peak_memory},
};
use crate::cgroup::oom_kills;

/// What is known of a live worker.
#[derive(Default)]
pub(super) struct Worker {
    /// Once it is ready, until it is asked to leave.
    pub(super) jobs: Option<IpcBytesSender>,
    pub(super) lifeline: Option<IpcBytesSender>,
    /// Once it is started.
    pub(super) process: Option<Process>,
    /// It is to die, started or not.
    pub(super) killed: bool,
    /// When its process had been started, on the monotonic clock.
    pub(super) launched_ns: u64,
    pub(super) ready_ns: u64,
    pub(super) pump: Option<JoinHandle<()>>,
    /// The worker whose place it takes.
    pub(super) replaces: Option<WorkerId>,
}

/// A started process and what watches it.
#[derive(Clone)]
pub(super) struct Process {
    /// What was started, for people.
    pub(super) program: Arc<str>,
    pub(super) child: Arc<Child>,
    pub(super) stderr: Arc<Stderr>,
    /// Where its results arrive, once it has said hello.
    pub(super) results: Arc<OnceLock<Weak<OwnedFd>>>,
    pub(super) beacon: Arc<Beacon>,
    /// What had been killed for want of memory before it was started.
    pub(super) oom_kills: Option<u64>,
}

impl Process {
    /// What it means that it died so, for want of a better reason.
    pub(super) fn error_of(&self, death: &Death) -> StartError {
        StartError::Ended { program: self.program.to_string(), death: Box::new(death.clone()) }
    }

    /// Has its end be the end of what arrives at `results`, too.
    pub(super) fn bind(&self, results: &Inbox) {
        let is_first = self.results.set(results.socket()).is_ok();
        debug_assert!(is_first, "a process has one channel of results");
        // The watch may have seen its end before.
        if self.child.wait(Duration::ZERO) {
            self.hang_up();
        }
    }

    /// Has the pump of a process that has ended read what that had sent, and then find the end,
    /// though another process may hold the channel's other end.
    pub(super) fn hang_up(&self) {
        if let Some(socket) = self.results.get().and_then(Weak::upgrade) {
            // Fails only if there is no other end any more.
            let _ = shutdown(&socket, Shutdown::Read);
        }
    }

    /// Ends it, if it has not ended, and learns how it died.
    pub(super) fn bury(&self, lines: &LineHandler) -> Death {
        let ended = self.child.reap();
        self.stderr.drain(lines);
        let stderr = self.stderr.tail();
        let Some(Ended { status, cpu, peak_memory, was_killed }) = ended else {
            return Death { stderr, ..Death::default() };
        };
        let is_starved = || self.oom_kills.zip(oom_kills()).is_some_and(|(old, new)| old < new);
        let was_struck = status.signal() == Some(Signal::KILL.as_raw()) && !was_killed;
        Death {
            status: Some(status),
            stderr,
            cpu: Some(cpu),
            peak_memory: own_peak_memory().filter(|&own| own < peak_memory).map(|_| peak_memory),
            out_of_memory: was_struck && is_starved(),
        }
    }
}

pub(super) struct State {
    pub(super) scheduler: Scheduler,
    pub(super) jobs: HashMap<JobId, Job>,
    next_job: u64,
    pub(super) workers: BTreeMap<WorkerId, Worker>,
    pub(super) ready: u32,
    pub(super) traffic: Traffic,
    /// Workers that died and had not been asked to leave.
    pub(super) lost: u32,
    /// Why the last one that is gone did not become ready, or ended.
    pub(super) start_error: Option<StartError>,
    /// Why no worker can be started.
    broken_by: Option<StartError>,
    pub(super) last_death: Option<Death>,
    /// Done when the lock is released, as are the jobs dropped: both may run the user's code.
    pub(super) later: Vec<Later>,
    pub(super) dropped: Vec<Job>,
    /// Pumps that are done, to be joined.
    pub(super) ended: Vec<JoinHandle<()>>,
    /// Workers that are gone and were not replaced yet.
    pub(super) vacant: VecDeque<WorkerId>,
    /// To whoever wants to know what happens.
    pub(super) herald: Option<Herald>,
    /// Blows that are to fall, if workers are to be struck at random.
    pub(super) storm: Option<Storm>,
    /// When the watch wakes of itself; `None` if it waits for ever.
    pub(super) watch_until: Option<Instant>,
    /// Whether the pool's owner is gone, and the watch may go once the workers are.
    pub(super) abandoned: bool,
}

impl State {
    pub(super) fn new(settings: &Builder, herald: Option<Herald>) -> Self {
        Self {
            scheduler: Scheduler::new(settings.config),
            jobs: HashMap::new(),
            next_job: 0,
            workers: BTreeMap::new(),
            ready: 0,
            traffic: Traffic::default(),
            lost: 0,
            start_error: None,
            broken_by: None,
            last_death: None,
            later: Vec::new(),
            dropped: Vec::new(),
            ended: Vec::new(),
            vacant: VecDeque::new(),
            herald,
            storm: settings.chaos.map(Storm::new),
            watch_until: None,
            abandoned: false,
        }
    }

    /// Has it told what happened, on another thread: neither a log nor a listener may hold up the
    /// pool.
    pub(super) fn tell(&self, event: event::Event) {
        if let Some(herald) = &self.herald {
            // It listens until this is dropped.
            let _ = herald.send(event);
        }
    }

    /// Tells what the scheduler decided without ordering anything.
    pub(super) fn announce(&mut self, notice: Notice) {
        match notice {
            Notice::Buried(worker, verdict) => self.announce_end(worker, verdict),
            Notice::Requeued { job, charged } => {
                if let Some(job) = self.summary(job) {
                    self.tell(event::Event::Requeued { job, charged });
                }
            }
            Notice::Broken => {
                // It kills the workers that are still on their way, which is not why.
                let error = self.start_error();
                self.broken_by = Some(error.clone());
                self.tell(event::Event::Broken { error });
            }
        }
    }

    fn announce_end(&mut self, id: WorkerId, verdict: Verdict) {
        self.vacant.push_back(id);
        let worker = id.number();
        let death = self.last_death.clone();
        match (verdict, death) {
            (Verdict::NotStarted, _) => {
                let error = self.start_error();
                self.tell(event::Event::NotStarted { worker, error });
            }
            (Verdict::Expected, Some(death)) => self.tell(event::Event::Left { worker, death }),
            (Verdict::Lost(job), Some(death)) => {
                let charged = job.and_then(|(job, item)| Some(self.summary(job)?.item(item)));
                self.tell(event::Event::Lost { worker, death, charged });
            }
            // There was no process yet.
            (Verdict::Expected | Verdict::Lost(_), None) => {}
        }
    }

    /// What a worker that is gone was at. What it said is judged here, as it may be nonsense.
    pub(super) fn position(&self, worker: &Worker) -> At {
        match worker.process.as_ref().map(|process| process.beacon.read()) {
            Some(Position::Running { job, item, .. }) => match self.jobs.get(&job) {
                Some(known) if (known.done..known.items()).contains(&item) => {
                    At::Running(job, item)
                }
                _ => At::Unknown,
            },
            Some(Position::Resting) => At::Resting,
            Some(Position::Unknown) | None => At::Unknown,
        }
    }

    /// When each worker began what it runs, if that matters.
    pub(super) fn beginnings(&self, now: Instant) -> Vec<Event> {
        let beginning = |(&id, worker): (&WorkerId, &Worker)| worker.beginning(id, now);
        self.workers.iter().filter_map(beginning).collect()
    }

    fn summary(&self, id: JobId) -> Option<JobSummary> {
        Some(self.jobs.get(&id)?.summary(id))
    }

    pub(super) fn kill(&mut self, id: WorkerId, reason: Reason) {
        self.tell(event::Event::Killed { worker: id.number(), reason });
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.kill();
        }
    }

    pub(super) fn ask_to_leave(&mut self, id: WorkerId) {
        self.tell(event::Event::AskedToLeave { worker: id.number() });
        self.control(id, Control::Leave);
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.jobs = None;
        }
    }

    /// Enters a job into the books. The event is to be fed next.
    pub(super) fn enter(&mut self, job: Job, place: Place, crashes: u32) -> (JobId, Event) {
        let id = JobId::new(self.next_job);
        self.next_job += 1;
        let divisible = 1 < job.items();
        self.jobs.insert(id, job);
        (id, Event::Submit { job: id, place, divisible, crashes })
    }

    pub(super) fn assign(
        &mut self,
        id: WorkerId,
        job_id: JobId,
        attempt: u32,
        events: &mut VecDeque<Event>,
    ) {
        let Some(job) = self.jobs.get_mut(&job_id) else { return };
        // It may have been at a worker that is gone.
        job.trim();
        let job = &*job;
        let sent = job.message(job_id, attempt).map_err(io::Error::other).and_then(|message| {
            self.traffic.messages_sent += 1;
            self.traffic.bytes_sent += message.len() as u64 + job.payload.segment_len();
            let jobs = self.workers.get(&id).and_then(|worker| worker.jobs.as_ref());
            jobs.ok_or(io::ErrorKind::NotConnected)?.send(&message)
        });
        let job = job.summary(job_id);
        if let Err(error) = sent {
            events.push_back(unsent(&error, id, job_id));
            self.tell(event::Event::Unsent { worker: id.number(), job, error: error.to_string() });
            return;
        }
        self.tell(event::Event::Assigned { worker: id.number(), job, attempt });
        if let Some(storm) = &mut self.storm {
            storm.assigned(id, now());
        }
    }

    pub(super) fn divide(&mut self, id: JobId, charged: Option<u32>, events: &mut VecDeque<Event>) {
        let Some(job) = self.jobs.remove(&id) else {
            events.push_back(Event::Divided);
            return;
        };
        self.tell(event::Event::Divided {
            job: JobSummary { items: job.left(), ..job.summary(id) },
        });
        // The last first, as each goes to the front of the queue.
        for Piece { job, is_charged } in job.divide(charged).into_iter().rev() {
            let (_, event) = self.enter(job, Place::Front, u32::from(is_charged));
            events.push_back(event);
        }
        events.push_back(Event::Divided);
    }

    pub(super) fn control(&self, worker: WorkerId, control: Control) {
        let mut message = Vec::new();
        if codec::encode(&control, &mut message).is_ok()
            && let Some(lifeline) = self.workers.get(&worker).and_then(|w| w.lifeline.as_ref())
        {
            // One that is gone needs no telling.
            let _ = lifeline.send(&message);
        }
    }

    /// Why the pool is broken.
    pub(super) fn broken_by(&self) -> StartError {
        self.broken_by.clone().unwrap_or_else(|| self.start_error())
    }

    fn start_error(&self) -> StartError {
        self.start_error.clone().unwrap_or_else(|| StartError::Ended {
            program: "the worker program".to_owned(),
            death: Box::new(Death::default()),
        })
    }

    /// When there is something to be done, if nothing else happens first.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let blow = self.storm.as_ref().and_then(Storm::next);
        self.scheduler.poll_timeout().into_iter().chain(blow).min()
    }

    /// Stops workers, and has them go on, as chaos will have it. The scheduler is to be told of those
    /// that are to be killed.
    pub(super) fn strike(&mut self, now: Instant) -> Vec<Event> {
        let Some(storm) = &mut self.storm else { return Vec::new() };
        let due: Vec<_> = std::iter::from_fn(|| storm.poll(now)).collect();
        let mut killed = Vec::new();
        for (id, act) in due {
            // One that is gone by now was lucky. One that leaves has only so much time for it.
            let worker = self.workers.get(&id).filter(|w| act == Act::Resume || w.jobs.is_some());
            let process = worker.and_then(|worker| worker.process.as_ref());
            match (act, process) {
                (Act::Strike(Blow::Kill), _) => killed.push(Event::Struck(id)),
                (Act::Strike(Blow::Stop(time)), Some(process)) => {
                    process.child.signal(Signal::STOP);
                    self.tell(event::Event::Stopped { worker: id.number(), time });
                }
                (Act::Resume, Some(process)) => process.child.signal(Signal::CONT),
                (Act::Strike(Blow::Stop(_)) | Act::Resume, None) => {}
            }
        }
        killed
    }

    /// Whether nobody needs the watch any more.
    pub(super) fn is_over(&self) -> bool {
        self.abandoned && self.scheduler.is_done()
    }
}

/// What it means that a job could not be sent.
fn unsent(error: &io::Error, worker: WorkerId, job: JobId) -> Event {
    match error.kind() {
        // The first if it died with jobs unread. What it died of its pump will find.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Event::Gone(worker),
        _ => Event::Undelivered(worker, job),
    }
}

impl Worker {
    /// When it began what it runs.
    pub(super) fn beginning(&self, id: WorkerId, now: Instant) -> Option<Event> {
        let Position::Running { job, since_ns, .. } = self.process.as_ref()?.beacon.read() else {
            return None;
        };
        let ago = Duration::from_nanos(clock::now_ns().saturating_sub(since_ns));
        Some(Event::Began(id, job, now.checked_sub(ago)?))
    }

    pub(super) fn kill(&mut self) {
        self.killed = true;
        if let Some(process) = &self.process {
            process.child.kill();
        }
    }
}
