//! Messages of `ipc-channel`'s as a socket delivers them, checked before anything is made of them.
//!
//! Its own receivers trust what they read: a wrong length is a panic, an allocation without bound or
//! worse, and descriptors that nobody expects stay open for ever.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{Arc, Weak},
    time::Instant,
};

use ipc_channel::ipc::{self, IpcReceiver, IpcSender};
use parzen_worker::{panic, protocol::MAX_MESSAGE};
use rustix::{
    cmsg_space,
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
        SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketType, recv, recvmsg, sendmsg,
        sockopt::{socket_domain, socket_type},
    },
};
use serde::{Deserialize, Serialize};

use super::driver::now;

/// Each packet that begins a message begins with its own length and with the length of the message,
/// which does not count this.
const HEADER: usize = 2 * size_of::<usize>();

/// Descriptors with a message that are taken. A hello has three.
const MOST_DESCRIPTORS: usize = 8;

/// Why there is no message.
#[derive(Debug)]
pub(super) enum ReceiveError {
    /// The system gives none.
    System(Errno),
    /// It is none of `ipc-channel`'s, or a longer one than any worker sends.
    Nonsense(&'static str),
}

impl From<Errno> for ReceiveError {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// What begins a message, and the descriptors that came with it.
#[derive(Debug)]
pub(super) struct Packet {
    bytes: Vec<u8>,
    /// Bytes of the message, of which this holds the first.
    total: usize,
    pub(super) descriptors: Vec<OwnedFd>,
}

impl Packet {
    /// What can be read of `socket` now. `None` if its other end is closed.
    pub(super) fn receive(socket: impl AsFd, longest: usize) -> Result<Option<Self>, ReceiveError> {
        let mut bytes = vec![0; HEADER + longest];
        let Some(Head { len, total, descriptors }) = receive_head(socket, &mut bytes)? else {
            return Ok(None);
        };
        bytes.truncate(HEADER + len);
        Ok(Some(Self { bytes, total, descriptors }))
    }

    /// The message. `None` if this is not all of it.
    pub(super) fn message(&self) -> Option<&[u8]> {
        let message = &self.bytes[HEADER..];
        (message.len() == self.total).then_some(message)
    }

    fn send(self, to: impl AsFd) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = self.descriptors.iter().map(AsFd::as_fd).collect();
        if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        sendmsg(to, &[IoSlice::new(&self.bytes)], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

/// A socket at which messages without descriptors arrive.
#[derive(Debug)]
pub(super) struct Inbox {
    socket: Arc<OwnedFd>,
    buffer: Vec<u8>,
}

impl Inbox {
    /// Takes the receiving end of a channel. Fails if there is no memory for its messages.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        let mut buffer = Vec::new();
        buffer.try_reserve_exact(HEADER + MAX_MESSAGE)?;
        buffer.resize(HEADER + MAX_MESSAGE, 0);
        Ok(Self { socket: Arc::new(socket), buffer })
    }

    /// The socket, as long as this is there.
    pub(super) fn socket(&self) -> Weak<OwnedFd> {
        Arc::downgrade(&self.socket)
    }

    /// Waits for the next message. `None` if the other end is closed, in the middle of a message or
    /// not, or if the sender ends in the middle of one: then `pidfd` is readable.
    pub(super) fn receive(&mut self, pidfd: BorrowedFd<'_>) -> Result<Option<&[u8]>, ReceiveError> {
        let head = loop {
            match receive_head(&*self.socket, &mut self.buffer) {
                Err(ReceiveError::System(Errno::INTR)) => {}
                other => break other?,
            }
        };
        let Some(Head { mut len, total, mut descriptors }) = head else { return Ok(None) };
        let message = &mut self.buffer[HEADER..HEADER + total];
        if len < total {
            // A sender that gets no room for it all sends the rest in pieces, through a channel that
            // comes with the first.
            let rest = descriptors.pop().ok_or(ReceiveError::Nonsense("it is cut short"))?;
            // One of them may be its other end.
            drop(descriptors);
            if !is_channel(&rest) {
                return Err(ReceiveError::Nonsense("its rest comes through no channel"));
            }
            while len < total {
                let piece = &mut message[len..];
                let take = || Ok(recv(&rest, &mut *piece, RecvFlags::DONTWAIT)?.0);
                // Nothing is left to come of one that has ended, though another process may hold the
                // other end.
                match attempt(&rest, pidfd, None, take)? {
                    Some(0) | None => return Ok(None),
                    Some(n) => len += n,
                }
            }
        }
        Ok(Some(message))
    }
}

struct Head {
    /// Bytes of the message that are there.
    len: usize,
    total: usize,
    descriptors: Vec<OwnedFd>,
}

/// Receives what begins a message into `buffer`, which is as long as the longest may be.
fn receive_head(socket: impl AsFd, buffer: &mut [u8]) -> Result<Option<Head>, ReceiveError> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut slices = [IoSliceMut::new(buffer)];
    let received = recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let descriptors = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
        _ => Vec::new(),
    });
    let descriptors: Vec<OwnedFd> = descriptors.collect();
    if received.bytes == 0 {
        return Ok(None);
    }
    if received.flags.contains(ReturnFlags::CTRUNC) && descriptors.len() < MOST_DESCRIPTORS {
        return Err(Errno::MFILE.into());
    }
    let is_whole = !received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC);
    let longest = buffer.len() - HEADER;
    let (len, total) = is_whole
        .then(|| parse(&buffer[..received.bytes]))
        .flatten()
        .filter(|&(_, total)| total <= longest)
        .ok_or(ReceiveError::Nonsense("what it sends is no message"))?;
    Ok(Some(Head { len, total, descriptors }))
}

