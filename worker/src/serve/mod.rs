//! The life of a worker process: say hello, run jobs, leave.
//!
//! Two threads. The main thread receives jobs and runs them. The lifeline thread only listens: it
//! hears when the worker is to leave, and when the coordinator is gone, even in the middle of a job
//! or of a send.
//!
//! The main thread finds a channel closed, too, when the coordinator is gone, and must not be the
//! first to end the process: what its tasks have started is ended by the lifeline thread. So it
//! leaves only if it was asked to.

mod job;
mod lifeline;

use std::{fs::File, io, path::Path, sync::Arc};

use ipc_channel::{
    IpcError,
    ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcSender},
};

use signal_hook::{consts::SIGXFSZ, flag};

use self::{
    job::{Outbox, Results},
    lifeline::{Lifeline, die, end_group},
};
use crate::{
    beacon::Beacon,
    protocol::{
        Body, Greeting, Hello, Invitation, InvitationError, JobHeader, ResultHeader,
        codec::{self, DecodeError, EncodeError},
    },
    registry::Registry,
    task::Context,
};

/// Why a worker could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Nobody invited this process.
    #[error("this process was not started as a worker")]
    Invitation(#[from] InvitationError),
    /// The coordinator's server is not there.
    #[error("failed to connect to the coordinator")]
    Connect(#[source] io::Error),
    /// A channel or thread could not be made.
    #[error("failed to set up the worker")]
    SetUp(#[source] io::Error),
    /// The coordinator went away during the greeting.
    #[error("failed to say hello to the coordinator")]
    Hello(#[source] IpcError),
    /// What is to be sent could not be encoded.
    #[error("failed to encode a message")]
    Encode(#[source] EncodeError),
    /// A job's header is not one.
    #[error("the coordinator sent a job that cannot be read")]
    BadJob(#[source] DecodeError),
    /// A job came and the channel broke.
    #[error("failed to receive a job")]
    Receive(#[source] IpcError),
    /// The coordinator no longer reads.
    #[error("failed to send a result")]
    Send(#[source] io::Error),
}

/// Serves the coordinator that started this process, with the tasks in `registry`, until it has no
/// more jobs. Blocks; call it from `main`.
///
/// The process ends at once, without returning from here, if the coordinator goes away.
/// SIGXFSZ does not end it: to write more to a file than the system allows is an error.
///
/// A program that is nothing but a worker should take its invitation with
/// [`startup::take_invitation`](crate::startup::take_invitation) and call [`serve_as`]: programs
/// that its tasks start then find no invitation, and no descriptor that this process came with.
///
/// # Errors
///
/// Fails if this process was not started by a coordinator, or the connection breaks.
pub fn serve(registry: &Registry) -> Result<(), ServeError> {
    serve_as(&Invitation::from_env()?, registry)
}

/// As [`serve`], for a program that has taken its invitation out of the environment already.
///
/// # Errors
///
/// As [`serve`].
pub fn serve_as(invitation: &Invitation, registry: &Registry) -> Result<(), ServeError> {
    // What a list of processes shows, whatever file was run. Without it only that is less clear.
    let _ = rustix::thread::set_name(c"parzen-worker");
    // A file that grows beyond `ulimit -f`, shared memory included, ends the process, unless somebody
    // listens: then the write fails, which can be told. Programs that tasks start do not inherit it.
    flag::register(SIGXFSZ, Arc::default()).map_err(ServeError::SetUp)?;
    let link = connect(invitation).inspect_err(|error| {
        if is_unheard(invitation, error) {
            end_group();
        }
    })?;
    let lifeline = Lifeline::listen(link.lifeline).map_err(ServeError::SetUp)?;
    let mut context = Context::new(invitation.worker.number(), lifeline.leaving());
    let mut outbox = Channel { results: link.results, lifeline: lifeline.clone() };
    let served = run_jobs(&link.jobs, registry, &mut context, &link.beacon, &mut outbox);
    let is_deserted = match &served {
        Ok(()) => !lifeline.wait_for_word(),
        Err(ServeError::Send(error)) => is_disconnection(error),
        // The coordinator was there just now, and ends what this worker leaves behind.
        Err(_) => false,
    };
    if is_deserted {
        die();
    }
    served
}

/// Whether it was the coordinator's end that kept this worker from saying hello. Until it has heard
/// one, the beacon's file can be found, if there is a beacon; not even looked for, once the
/// coordinator is dead and its parent has not heard of that.
fn is_unheard(invitation: &Invitation, error: &ServeError) -> bool {
    matches!(error, ServeError::Connect(_) | ServeError::Hello(_))
        && !invitation.beacon.is_empty()
        && !Path::new(&invitation.beacon).exists()
}

fn is_disconnection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Runs jobs until there are no more.
fn run_jobs(
    jobs: &IpcBytesReceiver,
    registry: &Registry,
    context: &mut Context,
    beacon: &Beacon,
    outbox: &mut Channel,
) -> Result<(), ServeError> {
    while let Some(message) = receive(jobs)? {
        let mut body = message.as_slice();
        let header: JobHeader<'_> = codec::decode(&mut body).map_err(ServeError::BadJob)?;
        match job::run(registry, &header, body, context, beacon, outbox)? {
            job::End::Done => {}
            job::End::Left => break,
        }
    }
    Ok(())
}

/// The worker's ends of its channels.
struct Link {
    jobs: IpcBytesReceiver,
    results: IpcBytesSender,
    lifeline: IpcBytesReceiver,
    beacon: Beacon,
}

fn connect(invitation: &Invitation) -> Result<Link, ServeError> {
    let bootstrap =
        IpcSender::<Hello>::connect(invitation.address.clone()).map_err(ServeError::Connect)?;
    let set_up = ServeError::SetUp;
    let (jobs, own_jobs) = ipc::bytes_channel().map_err(set_up)?;
    let (own_results, results) = ipc::bytes_channel().map_err(set_up)?;
    let (lifeline, own_lifeline) = ipc::bytes_channel().map_err(set_up)?;
    // Without one, a death is blamed less exactly; that is no reason not to work.
    let beacon = Beacon::open(Path::new(&invitation.beacon)).unwrap_or_else(|_| Beacon::dark());
    let mut greeting = Vec::new();
    codec::encode(&Greeting::new(invitation), &mut greeting).map_err(ServeError::Encode)?;
    bootstrap.send(Hello { greeting, jobs, results, lifeline }).map_err(ServeError::Hello)?;
    // Standard input was the way to the coordinator's server. A task that reads it finds nothing.
    let nothing = File::open("/dev/null").map_err(set_up)?;
    rustix::stdio::dup2_stdin(&nothing).map_err(|error| ServeError::SetUp(error.into()))?;
    Ok(Link { jobs: own_jobs, results: own_results, lifeline: own_lifeline, beacon })
}

/// The next message, or `None` when the coordinator has closed the channel.
fn receive(jobs: &IpcBytesReceiver) -> Result<Option<Vec<u8>>, ServeError> {
    loop {
        match jobs.recv() {
            Ok(message) => return Ok(Some(message)),
            Err(IpcError::Disconnected) => return Ok(None),
            // A task may have installed a signal handler.
            Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ServeError::Receive(error)),
        }
    }
}

/// The way to the coordinator.
struct Channel {
    results: IpcBytesSender,
    lifeline: Lifeline,
}

impl Outbox for Channel {
    fn send(&mut self, mut header: ResultHeader, results: Results) -> Result<(), ServeError> {
        let segment = match results {
            Results::Inline(body) => {
                let message = codec::message(&header, &body).map_err(ServeError::Encode)?;
                return send(&self.results, &message);
            }
            Results::Segment(segment) => segment,
        };
        header.body = Body::Segment(segment.reference());
        self.lifeline.offer(header.job, header.first);
        send(&self.results, &codec::message(&header, &[]).map_err(ServeError::Encode)?)?;
        // It is gone with this process, so nothing else is begun before it was read.
        self.lifeline.wait_until_read();
        Ok(())
    }
}

fn send(results: &IpcBytesSender, message: &[u8]) -> Result<(), ServeError> {
    loop {
        match results.send(message) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map_err(ServeError::Send),
        }
    }
}
