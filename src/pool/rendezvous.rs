//! Where a worker that was just started meets its coordinator, and how each knows the other.

use std::{
    env, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use ipc_channel::ipc::{IpcBytesSender, IpcMessage};
use parzen_worker::{
    beacon::{Beacon, BeaconFile},
    protocol::{BUILD, Greeting, Hello, Invitation, MAGIC, Token, VERSION, WorkerId, codec},
};
use rustix::{
    io::Errno,
    net::sockopt::{Timeout, set_socket_timeout},
};
use serde::{Deserialize, Serialize};

use super::{
    child::Child,
    door::{Door, LONGEST_NAME, Refusal, of_other},
    error::StartError,
    packet::{Inbox, Reader, is_channel},
};

/// `sockaddr_un` holds 108 bytes with the final zero.
const LONGEST_DIRECTORY: usize = 107 - LONGEST_NAME;

/// Time a message may take to be sent. There is always room for it, unless a worker gave a channel
/// that nobody empties: then this is what that may hold up the others. It does not hold for what
/// `ipc-channel` sends in pieces, as it does where sockets have less room than Linux gives them.
const SEND_LIMIT: Duration = Duration::from_secs(1);

/// A place where one process is expected.
pub(crate) struct Rendezvous {
    door: Door,
    reader: Reader<Hello>,
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
    pub(crate) results: Inbox,
    pub(crate) lifeline: IpcBytesSender,
}

impl Rendezvous {
    /// Opens a meeting place for `worker`. Gives what that is handed as its standard input, too.
    pub(crate) fn open(worker: WorkerId) -> Result<(Self, OwnedFd), StartError> {
        let directory = env::temp_dir();
        check_length(&directory).map_err(StartError::socket)?;
        let (door, way_in) = Door::open(&directory).map_err(StartError::socket)?;
        let reader = door.reader(&way_in).map_err(StartError::socket)?;
        // Without one only less is known of what it runs when it dies.
        let (beacon, beacon_file) = Beacon::create().ok().unzip();
        let beacon_path = beacon_file.as_ref().map(BeaconFile::path).unwrap_or_default();
        let token = Token::new(rand::random());
        // The worker finds the door on its standard input.
        let address = "/proc/self/fd/0".to_owned();
        let invitation = Invitation { worker, token, beacon: beacon_path, address };
        let beacon = Arc::new(beacon.unwrap_or_else(Beacon::dark));
        Ok((Self { door, reader, beacon, beacon_file, invitation }, way_in))
    }

    pub(crate) fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// Where the worker says what it is at.
    pub(crate) fn beacon(&self) -> Arc<Beacon> {
        Arc::clone(&self.beacon)
    }

    /// Waits for `child` to come in and say hello, until it ends, and for `patience` at the most.
    pub(crate) fn accept(self, child: &Child, patience: Duration) -> Result<Link, Refusal> {
        let packet = self.door.hear(child, patience)?;
        // Every worker that starts has so many descriptors; it is done with this.
        drop(self.beacon_file);
        let message = packet.message().ok_or_else(no_hello)?;
        let greeting: Vec<u8> = decode(message)?;
        check(&greeting, &self.invitation, child.pid())?;
        // What `ipc-channel` makes of other numbers, or of what is no socket, may be a panic.
        let (_, channels): (Vec<u8>, [usize; 3]) = decode(message)?;
        let [jobs, results, lifeline] = &packet.descriptors[..] else { return Err(no_hello()) };
        if channels != [0, 1, 2] || !packet.descriptors.iter().all(is_channel) {
            return Err(no_hello());
        }
        for end in [jobs, lifeline] {
            set_socket_timeout(end, Timeout::Send, Some(SEND_LIMIT)).map_err(failed)?;
        }
        let results = results.try_clone().and_then(Inbox::new).map_err(Refusal::Failed)?;
        let Hello { jobs, lifeline, .. } = self.reader.read(packet).map_err(Refusal::Failed)?;
        Ok(Link { jobs, results, lifeline })
    }
}

fn no_hello() -> Refusal {
    Refusal::Stranger("it does not speak the protocol".to_owned())
}

fn failed(errno: Errno) -> Refusal {
    Refusal::Failed(errno.into())
}

/// Reads the first of a message of `ipc-channel`'s, whose channels are numbers in it.
fn decode<T: Serialize + for<'a> Deserialize<'a>>(message: &[u8]) -> Result<T, Refusal> {
    IpcMessage::from_data(message.to_vec()).to().map_err(|_| no_hello())
}

fn check_length(directory: &Path) -> io::Result<()> {
    let len = directory.as_os_str().as_bytes().len();
    if LONGEST_DIRECTORY < len {
        let message = format!(
            "the path has {len} bytes; at most {LONGEST_DIRECTORY} leave room for a socket"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    Ok(())
}

/// Checks who says hello. Version first: the rest may look different in another.
fn check(greeting: &[u8], invitation: &Invitation, pid: u32) -> Result<(), Refusal> {
    let (magic, version): (u64, u32) = codec::decode(&mut &*greeting).map_err(|_| no_hello())?;
    if magic != MAGIC {
        return Err(no_hello());
    }
    if version != VERSION {
        return Err(Refusal::OtherVersion(format!("of protocol {version}")));
    }
    let greeting: Greeting = codec::decode(&mut &*greeting).map_err(|_| no_hello())?;
    if greeting.build != BUILD {
        let build = greeting.build;
        return Err(Refusal::OtherVersion(format!("of parzen {build} (protocol {version})")));
    }
    if greeting.token != invitation.token || greeting.worker != invitation.worker {
        return Err(Refusal::Stranger("it does not know the token".to_owned()));
    }
    if greeting.pid != pid {
        return Err(Refusal::Stranger(of_other(greeting.pid, pid)));
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
