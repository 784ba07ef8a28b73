//! Where a worker comes in. Only the process that was started is listened to; others are sent away
//! unheard, so nobody who comes first keeps it out.

use std::{
    fmt::Display,
    fs::{self, DirEntry, Permissions},
    io,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
    time::Duration,
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen,
        socket_with, sockopt::socket_peercred,
    },
    process::{Pid, geteuid, getpid},
};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::{
    child::Child,
    driver::now,
    packet::{Packet, Reader, ReceiveError, attempt},
};

/// Connections that may wait to be looked at. More fail, or wait for room.
const BACKLOG: i32 = 16;

/// Bytes of a first message that are read. A hello has some hundred.
const LONGEST_HELLO: usize = 16 << 10;

/// Doors get their names in directories whose names begin so; the process's number follows, and
/// something random.
const PREFIX: &str = ".parzen-";

const NAME: &str = "door";

/// The longest path of a door in the directory for temporary files.
pub(super) const LONGEST_NAME: usize = "/.parzen-4194304-XXXXXX/door".len();

/// Entries of a directory that are looked at for what was left: a pool must not wait for more.
const MOST_ENTRIES: usize = 4096;

/// Far longer than a door has its name.
const STALE: Duration = Duration::from_secs(60);

/// A socket that has no name any more: only who is handed the way in, or finds it at the worker, can
/// come.
#[derive(Debug)]
pub(super) struct Door(OwnedFd);

/// Why nobody was let in.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The worker said nothing. The last stranger who came, if one did and is known.
    Silence(Option<Pid>),
    /// A worker of this version or build.
    OtherVersion(String),
    /// Not the process that was started, or it does not speak like a worker.
    Stranger(String),
    /// The system does not give what it takes.
    Failed(io::Error),
}

impl From<ReceiveError> for Refusal {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::System(errno) => Self::Failed(errno.into()),
            ReceiveError::Nonsense(reason) => Self::Stranger(reason.to_owned()),
        }
    }
}

/// What it means that another process says that it is the one that was started.
pub(super) fn of_other(process: impl Display, expected: u32) -> String {
    format!("process {process} answered in place of {expected}; a wrapper must `exec` the worker")
}

impl Door {
    /// Makes the socket in `directory`, where it has a name for a moment, in a directory of this
    /// user's alone. Gives the way in, too: whoever has it connects to `/proc/self/fd/N`.
    pub(super) fn open(directory: &Path) -> io::Result<(Self, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let home = private_directory(directory)?;
        let name = home.path().join(NAME);
        let way_in = name_for_a_moment(&listener, &name);
        // Here in any case, and by name: to empty a directory takes a descriptor, and there may be
        // none left.
        let removed = [fs::remove_file(&name), fs::remove_dir(home.path())];
        let way_in = way_in?;
        removed.into_iter().collect::<io::Result<()>>()?;
        // The umask may have taken that away.
        fs::set_permissions(address_of(&way_in), Permissions::from_mode(0o600))?;
        // Nobody can have come before.
        listen(&listener, BACKLOG)?;
        Ok((Self(listener), way_in))
    }

    /// Makes what reads the messages that are heard here. Needs the `way_in` for a moment.
    pub(super) fn reader<T>(&self, way_in: &OwnedFd) -> io::Result<Reader<T>>
    where
        T: Serialize + for<'a> Deserialize<'a>,
    {
        Reader::new(address_of(way_in), || self.own_guest())
    }

    /// The next who comes from this very process, which must have come. Others are sent away.
    pub(super) fn own_guest(&self) -> io::Result<OwnedFd> {
        loop {
            let guest = self.next_guest()?;
            if peer(&guest) == Some(getpid()) {
                return Ok(guest);
            }
        }
    }

    /// Waits for the first message of `child`, until it has ended, and for `patience` at the most.
    pub(super) fn hear(self, child: &Child, patience: Duration) -> Result<Packet, Refusal> {
        let until = now().checked_add(patience);
        let mut stranger = None;
        let pidfd = child.pidfd();
        while let Some(guest) = attempt(&self.0, pidfd, until, || Ok(self.next_guest()?))? {
            let of = peer(&guest);
            if of == Some(child.id()) {
                // Nobody else is expected, and its message comes with descriptors.
                drop(self);
                let packet =
                    attempt(&guest, pidfd, until, || Packet::receive(&guest, LONGEST_HELLO));
                return packet?.flatten().ok_or(Refusal::Silence(stranger));
            }
            tracing::info!(?of, worker = child.pid(), "a stranger came and was sent away");
            stranger = of;
            if until.is_some_and(|until| until <= now()) {
                break;
            }
        }
        Err(Refusal::Silence(stranger))
    }