/// The bytes of a message in the packet that begins it, and in all. `None` if it does not begin one.
fn parse(packet: &[u8]) -> Option<(usize, usize)> {
    let (own, rest) = packet.split_first_chunk()?;
    let (total, message) = rest.split_first_chunk()?;
    let total = usize::from_ne_bytes(*total);
    let is_true = usize::from_ne_bytes(*own) == packet.len() && message.len() <= total;
    is_true.then_some((message.len(), total))
}

/// Whether it is what `ipc-channel` makes its channels of.
pub(super) fn is_channel(end: &OwnedFd) -> bool {
    let is_local = socket_domain(end).is_ok_and(|domain| domain == AddressFamily::UNIX);
    is_local && socket_type(end).is_ok_and(|kind| kind == SocketType::SEQPACKET)
}

/// Calls `take` until there is something at `socket` to take. `None` if the time is over or the process
/// of `pidfd` has ended, and there is nothing.
pub(super) fn attempt<T>(
    socket: &OwnedFd,
    pidfd: BorrowedFd<'_>,
    until: Option<Instant>,
    mut take: impl FnMut() -> Result<T, ReceiveError>,
) -> Result<Option<T>, ReceiveError> {
    loop {
        let left = until.map(|until| until.saturating_duration_since(now()));
        let end = PollFd::from_borrowed_fd(pidfd, PollFlags::IN);
        let mut fds = [PollFd::new(socket, PollFlags::IN), end];
        // An interrupted wait is a short one.
        let _ = poll(&mut fds, left.and_then(|left| Timespec::try_from(left).ok()).as_ref());
        // Known before the look, so that nothing is missed that it sent before its end.
        let is_over = left.is_some_and(|left| left.is_zero()) || !fds[1].revents().is_empty();
        match take() {
            Ok(taken) => return Ok(Some(taken)),
            Err(ReceiveError::System(Errno::AGAIN)) if is_over => return Ok(None),
            Err(ReceiveError::System(Errno::AGAIN | Errno::INTR | Errno::CONNABORTED)) => {}
            Err(error) => return Err(error),
        }
    }
}

/// A channel whose sending end is a plain descriptor, so that packets can be passed on to it: only
/// `ipc-channel` can make channels of the descriptors that come with a message.
#[derive(Debug)]
pub(super) struct Reader<T> {
    feed: OwnedFd,
    receiver: IpcReceiver<T>,
}

impl<T: Serialize + for<'a> Deserialize<'a>> Reader<T> {
    /// `ipc-channel` keeps the descriptors of its channels to itself. So it is made to send one to
    /// a socket of ours: it connects to `address`, and `accept` gives the other end of that.
    pub(super) fn new(
        address: String,
        accept: impl FnOnce() -> io::Result<OwnedFd>,
    ) -> io::Result<Self> {
        let (feed, receiver) = ipc::channel()?;
        let courier = IpcSender::<IpcSender<T>>::connect(address)?;
        courier.send(feed).map_err(io::Error::other)?;
        let feed = match Packet::receive(accept()?, MAX_MESSAGE) {
            Ok(packet) => packet.and_then(|mut packet| packet.descriptors.pop()),
            Err(ReceiveError::System(errno)) => return Err(errno.into()),
            Err(ReceiveError::Nonsense(_)) => None,
        };
        Ok(Self { feed: feed.ok_or(io::ErrorKind::InvalidData)?, receiver })
    }

