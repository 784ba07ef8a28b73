//! Where a worker that was just started meets its coordinator, and how each knows the other.

use std::{
    env, fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver};
use parzen_worker::{
    beacon::{Beacon, BeaconFile},
    panic,
    protocol::{BUILD, Greeting, Hello, Invitation, MAGIC, Token, VERSION, WorkerId, codec},
};
use rustix::{
    fs::Access,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use super::{
    child::Child,
    door::{Door, Packet},
    error::StartError,
    private::privately,
};

/// `sockaddr_un` holds 108 bytes with the final zero; `ipc-channel` cuts longer paths short without
/// a word. It makes `/.tmpXXXXXX/socket` in the directory for temporary files.
const LONGEST_DIRECTORY: usize = 107 - "/.tmpXXXXXX/socket".len();

/// A place where one process is expected.
pub(crate) struct Rendezvous {
    door: Door,
    beacon: Arc<Beacon>,
    /// The worker has found it before it says hello.
    /// `None` if there is no beacon.
    beacon_file: Option<BeaconFile>,
    invitation: Invitation,
}

/// The coordinator's ends of a worker's channels.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) jobs: IpcBytesSender,
    pub(crate) results: IpcBytesReceiver,
    pub(crate) lifeline: IpcBytesSender,
}

/// Why nobody was let in.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nobody said hello.
    Silence,
    /// A worker of this version or build.
    OtherVersion(String),
    /// Not the process that was started, or it does not speak like a worker.
    Stranger(String),
    /// The system does not give what it takes.
    Failed(io::Error),
}

impl Rendezvous {
    /// Opens a meeting place for `worker`.
    pub(crate) fn open(worker: WorkerId) -> Result<Self, StartError> {
        let directory = env::temp_dir();
        let failed = |source| StartError::Socket {
            directory: directory.display().to_string(),
            source: Arc::new(source),
        };
        check_directory(&directory).map_err(failed)?;
        let door = Door::open(&directory).map_err(failed)?;
        // Without one only less is known of what it runs when it dies.
        let (beacon, beacon_file) = Beacon::create().ok().unzip();
        let beacon_path = beacon_file.as_ref().map(BeaconFile::path).unwrap_or_default();
        let token = Token::new(rand::random());
        // The worker finds the door on its standard input.
        let address = "/proc/self/fd/0".to_owned();
        Ok(Self {
            door,
            invitation: Invitation { worker, token, beacon: beacon_path, address },
            beacon: Arc::new(beacon.unwrap_or_else(Beacon::dark)),
            beacon_file,
        })
    }

    pub(crate) fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// What the worker is handed as its standard input.
    pub(crate) fn way_in(&self) -> io::Result<OwnedFd> {
        self.door.way_in()
    }

    /// Where the worker says what it is at.
    pub(crate) fn beacon(&self) -> Arc<Beacon> {
        Arc::clone(&self.beacon)
    }

    /// Waits for `child` to come in and say hello, until it ends, and for `patience` at the most.
    pub(crate) fn accept(self, child: &Child, patience: Duration) -> Result<Link, Refusal> {
        let heard = self.door.hear(child, patience).map_err(Refusal::Failed)?;
        let packet = heard.ok_or(Refusal::Silence)?;
        // Every worker has so many descriptors; it is done with these.
        drop((self.door, self.beacon_file));
        let hello = read(packet)?;
        check(&hello.greeting, &self.invitation, child.pid())?;
        Ok(Link { jobs: hello.jobs, results: hello.results, lifeline: hello.lifeline })
    }
}

/// Reads a message that was sent to a server of `ipc-channel`'s, which only such a server can.
fn read(packet: Packet) -> Result<Hello, Refusal> {
    let (server, connection) = make_server(&env::temp_dir()).map_err(Refusal::Failed)?;
    packet.pass_on(connection).map_err(Refusal::Failed)?;
    // What is no hello can make it panic.
    let accepted = panic::catch(|| server.accept());
    let accepted = accepted.map_err(|panic| Refusal::Stranger(panic.message))?;
    // Its other end must not stay: every process started from now on would inherit it.
    let (_, hello): (IpcReceiver<Hello>, Hello) =
        accepted.map_err(|error| Refusal::Stranger(error.to_string()))?;
    Ok(hello)
}