    /// Whoever is next. Does not wait.
    fn next_guest(&self) -> Result<OwnedFd, Errno> {
        accept_with(&self.0, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
    }
}

/// A directory of this user's alone, whose name tells whose it is.
fn private_directory(parent: &Path) -> io::Result<TempDir> {
    let prefix = format!("{PREFIX}{}-", std::process::id());
    let mut builder = tempfile::Builder::new();
    builder.permissions(Permissions::from_mode(0o700)).disable_cleanup(true);
    builder.prefix(&prefix).tempdir_in(parent)
}

/// Removes from `directory` what processes of this user's left there that were killed while a door
/// had its name.
pub(super) fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().take(MOST_ENTRIES).flatten() {
        if is_left(&entry).unwrap_or(false) {
            // What cannot be removed is somebody else's, or will be by the next.
            let _ = fs::remove_file(entry.path().join(NAME));
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Whether it is the directory of a door whose process is gone.
fn is_left(entry: &DirEntry) -> Option<bool> {
    let owner: u32 =
        entry.file_name().to_str()?.strip_prefix(PREFIX)?.split_once('-')?.0.parse().ok()?;
    let is_alive = Path::new(&format!("/proc/{owner}")).exists();
    let metadata = entry.metadata().ok()?;
    let is_own = metadata.is_dir() && metadata.uid() == geteuid().as_raw();
    // Where processes of several containers meet, one that cannot be seen from here may be alive.
    let age = metadata.modified().ok()?.elapsed().ok()?;
    Some(!is_alive && is_own && STALE < age)
}

/// Gives the socket this name, and finds it there: that is the way in. It takes no longer than it
/// must, as the name stays if this process is killed meanwhile.
fn name_for_a_moment(listener: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(name)?;
    match (bind(listener, &address), name.parent()) {
        // The umask may take away what this user needs.
        (Err(Errno::ACCESS), Some(home)) => {
            fs::set_permissions(home, Permissions::from_mode(0o700))?;
            bind(listener, &address)?;
        }
        (bound, _) => bound?,
    }
    Ok(rustix::fs::open(name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}

/// The path that leads wherever this descriptor does.
fn address_of(way_in: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", way_in.as_raw_fd())
}

/// The process that made a connection, as the system has it, if it can be seen from here.
fn peer(guest: &OwnedFd) -> Option<Pid> {
    socket_peercred(guest).map(|guest| guest.pid).ok()
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs::{File, FileTimes},
        time::SystemTime,
    };

    use super::*;

    #[test]
    fn nothing_is_left_of_it_and_its_way_in_leads_there() {
        let directory = tempfile::tempdir().unwrap();
        let (door, way_in) = Door::open(directory.path()).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(door.own_guest().is_err());
        door.reader::<u32>(&way_in).unwrap();
    }

    #[test]
    fn nobody_else_finds_it_while_it_has_a_name_or_after() {
        let parent = tempfile::tempdir().unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let home = private_directory(parent.path()).unwrap();
        assert_eq!(mode(home.path()), 0o700);
        let (_door, way_in) = Door::open(parent.path()).unwrap();
        assert_eq!(mode(address_of(&way_in).as_ref()), 0o600);
    }

    #[test]
    fn what_dead_processes_left_is_swept_away() {
        // Numbers of processes are smaller.
        let dead = u32::MAX;
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str, age: Duration| {
            let home = parent.path().join(name);
            fs::create_dir(&home).unwrap();
            fs::write(home.join(NAME), "").unwrap();
            let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + age);
            File::open(&home).unwrap().set_times(times).unwrap();
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let own = std::process::id();
        make(&format!(".parzen-{dead}-old"), Duration::ZERO);
        let kept = [
            (format!(".parzen-{dead}-new"), now),
            (format!(".parzen-{own}-own"), Duration::ZERO),
            (format!(".parzen-{dead}"), Duration::ZERO),
            (".tmpAbCdEf".to_owned(), Duration::ZERO),
        ];
        kept.iter().for_each(|(name, age)| make(name, *age));
        sweep(parent.path());
        let left = fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: BTreeSet<_> = left.collect();
        assert_eq!(left, kept.into_iter().map(|(name, _)| name.into()).collect());
    }

    #[test]
    fn a_directory_without_any_right_is_given_those_of_its_user() {
        let parent = tempfile::tempdir().unwrap();
        let home = private_directory(parent.path()).unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o000)).unwrap();
        let flags = SocketFlags::CLOEXEC;
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None);
        // For the superuser it needs none.
        name_for_a_moment(&listener.unwrap(), &home.path().join(NAME)).unwrap();
    }
}