    /// Reads a packet, which must hold a whole message that is a `T`, with as many descriptors, all
    /// of sockets, as that has channels.
    pub(super) fn read(self, packet: Packet) -> io::Result<T> {
        let Self { feed, receiver } = self;
        packet.send(feed)?;
        // If no descriptor is left for a channel, it panics.
        match panic::catch(|| receiver.recv()) {
            Ok(received) => received.map_err(io::Error::other),
            Err(_) => Err(Errno::MFILE.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rustix::{
        event::{EventfdFlags, eventfd},
        io::write,
        net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair},
        process::{PidfdFlags, getpid, pidfd_open},
    };

    use super::*;

    fn pair() -> (OwnedFd, Inbox) {
        let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let (sender, receiver) = socketpair(family, kind, SocketFlags::CLOEXEC, None).unwrap();
        (sender, Inbox::new(receiver).unwrap())
    }

    /// From a sender that does not end.
    fn receive(inbox: &mut Inbox) -> Result<Option<&[u8]>, ReceiveError> {
        inbox.receive(pidfd_open(getpid(), PidfdFlags::empty()).unwrap().as_fd())
    }

    fn packet(own: usize, total: usize, message: &[u8]) -> Vec<u8> {
        [&own.to_ne_bytes(), &total.to_ne_bytes(), message].concat()
    }

    fn send(to: &OwnedFd, bytes: &[u8], descriptors: &[&OwnedFd]) {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(16))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
        sendmsg(to, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).unwrap();
    }

    #[test]
    fn a_message_is_what_follows_two_true_lengths() {
        for (own, total, message, expected) in [
            (19, 3, "abc", Some((3, 3))),
            (16, 0, "", Some((0, 0))),
            (19, 5, "abc", Some((3, 5))),
            (18, 3, "abc", None),
            (20, 3, "abc", None),
            (19, 2, "abc", None),
            (usize::MAX, usize::MAX, "abc", None),
        ] {
            assert_eq!(parse(&packet(own, total, message.as_bytes())), expected, "{own} {total}");
        }
        for len in 0..HEADER {
            assert_eq!(parse(&vec![u8::try_from(len).unwrap(); len]), None);
        }
    }

    #[test]
    fn messages_arrive_one_after_another_until_the_end() {
        let (sender, mut inbox) = pair();
        for message in ["one", ""] {
            write(&sender, &packet(HEADER + message.len(), message.len(), message.as_bytes()))
                .unwrap();
        }
        assert_eq!(receive(&mut inbox).unwrap(), Some(&b"one"[..]));
        assert_eq!(receive(&mut inbox).unwrap(), Some(&b""[..]));
        drop(sender);
        assert_eq!(receive(&mut inbox).unwrap(), None);
    }

    #[test]
    fn what_is_no_message_is_told_and_the_next_is_read() {
        let (sender, mut inbox) = pair();
        let far = MAX_MESSAGE + 1;
        for nonsense in [
            vec![8, 0, 0, 0, 0, 0, 0, 0],
            packet(17, 1 << 46, b"a"),
            packet(17, far, b"a"),
            packet(17, 9, b"a"),
            vec![0; HEADER + far],
        ] {
            // With a descriptor or without, which would be the rest's.
            write(&sender, &nonsense).unwrap();
            let received = receive(&mut inbox);
            assert!(matches!(received, Err(ReceiveError::Nonsense(_))), "{received:?}");
        }
        let many = [&sender; 12];
        send(&sender, &packet(17, 1, b"a"), &many);
        assert!(matches!(receive(&mut inbox), Err(ReceiveError::Nonsense(_))));
        send(&sender, &packet(17, 1, b"a"), &many[..2]);
        assert_eq!(receive(&mut inbox).unwrap(), Some(&b"a"[..]));
    }

    #[test]
    fn a_message_in_pieces_is_put_together() {
        let (sender, mut inbox) = pair();
        let (rest, Inbox { socket, .. }) = pair();
        send(&sender, &packet(18, 6, b"ab"), &[&socket]);
        drop(socket);
        for piece in ["cd", "ef"] {
            write(&rest, piece.as_bytes()).unwrap();
        }
        assert_eq!(receive(&mut inbox).unwrap(), Some(&b"abcdef"[..]));
    }

    #[test]
    fn a_message_whose_sender_dies_in_the_middle_is_none() {
        let (sender, mut inbox) = pair();
        let (rest, Inbox { socket, .. }) = pair();
        send(&sender, &packet(18, 6, b"ab"), &[&rest, &socket]);
        write(&rest, b"cd").unwrap();
        drop((rest, socket));
        assert_eq!(receive(&mut inbox).unwrap(), None);
    }

    #[test]
    fn the_rest_of_a_message_comes_through_a_channel() {
        let (sender, mut inbox) = pair();
        // One that is shut is always readable, and has nothing to read.
        let (family, kind) = (AddressFamily::UNIX, SocketType::DGRAM);
        let (_other, rest) = socketpair(family, kind, SocketFlags::CLOEXEC, None).unwrap();
        shutdown(&rest, Shutdown::Read).unwrap();
        send(&sender, &packet(18, 6, b"ab"), &[&rest]);
        let received = receive(&mut inbox);
        assert!(matches!(received, Err(ReceiveError::Nonsense(_))), "{received:?}");
    }

    #[test]
    fn what_another_process_holds_open_ends_with_the_sender() {
        // As readable as the pidfd of a process that has ended.
        let ended = eventfd(1, EventfdFlags::CLOEXEC).unwrap();
        let (sender, mut inbox) = pair();
        let (rest, Inbox { socket, .. }) = pair();
        send(&sender, &packet(18, 6, b"ab"), &[&socket]);
        for piece in ["cd", "ef"] {
            write(&rest, piece.as_bytes()).unwrap();
        }
        assert_eq!(inbox.receive(ended.as_fd()).unwrap(), Some(&b"abcdef"[..]));
        send(&sender, &packet(18, 6, b"ab"), &[&socket]);
        write(&rest, b"cd").unwrap();
        assert_eq!(inbox.receive(ended.as_fd()).unwrap(), None);
        write(&sender, &packet(19, 3, b"one")).unwrap();
        shutdown(inbox.socket().upgrade().unwrap(), Shutdown::Read).unwrap();
        assert_eq!(receive(&mut inbox).unwrap(), Some(&b"one"[..]));
        assert_eq!(receive(&mut inbox).unwrap(), None);
    }

    proptest! {
        /// Whatever comes, with true lengths or others, with descriptors or without, is a message or
        /// told to be none, and what comes next is read.
        #[test]
        fn nothing_that_comes_spoils_what_comes_next(
            own in prop_oneof![Just(None), any::<usize>().prop_map(Some)],
            total in prop_oneof![Just(None), any::<usize>().prop_map(Some), (0..100_usize).prop_map(Some)],
            message in prop::collection::vec(any::<u8>(), 0..64),
            descriptors in 0..4_usize,
        ) {
            let (sender, mut inbox) = pair();
            let len = message.len();
            let bytes = packet(own.unwrap_or(HEADER + len), total.unwrap_or(len), &message);
            // Of what is sent in pieces none comes: the descriptors are of a socket that is closed.
            let (other, Inbox { socket, .. }) = pair();
            send(&sender, &bytes, &vec![&*socket; descriptors]);
            drop((other, socket));
            let is_whole = own.is_none_or(|own| own == HEADER + len) && total.is_none_or(|total| total == len);
            match receive(&mut inbox) {
                Ok(Some(received)) => prop_assert!(is_whole && received == message),
                Ok(None) | Err(ReceiveError::Nonsense(_)) => prop_assert!(!is_whole),
                Err(ReceiveError::System(errno)) => return Err(TestCaseError::fail(errno.to_string())),
            }
            write(&sender, &packet(HEADER + 4, 4, b"next")).unwrap();
            prop_assert_eq!(receive(&mut inbox).unwrap(), Some(&b"next"[..]));
        }
    }

    /// What `ipc-channel` really sends.
    #[test]
    fn its_own_messages_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let (door, way_in) = crate::pool::door::Door::open(directory.path()).unwrap();
        let reader: Reader<(String, IpcSender<u32>)> = door.reader(&way_in).unwrap();
        let address = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&way_in));
        let (echo, echoes) = ipc::channel::<u32>().unwrap();
        IpcSender::connect(address).unwrap().send(("hello".to_owned(), echo)).unwrap();
        let guest = door.own_guest().unwrap();
        let packet = Packet::receive(guest, 100).unwrap().unwrap();
        assert_eq!((packet.message().unwrap().len(), packet.descriptors.len()), (7, 1));
        let (word, echo) = reader.read(packet).unwrap();
        echo.send(3).unwrap();
        assert_eq!((word.as_str(), echoes.recv().unwrap()), ("hello", 3));
    }
}