/// Makes a server with one connection, which is the first that it accepts, and without a name:
/// nobody finds it, and nothing is left of it whatever becomes of this process.
fn make_server(directory: &Path) -> io::Result<(IpcOneShotServer<Hello>, OwnedFd)> {
    // The mode of its directory is left to the umask. It panics when that cannot be made; the reason
    // is then asked for again.
    let made = privately(|| panic::catch(IpcOneShotServer::new))?;
    let (server, path) = made.unwrap_or_else(|panic| {
        let reason = tempfile::tempdir_in(directory).err();
        Err(reason.unwrap_or_else(|| io::Error::other(panic.message)))
    })?;
    let path = Path::new(&path);
    let connection = connect_to(path);
    // Here in any case: `ipc-channel` needs a descriptor to remove a directory, and if there could be
    // no connection there may be none.
    fs::remove_file(path)?;
    fs::remove_dir(path.parent().unwrap_or(path))?;
    Ok((server, connection?))
}

fn connect_to(server: &Path) -> io::Result<OwnedFd> {
    let (family, flags) = (AddressFamily::UNIX, SocketFlags::CLOEXEC);
    let connection = socket_with(family, SocketType::SEQPACKET, flags, None)?;
    connect(&connection, &SocketAddrUnix::new(server)?)?;
    Ok(connection)
}

fn check_directory(directory: &Path) -> io::Result<()> {
    let len = directory.as_os_str().as_bytes().len();
    if LONGEST_DIRECTORY < len {
        let message = format!(
            "the path has {len} bytes; at most {LONGEST_DIRECTORY} leave room for a socket"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    if directory.to_str().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path is not UTF-8"));
    }
    // `ipc-channel` panics if it cannot make its directory there, and loses a descriptor.
    if !directory.metadata()?.is_dir() {
        return Err(rustix::io::Errno::NOTDIR.into());
    }
    rustix::fs::access(directory, Access::WRITE_OK | Access::EXEC_OK)?;
    Ok(())
}

/// Checks who says hello. Version first: the rest may look different in another.
fn check(greeting: &[u8], invitation: &Invitation, pid: u32) -> Result<(), Refusal> {
    let stranger = |reason: &str| Refusal::Stranger(reason.to_owned());
    let (magic, version): (u64, u32) =
        codec::decode(&mut &*greeting).map_err(|_| stranger("it does not speak the protocol"))?;
    if magic != MAGIC {
        return Err(stranger("it does not speak the protocol"));
    }
    if version != VERSION {
        return Err(Refusal::OtherVersion(format!("of protocol {version}")));
    }
    let greeting: Greeting =
        codec::decode(&mut &*greeting).map_err(|_| stranger("it does not speak the protocol"))?;
    if greeting.build != BUILD {
        let build = greeting.build;
        return Err(Refusal::OtherVersion(format!("of parzen {build} (protocol {version})")));
    }
    if greeting.token != invitation.token || greeting.worker != invitation.worker {
        return Err(stranger("it does not know the token"));
    }
    if greeting.pid != pid {
        let reason = format!(
            "process {} answered in place of {pid}; a wrapper must `exec` the worker",
            greeting.pid
        );
        return Err(Refusal::Stranger(reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invitation() -> Invitation {
        let (beacon, address) = (String::new(), String::new());
        Invitation { worker: WorkerId::new(3), token: Token::new(7), beacon, address }
    }

    fn encoded(change: impl Fn(&mut Greeting)) -> Vec<u8> {
        let mut greeting = Greeting::new(&invitation());
        change(&mut greeting);
        let mut bytes = Vec::new();
        codec::encode(&greeting, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn only_the_invited_process_is_let_in() {
        let own = std::process::id();
        let refusal = |change: fn(&mut Greeting)| check(&encoded(change), &invitation(), own);
        assert!(refusal(|_| {}).is_ok());
        assert!(matches!(refusal(|g| g.version += 1), Err(Refusal::OtherVersion(_))));
        assert!(matches!(refusal(|g| g.build.push('x')), Err(Refusal::OtherVersion(_))));
        assert!(matches!(refusal(|g| g.magic += 1), Err(Refusal::Stranger(_))));
        assert!(matches!(refusal(|g| g.token = Token::new(8)), Err(Refusal::Stranger(_))));
        assert!(matches!(refusal(|g| g.worker = WorkerId::new(4)), Err(Refusal::Stranger(_))));
        assert!(matches!(refusal(|g| g.pid += 1), Err(Refusal::Stranger(_))));
        assert!(matches!(check(&[], &invitation(), own), Err(Refusal::Stranger(_))));
    }
}
