//! One thread for each worker, alive exactly as long as the worker: starts it, greets it, reads what
//! it sends to the very end, reaps it, and only then reports that it is gone. So whatever a worker
//! had sent before it died is read first.

use std::{
    borrow::Cow,
    collections::VecDeque,
    ffi::OsStr,
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use ipc_channel::{IpcError, ipc::IpcBytesReceiver};
use parzen_worker::{
    protocol::{Body, Control, ItemOutcome, JobHeader, JobId, ResultHeader, WorkerId, codec},
    shared::SegmentRef,
};
use rustix::process::{Pid, getpriority_process, setpriority_process};

use super::{
    child::Child,
    driver::{Driver, Expected, Process, now},
    error::{Death, StartError},
    program::Invocation,
    rendezvous::{Link, Refusal, Rendezvous},
    scheduler::Event,
    settings::Initializer,
    sink::Ran,
    stderr::Stderr,
};

/// Time between a worker's closing its channel and its end, before it is killed.
const EXIT_GRACE: Duration = Duration::from_millis(500);

/// Segments that a worker may hold after it was told to let them go. Far fewer messages than its
/// lifeline has room for.
const UNHEARD: usize = 64;

/// Time it has to let go of one more.
const HEARING: Duration = Duration::from_secs(1);

/// Time the system may take to end a killed process.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// Shows from outside whether a pump makes progress.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    messages: AtomicU64,
    waiting: AtomicBool,
}

impl Pulse {
    /// Messages received so far, if the pump is waiting for the next.
    pub(super) fn waiting_at(&self) -> Option<u64> {
        self.waiting.load(Ordering::Acquire).then(|| self.messages.load(Ordering::Acquire))
    }

    fn while_waiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.waiting.store(true, Ordering::Release);
        let got = wait();
        self.waiting.store(false, Ordering::Release);
        self.messages.fetch_add(1, Ordering::Release);
        got
    }
}

/// The life of worker `id`.
pub(super) fn run(driver: &Arc<Driver>, id: WorkerId) {
    let life = || match start(driver, id) {
        Ok(started) => Some(live(driver, id, started)),
        Err(error) => {
            driver.failed_start(error);
            None
        }
    };
    // `ipc-channel` asserts that packets are framed as it frames them. Whatever panics here, nobody
    // must wait for this worker for ever.
    let death = panic::catch_unwind(AssertUnwindSafe(life)).unwrap_or_else(|_| {
        tracing::error!(worker = id.number(), "killed, as its pump panicked");
        driver.feed(Event::Misbehaved(id));
        None
    });
    driver.exited(id, death);
}

struct Started {
    rendezvous: Rendezvous,
    process: Process,
    program: String,
}

fn start(driver: &Driver, id: WorkerId) -> Result<Started, StartError> {
    let invocation = driver.settings.program.resolve()?;
    let program = invocation.name();
    let rendezvous = Rendezvous::open(id)?;
    let process = start_process(driver, id, &invocation, &rendezvous)
        .map_err(|source| StartError::Run { program: program.clone(), source: Arc::new(source) })?;
    driver.attach(id, process.clone());
    Ok(Started { rendezvous, process, program })
}

fn start_process(
    driver: &Driver,
    id: WorkerId,
    invocation: &Invocation,
    rendezvous: &Rendezvous,
) -> io::Result<Process> {
    let door = rendezvous.door();
    let (stderr, writer) = Stderr::new(id)?;
    let invitation = rendezvous.invitation().to_env();
    let variable = (parzen_worker::protocol::Invitation::VARIABLE, OsStr::new(invitation.as_str()));
    let child = Child::start(invocation, variable, door.hand_out()?, writer.into())?;
    be_nice(&child, driver.settings.nice)?;
    Ok(Process {
        child: Arc::new(child),
        stderr: Arc::new(stderr),
        door,
        pulse: Arc::new(Pulse::default()),
    })
}

fn be_nice(child: &Child, nice: i32) -> io::Result<()> {
    if nice != 0 {
        let pid = i32::try_from(child.pid()).ok().and_then(Pid::from_raw);
        setpriority_process(pid, getpriority_process(pid)?.saturating_add(nice).min(19))?;
    }
    Ok(())
}

/// Greets a started worker, serves it to its end, and reaps it.
fn live(driver: &Arc<Driver>, id: WorkerId, started: Started) -> Death {
    let Started { rendezvous, process, program } = started;
    let pid = process.child.pid();
    let greeted = match process.pulse.while_waiting(|| rendezvous.accept(pid)) {
        Ok(link) => initialize(driver.settings.initializer.as_ref(), &process, &link)
            .map(|()| link)
            .map_err(NotReady::Initializer),
        Err(refusal) => Err(NotReady::Refused(refusal)),
    };
    match greeted {
        Ok(Link { jobs, results, lifeline }) => {
            driver.ready(id, jobs, lifeline);
            receive(driver, id, &process, &results);
            // Closed before the wait, so that a worker that is about to send finds out.
            drop(results);
            reap(driver, &process)
        }
        Err(not_ready) => {
            // Whether it was killed must be known before it is killed here.
            let was_killed = driver.is_killed(id);
            let ended_itself = process.child.wait(Duration::from_millis(50));
            process.child.kill();
            let death = reap(driver, &process);
            let why = not_ready.explain(program, was_killed, ended_itself, driver, &death);
            driver.failed_start(why);
            death
        }
    }
}

/// Why a started worker is not ready.
enum NotReady {
    Refused(Refusal),
    Initializer(String),
}

