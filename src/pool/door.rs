//! Where a worker comes in. Only the processes of its own group are listened to; others are sent
//! away unheard, so nobody who comes first keeps a worker out.

use std::{
    fs::Permissions,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    cmsg_space,
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with,
        bind, listen, recvmsg, sendmsg, socket_with, sockopt::socket_peercred,
    },
};

use tempfile::TempDir;

use super::{child::Child, driver::now};

/// More connections than these wait until somebody is let in, and fail if they will not wait.
const BACKLOG: i32 = 16;

/// Bytes of a first message that are read. A hello has some three hundred.
const LONGEST_HELLO: usize = 16 << 10;

/// Descriptors with a first message that are taken. A hello has three.
const MOST_DESCRIPTORS: usize = 8;

/// A socket that has no name any more: only who is handed the way in, or finds it at the worker, can
/// come.
#[derive(Debug)]
pub(super) struct Door {
    listener: OwnedFd,
    way_in: OwnedFd,
}

/// A message as it came in, unread, with the descriptors that came with it.
#[derive(Debug)]
pub(super) struct Packet {
    bytes: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

impl Door {
    /// Makes the socket in `directory`, where it has a name for a moment, in a directory of this
    /// user's alone.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        let home = private_directory(directory)?;
        let name = home.path().join("door");
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let listener = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        bind(&listener, &SocketAddrUnix::new(&name)?)?;
        listen(&listener, BACKLOG)?;
        let way_in = rustix::fs::open(&name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        home.close()?;
        Ok(Self { listener, way_in })
    }

    /// What the worker is handed as its standard input.
    pub(super) fn way_in(&self) -> io::Result<OwnedFd> {
        self.way_in.try_clone()
    }

    /// Waits for the first message of `child`, or of a process of its group. `None` if it has ended
    /// without one, or `patience` is at its end.
    pub(super) fn hear(&self, child: &Child, patience: Duration) -> io::Result<Option<Packet>> {
        let until = now().checked_add(patience);
        let come = || accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK);
        while let Some(guest) = attempt(&self.listener, child, until, come)? {
            let of = socket_peercred(&guest).map(|guest| guest.pid).ok();
            if !of.is_some_and(|of| child.leads(of)) {
                tracing::info!(worker = child.pid(), ?of, "a stranger came, and was sent away");
                continue;
            }
            match attempt(&guest, child, until, || receive(&guest))? {
                Some(packet) if !packet.bytes.is_empty() => return Ok(Some(packet)),
                // It went without a word.
                Some(_) | None => {}
            }
        }
        Ok(None)
    }
}

impl Packet {
    /// Sends it as it came.
    pub(super) fn pass_on(self, to: impl AsFd) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        sendmsg(to, &[IoSlice::new(&self.bytes)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// A directory of this user's alone, whatever the umask.
fn private_directory(parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir_in(parent)
}

/// What can be read now; nothing, if the other end is closed.
fn receive(guest: &OwnedFd) -> Result<Packet, Errno> {
    let mut bytes = vec![0; LONGEST_HELLO];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    // What is longer is cut, and will not be a hello.
    let received =
        recvmsg(guest, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC);
    bytes.truncate(received?.bytes);
    let descriptors = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    Ok(Packet { descriptors: descriptors.collect(), bytes })
}

/// Calls `take` until there is something at `socket` to take. `None` if `child` has ended, or the
/// time is over, and there is nothing.
fn attempt<T>(
    socket: &OwnedFd,
    child: &Child,
    until: Option<Instant>,
    mut take: impl FnMut() -> Result<T, Errno>,
) -> io::Result<Option<T>> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(now()));
        // Before the look, so that nothing is missed that it sent before its end.
        let is_over = left.is_some_and(|left| left.is_zero()) || child.wait(Duration::ZERO);
        match take() {
            Ok(taken) => return Ok(Some(taken)),
            Err(Errno::AGAIN) if is_over => return Ok(None),
            Err(Errno::AGAIN) => {
                let mut fds = [
                    PollFd::new(socket, PollFlags::IN),
                    PollFd::from_borrowed_fd(child.pidfd(), PollFlags::IN),
                ];
                let left = left.and_then(|left| Timespec::try_from(left).ok());
                // An interrupted wait is a short one.
                let _ = poll(&mut fds, left.as_ref());
            }
            Err(Errno::INTR | Errno::CONNABORTED) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::env;

    use super::*;

    #[test]
    fn nobody_else_can_look_for_the_socket_while_it_has_a_name() {
        let directory = private_directory(&env::temp_dir()).unwrap();
        let mode = directory.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{mode:o}");
    }
}
