//! Where a worker that was just started meets its coordinator, and how each knows the other.

use std::{
    env, io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::Path,
    sync::Arc,
};

use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver};
use parzen_worker::{
    beacon::{Beacon, BeaconFile},
    panic,
    protocol::{BUILD, Greeting, Hello, Invitation, MAGIC, Token, VERSION, WorkerId, codec},
};
use rustix::{
    fs::{Access, Mode, OFlags},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use super::{error::StartError, private::privately};

/// `sockaddr_un` holds 108 bytes with the final zero; `ipc-channel` cuts longer paths short without
/// a word. It makes `/.tmpXXXXXX/socket` in the directory for temporary files.
const LONGEST_DIRECTORY: usize = 107 - "/.tmpXXXXXX/socket".len();

/// A one-shot server that has no name any more: only who is handed the door can come in.
pub(crate) struct Rendezvous {
    server: IpcOneShotServer<Hello>,
    door: Arc<Door>,
    beacon: Arc<Beacon>,
    /// The worker has found it before it says hello.
    /// `None` if there is no beacon.
    beacon_file: Option<BeaconFile>,
    invitation: Invitation,
}

/// The way to a server without a name.
#[derive(Debug)]
pub(crate) struct Door(OwnedFd);

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
    /// Whoever came went without a word, or nobody came.
    Silence,
    /// A worker of this version or build.
    OtherVersion(String),
    /// Not the process that was started.
    Stranger(String),
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
        let (server, path) = make_server(&directory).map_err(failed)?;
        let door = take_name(Path::new(&path)).map_err(failed)?;
        // Without one only less is known of what it runs when it dies.
        let (beacon, beacon_file) = Beacon::create().ok().unzip();
        let beacon_path = beacon_file.as_ref().map(BeaconFile::path).unwrap_or_default();
        let token = Token::new(rand::random());
        // The worker finds the door on its standard input.
        let address = "/proc/self/fd/0".to_owned();
        Ok(Self {
            server,
            door: Arc::new(Door(door)),
            invitation: Invitation { worker, token, beacon: beacon_path, address },
            beacon: Arc::new(beacon.unwrap_or_else(Beacon::dark)),
            beacon_file,
        })
    }

    pub(crate) fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    pub(crate) fn door(&self) -> Arc<Door> {
        Arc::clone(&self.door)
    }

    /// Where the worker says what it is at.
    pub(crate) fn beacon(&self) -> Arc<Beacon> {
        Arc::clone(&self.beacon)
    }

    /// Waits for process `pid` to come in and say hello. Blocks; [`Door::knock`] ends it.
    pub(crate) fn accept(self, pid: u32) -> Result<Link, Refusal> {
        // What a stranger sends can make `ipc-channel` panic.
        let server = self.server;
        let accepted = panic::catch(|| server.accept());
        let (bootstrap, hello): (IpcReceiver<Hello>, Hello) = match accepted {
            Ok(Ok(accepted)) => accepted,
            Ok(Err(ipc_channel::IpcError::Disconnected)) => return Err(Refusal::Silence),
            Ok(Err(error)) => return Err(Refusal::Stranger(error.to_string())),
            Err(panic) => return Err(Refusal::Stranger(panic.message)),
        };
        // Every process started from now on would inherit it.
        drop(bootstrap);
        drop(self.beacon_file);
        check(&hello.greeting, &self.invitation, pid)?;
        Ok(Link { jobs: hello.jobs, results: hello.results, lifeline: hello.lifeline })
    }
}

/// Makes the server, in a directory of this user's alone. `ipc-channel` panics when that cannot be
/// made; the reason is then asked for again.
fn make_server(directory: &Path) -> io::Result<(IpcOneShotServer<Hello>, String)> {
    // The mode of the directory is left to the umask.
    let made = privately(|| panic::catch(IpcOneShotServer::new))?;
    made.unwrap_or_else(|panic| {
        let reason = tempfile::tempdir_in(directory).err();
        Err(reason.unwrap_or_else(|| io::Error::other(panic.message)))
    })
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

/// Takes the socket out of the file system, so that nobody finds it and nothing is left of it
/// whatever becomes of this process.
fn take_name(socket: &Path) -> io::Result<OwnedFd> {
    let directory = socket.parent().unwrap_or(socket);
    // Where the umask could not be our own.
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))?;
    let door = rustix::fs::open(socket, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    // Here in any case: `ipc-channel` needs a descriptor to remove a directory, and if the door could
    // not be opened there may be none.
    std::fs::remove_file(socket)?;
    std::fs::remove_dir(directory)?;
    Ok(door?)
}

impl Door {
    /// What the worker is handed as its standard input.
    pub(crate) fn hand_out(&self) -> io::Result<OwnedFd> {
        self.0.try_clone()
    }

    /// Comes in and goes without a word, so that [`Rendezvous::accept`] returns. Does not wait.
    pub(crate) fn knock(&self) {
        // With a socket of our own: `ipc-channel` never closes one that cannot connect, and nobody
        // may be waiting any more.
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
        let address = SocketAddrUnix::new(format!("/proc/self/fd/{}", self.0.as_raw_fd()));
        if let (Ok(socket), Ok(address)) = (socket, address) {
            let _ = connect(&socket, &address);
        }
    }
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

    #[test]
    fn nobody_else_can_look_for_the_socket_while_it_has_a_name() {
        let (server, path) = make_server(&env::temp_dir()).unwrap();
        let directory = Path::new(&path).parent().unwrap();
        let mode = directory.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
        take_name(Path::new(&path)).unwrap();
        drop(server);
    }

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

    #[test]
    fn a_server_leaves_nothing_behind_and_a_knock_ends_its_wait() {
        let rendezvous = Rendezvous::open(WorkerId::new(0)).unwrap();
        let door = rendezvous.door();
        let waiting =
            std::thread::Builder::new().spawn(move || rendezvous.accept(1).map(drop)).unwrap();
        door.knock();
        assert!(matches!(waiting.join().unwrap(), Err(Refusal::Silence)));
    }
}