impl NotReady {
    fn explain(
        self,
        program: String,
        was_killed: bool,
        ended_itself: bool,
        driver: &Driver,
        death: &Death,
    ) -> StartError {
        match self {
            _ if was_killed => {
                StartError::TimedOut { program, after: driver.settings.config.start_timeout }
            }
            Self::Refused(Refusal::OtherVersion(theirs)) => {
                StartError::OtherVersion { program, theirs }
            }
            Self::Refused(Refusal::Stranger(reason)) => StartError::Stranger { program, reason },
            Self::Refused(Refusal::Silence) if ended_itself => {
                StartError::Ended { program, death: death.clone() }
            }
            Self::Refused(Refusal::Silence) => {
                StartError::Stranger { program, reason: "it went without a word".to_owned() }
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
    link: &Link,
) -> Result<(), String> {
    let Some(initializer) = initializer else { return Ok(()) };
    let header = JobHeader {
        job: JobId::new(u64::MAX),
        task: Cow::Borrowed(initializer.task),
        attempt: 0,
        items: 1,
        body: Body::Inline,
    };
    let message = codec::message(&header, &initializer.input).map_err(|error| error.to_string())?;
    link.jobs.send(&message).map_err(|error| error.to_string())?;
    let answer = process.pulse.while_waiting(|| link.results.recv());
    let answer = answer.map_err(|error| error.to_string())?;
    let mut bytes = answer.as_slice();
    let read = |error: codec::DecodeError| error.to_string();
    let header: ResultHeader = codec::decode(&mut bytes).map_err(read)?;
    let large = large_body(&header, process.child.pid())?;
    if let Some(large) = &large {
        bytes = large;
        let mut message = Vec::new();
        let release = Control::Release(header.job, header.first);
        codec::encode(&release, &mut message).map_err(|error| error.to_string())?;
        link.lifeline.send(&message).map_err(|error| error.to_string())?;
    }
    // Its value, if it gives one, is of no interest: any value is read as nothing.
    match codec::decode::<ItemOutcome<()>>(&mut bytes).map_err(read)? {
        ItemOutcome::Value(()) => Ok(()),
        ItemOutcome::Error(error) => Err(error.to_string()),
        ItemOutcome::Panic(info) => Err(format!("it panicked: {}", info.message)),
        ItemOutcome::Refused(reason) => Err(reason),
    }
}

/// Reads all that a worker sends, until it closes its channel.
fn receive(driver: &Arc<Driver>, id: WorkerId, process: &Process, results: &IpcBytesReceiver) {
    let mut returned = VecDeque::new();
    loop {
        match process.pulse.while_waiting(|| results.recv()) {
            Ok(message) => {
                let taken = take_in(driver, id, process.child.pid(), &message)
                    .and_then(|segment| let_go(&mut returned, segment));
                if let Err(reason) = taken {
                    tracing::warn!(worker = id.number(), "killed for what it sent: {reason}");
                    driver.feed(Event::Misbehaved(id));
                }
            }
            Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Sees to it that the worker lets go of the segments that it was told are read. It hears so on its
/// lifeline, where messages that it does not take would soon leave no room, and whoever sends the
/// next would wait for ever.
fn let_go(returned: &mut VecDeque<SegmentRef>, segment: Option<SegmentRef>) -> Result<(), String> {
    returned.extend(segment);
    if returned.len() <= UNHEARD {
        return Ok(());
    }
    let Some(oldest) = returned.pop_front() else { return Ok(()) };
    // Not at once: its other thread may be waiting for a processor.
    let deadline = now() + HEARING;
    while oldest.is_held() {
        if deadline < now() {
            return Err("it does not let go of its shared memory".to_owned());
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Delivers one message of results, or says why it is not one. Gives the segment that they came in.
fn take_in(
    driver: &Arc<Driver>,
    id: WorkerId,
    pid: u32,
    message: &[u8],
) -> Result<Option<SegmentRef>, String> {
    let mut bytes = message;
    let header: ResultHeader = codec::decode(&mut bytes).map_err(|error| error.to_string())?;
    let mut n_bytes = message.len() as u64;
    let segment = if let Body::Segment(segment) = header.body { Some(segment) } else { None };
    match driver.expect(id, &header) {
        Expected::Deliver(sink, items) => {
            let large = large_body(&header, pid)?;
            if let Some(large) = &large {
                bytes = large;
                n_bytes += large.len() as u64;
            }
            // How a result is decoded is for its type to say, and some have opinions.
            let accept = AssertUnwindSafe(|| sink.accept(items, bytes, ran(id, &header)));
            let accepted = panic::catch_unwind(accept).map_err(|_| "it panicked when read")?;
            accepted.map_err(|error| error.to_string())?;
        }
        Expected::Ignore => {}
        Expected::Nonsense => return Err(format!("a result for job {}", header.job)),
    }
    driver.received(id, &header, n_bytes);
    Ok(segment)
}

/// The body, if it is not in the message but in shared memory of process `pid`.
fn large_body(header: &ResultHeader, pid: u32) -> Result<Option<Vec<u8>>, String> {
    let Body::Segment(segment) = header.body else { return Ok(None) };
    if segment.pid() != pid {
        return Err("shared memory that is not its own".to_owned());
    }
    segment.read().map(Some).map_err(|error| error.to_string())
}

fn ran(worker: WorkerId, header: &ResultHeader) -> Ran {
    Ran { worker, started_ns: header.started_ns, finished_ns: header.finished_ns }
}

/// Waits for the end of a worker that has closed its channel, and collects what is left of it.
fn reap(driver: &Driver, process: &Process) -> Death {
    if !process.child.wait(EXIT_GRACE) {
        process.child.kill();
        process.child.wait(KILL_GRACE);
    }
    let status = process.child.reap();
    process.stderr.drain(&driver.settings.on_stderr);
    Death { status, stderr: process.stderr.tail() }
}
