//! One thread for each worker, alive exactly as long as the worker: starts it, greets it, reads what
//! it sends to the very end, reaps it, and only then reports that it is gone. So whatever a worker
//! had sent before it died is read first.

use std::{
    borrow::Cow,
    ffi::OsStr,
    io,
    ops::Range,
    os::fd::OwnedFd,
    sync::{Arc, OnceLock},
    time::Duration,
};

use parzen_worker::{
    clock, panic,
    protocol::{Body, Control, ItemOutcome, JobHeader, JobId, ResultHeader, WorkerId, codec},
    shared::{OpenError, SegmentRef},
};
use rustix::{
    process::{Pid, getpriority_process, setpriority_process},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use super::{
    child::{Child, KILL_GRACE},
    death::Death,
    door::{Refusal, of_other},
    driver::{Claim, Driver, mark_own_thread},
    error::{Error, Kind, StartError},
    orders::Event,
    packet::{Inbox, ReceiveError},
    program::Invocation,
    rendezvous::{Link, Rendezvous},
    settings::Initializer,
    sink::{Ran, Sink},
    state::Process,
    stderr::Stderr,
};
use crate::cgroup::oom_kills;

/// Time between a worker's closing its channel and its end, before it is killed.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// The life of worker `id`.
pub(super) fn run(driver: &Arc<Driver>, id: WorkerId) {
    mark_own_thread();
    // Whatever happens here, the worker must not outlive its pump, and the pool must know.
    let end = panic::catch(|| match start(driver, id) {
        Ok((rendezvous, process)) => {
            let (death, why) = live(driver, id, rendezvous, &process);
            (Some(death), why)
        }
        Err(error) => (None, Some(error)),
    });
    let (death, why) = end.unwrap_or_else(|panic| {
        tracing::error!("a pump panicked at {}: {}", panic.location, panic.message);
        (driver.process_of(id).map(|process| reap(driver, &process)), None)
    });
    driver.exited(id, death, why);
}

fn start(driver: &Driver, id: WorkerId) -> Result<(Rendezvous, Process), StartError> {
    let invocation = driver.settings.program.resolve()?;
    let (rendezvous, way_in) = Rendezvous::open(id)?;
    let process =
        start_process(driver, id, &invocation, &rendezvous, way_in).map_err(|source| {
            StartError::Run { program: invocation.name(), source: Arc::new(source) }
        })?;
    driver.attach(id, process.clone());
    Ok((rendezvous, process))
}

fn start_process(
    driver: &Driver,
    id: WorkerId,
    invocation: &Invocation,
    rendezvous: &Rendezvous,
    way_in: OwnedFd,
) -> io::Result<Process> {
    let (stderr, writer) = Stderr::new(id)?;
    let invitation = rendezvous.invitation().to_env();
    let variable = (parzen_worker::protocol::Invitation::VARIABLE, OsStr::new(invitation.as_str()));
    let oom_kills = oom_kills();
    let child = Child::start(invocation, variable, way_in, writer.into())?;
    be_nice(&child, driver.settings.nice)?;
    if driver.settings.pinned {
        pin(&child, id)?;
    }
    Ok(Process {
        program: invocation.name().into(),
        child: Arc::new(child),
        stderr: Arc::new(stderr),
        results: Arc::new(OnceLock::new()),
        beacon: rendezvous.beacon(),
        oom_kills,
    })
}

fn be_nice(child: &Child, nice: i32) -> io::Result<()> {
    if nice != 0 {
        let pid = i32::try_from(child.pid()).ok().and_then(Pid::from_raw);
        setpriority_process(pid, getpriority_process(pid)?.saturating_add(nice).min(19))?;
    }
    Ok(())
}

/// Binds a worker to one of the cores this process may use. Threads that it starts inherit that.
fn pin(child: &Child, id: WorkerId) -> io::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
    let Some(&core) = cores.get(id.number() as usize % cores.len().max(1)) else { return Ok(()) };
    let mut one = CpuSet::new();
    one.set(core);
    let pid = i32::try_from(child.pid()).ok().and_then(Pid::from_raw);
    Ok(sched_setaffinity(pid, &one)?)
}

/// Greets a started worker, serves it to its end, and reaps it. Gives why it was never ready, too, if
/// it was not.
fn live(
    driver: &Arc<Driver>,
    id: WorkerId,
    rendezvous: Rendezvous,
    process: &Process,
) -> (Death, Option<StartError>) {
    match greet(driver, id, rendezvous, process) {
        Ok(mut results) => {
            let nonsense = receive(driver, id, process, &mut results);
            // Closed before the wait, so that a worker that is about to send finds out.
            drop(results);
            let program = || process.program.to_string();
            let why = nonsense.map(|reason| StartError::Stranger { program: program(), reason });
            (reap(driver, process), why)
        }
        Err(not_ready) => {
            // Whether it was killed must be known before it is killed here.
            let was_killed = driver.is_killed(id);
            let has_ended = process.child.wait(Duration::from_millis(50));
            process.child.kill();
            let death = reap(driver, process);
            let why = not_ready.explain(process, was_killed, has_ended, driver, &death);
            (death, Some(why))
        }
    }
}

/// Waits until a started worker is ready for jobs. Gives where its results arrive.
fn greet(
    driver: &Arc<Driver>,
    id: WorkerId,
    rendezvous: Rendezvous,
    process: &Process,
) -> Result<Inbox, NotReady> {
    // Whoever does not say hello is killed when its time is over. This is for one that cannot be.
    let patience = driver.settings.config.start_timeout.saturating_add(KILL_GRACE);
    let mut link = rendezvous.accept(&process.child, patience).map_err(NotReady::Refused)?;
    process.bind(&link.results);
    initialize(driver.settings.initializer.as_ref(), process, &mut link)
        .map_err(NotReady::Initializer)?;
    let Link { jobs, results, lifeline } = link;
    // One that comes too late might as well have said nothing.
    let late = NotReady::Refused(Refusal::Silence(None));
    if driver.ready(id, jobs, lifeline) { Ok(results) } else { Err(late) }
}

/// Why a started worker is not ready.
enum NotReady {
    Refused(Refusal),
    Initializer(String),
}

impl NotReady {
    fn explain(
        self,
        process: &Process,
        was_killed: bool,
        has_ended: bool,
        driver: &Driver,
        death: &Death,
    ) -> StartError {
        let program = process.program.to_string();
        match self {
            Self::Refused(Refusal::Silence(Some(other))) => {
                let reason = format!("{}; it {death}", of_other(other, process.child.pid()));
                StartError::Stranger { program, reason }
            }
            Self::Initializer(_) if was_killed => {
                let limit = driver.settings.config.start_timeout.as_secs_f64();
                let reason = format!("it was not done within {limit} s of the start");
                StartError::Initializer { program, reason }
            }
            _ if was_killed => {
                StartError::TimedOut { program, after: driver.settings.config.start_timeout }
            }
            Self::Refused(Refusal::OtherVersion(theirs)) => {
                StartError::OtherVersion { program, theirs }
            }
            Self::Refused(Refusal::Stranger(reason)) => StartError::Stranger { program, reason },
            Self::Refused(Refusal::Silence(None)) if has_ended => process.error_of(death),
            Self::Refused(Refusal::Silence(None)) => {
                StartError::Stranger { program, reason: "it went without a word".to_owned() }
            }
            Self::Refused(Refusal::Failed(source)) => {
                StartError::Meet { program, source: Arc::new(source) }
            }
            Self::Initializer(reason) => StartError::Initializer { program, reason },
        }
    }
}

/// Has the worker run the initializer, if there is one, and waits for it. The start's deadline
/// holds here too: the worker is killed when it passes.
fn initialize(
    initializer: Option<&Initializer>,
    process: &Process,
    link: &mut Link,
) -> Result<(), String> {
    let Some(initializer) = initializer else { return Ok(()) };
    let job = JobId::new(u64::MAX);
    let (task, body) = (Cow::Borrowed(initializer.task), Body::Inline);
    let header = JobHeader { job, task, attempt: 0, items: 1, body };
    let message = codec::message(&header, &initializer.input).map_err(text)?;
    link.jobs.send(&message).map_err(text)?;
    let answer = match link.results.receive(process.child.pidfd()) {
        Ok(Some(answer)) => answer,
        Ok(None) => return Err("it ended".to_owned()),
        Err(ReceiveError::System(errno)) => return Err(errno.to_string()),
        Err(ReceiveError::Nonsense(reason)) => return Err(reason.to_owned()),
    };
    let (header, body) = open(answer, process.child.pid())
        .map_err(|(Bad::Unheld(reason) | Bad::Nonsense(reason))| reason)?;
    let body = body.map_err(text)?;
    if let Body::Segment(_) = header.body {
        let mut release = Vec::new();
        codec::encode(&Control::Release(job, 0), &mut release).map_err(text)?;
        link.lifeline.send(&release).map_err(text)?;
    }
    // Its value, if it gives one, is of no interest: any value is read as nothing.
    let mut bytes = &*body;
    let _ran_ns: u64 = codec::decode(&mut bytes).map_err(text)?;
    match codec::decode::<ItemOutcome<()>>(&mut bytes).map_err(text)? {
        ItemOutcome::Value(()) => Ok(()),
        ItemOutcome::Error(error) => Err(error.to_string()),
        ItemOutcome::Panic(info) => Err(format!("it panicked: {}", info.message)),
        ItemOutcome::Refused(reason) => Err(reason),
    }
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

/// Reads all that a worker sends, until it closes its channel. Says why it was killed for some of it,
/// if it was.
fn receive(
    driver: &Arc<Driver>,
    id: WorkerId,
    process: &Process,
    results: &mut Inbox,
) -> Option<String> {
    let (mut offered, mut nonsense) = (None, None);
    loop {
        let taken = match results.receive(process.child.pidfd()) {
            Ok(Some(message)) => let_go(offered.take())
                .and_then(|()| take_in(driver, id, process.child.pid(), message))
                .map(|segment| offered = segment),
            Ok(None) => return nonsense,
            Err(ReceiveError::System(errno)) => {
                tracing::info!(worker = id.number(), "nothing more is received of it: {errno}");
                return nonsense;
            }
            Err(ReceiveError::Nonsense(reason)) => Err(reason.to_owned().into()),
        };
        match taken {
            Ok(()) => {}
            // What it offered is gone with it, and its channel ends here.
            Err(Bad::Unheld(_)) if process.child.wait(EXIT_GRACE) => {}
            Err(Bad::Unheld(reason) | Bad::Nonsense(reason)) => {
                let reason = format!("killed for what it sent: {reason}");
                tracing::info!(worker = id.number(), "{reason}");
                driver.feed(Event::Misbehaved(id));
                nonsense.get_or_insert(reason);
            }
        }
    }
}

/// Why what a worker sent cannot be used.
enum Bad {
    /// It does not hold the shared memory that it offers, as when it is dying.
    Unheld(String),
    /// No worker in its right mind sends it.
    Nonsense(String),
}

impl From<String> for Bad {
    fn from(reason: String) -> Self {
        Self::Nonsense(reason)
    }
}

impl From<OpenError> for Bad {
    fn from(error: OpenError) -> Self {
        let is_unheld = matches!(error, OpenError::Open { .. });
        if is_unheld { Self::Unheld(text(error)) } else { Self::Nonsense(text(error)) }
    }
}

/// Checks that a worker waited until the segment it offered was read, before it sent more. One that
/// does not listen on its lifeline would soon leave no room there, and block whoever sends the next.
fn let_go(offered: Option<SegmentRef>) -> Result<(), Bad> {
    if offered.is_some_and(|segment| segment.is_held()) {
        return Err("it goes on before its shared memory was read".to_owned().into());
    }
    Ok(())
}

/// What is in a message, which is no less a message if there is no room here for its body.
type Opened<'a> = (ResultHeader, Result<Cow<'a, [u8]>, OpenError>);

/// Reads a message from process `pid`.
fn open(message: &[u8], pid: u32) -> Result<Opened<'_>, Bad> {
    let mut body = message;
    let header: ResultHeader = codec::decode(&mut body).map_err(text)?;
    match header.body {
        Body::Inline => Ok((header, Ok(Cow::Borrowed(body)))),
        Body::Segment(segment) if segment.pid() == pid => match segment.read() {
            Err(error) if !error.is_shortage() => Err(error.into()),
            body => Ok((header, body.map(Cow::Owned))),
        },
        Body::Segment(_) => Err("shared memory that is not its own".to_owned().into()),
    }
}

/// Delivers one message of results, or says why it is not one. Gives the segment it came in, if so.
fn take_in(
    driver: &Arc<Driver>,
    id: WorkerId,
    pid: u32,
    message: &[u8],
) -> Result<Option<SegmentRef>, Bad> {
    let (header, body) = open(message, pid)?;
    match driver.claim(id, &header) {
        Claim::Deliver(sink, items) => match body {
            Ok(body) => {
                // Not before now, or a worker's clock could tell the future.
                let started_ns = header.started_ns.min(clock::now_ns());
                let ran = Ran { worker: id, started_ns };
                accept(&*sink, items.clone(), &body, ran)
                    .inspect_err(|_| driver.unclaim(&header, &*sink, items))?;
            }
            Err(shortage) => {
                let later = sink.fail(items, &Error::new(Kind::Receive(shortage)));
                later.into_iter().for_each(|call| call());
            }
        },
        Claim::Unwanted => {}
        Claim::Nonsense => return Err(format!("a result for job {}", header.job).into()),
    }
    let segment = if let Body::Segment(segment) = header.body { Some(segment) } else { None };
    let n_bytes = message.len() as u64 + segment.map_or(0, |segment| segment.len());
    driver.received(id, &header, n_bytes);
    Ok(segment)
}

/// Has `sink` take results in. Decoding them runs the user's code, which may panic.
fn accept(sink: &dyn Sink, items: Range<u64>, body: &[u8], ran: Ran) -> Result<(), String> {
    let accepted = panic::catch(|| sink.accept(items, body, ran));
    accepted.map_err(|panic| panic.message)?.map_err(text)
}

/// Waits for the end of a worker that has closed its channel, and collects what is left of it.
fn reap(driver: &Driver, process: &Process) -> Death {
    process.child.wait(EXIT_GRACE);
    process.bury(&driver.settings.on_stderr)
}
