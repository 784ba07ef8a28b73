//! Packets that `ipc-channel` does not make, though they come where its messages do.

use std::{
    fs::File,
    io::IoSlice,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
};

use parzen_worker::protocol::Invitation;
use rustix::{
    cmsg_space,
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
        SocketFlags, SocketType, connect, sendmsg, socket_with, socketpair,
    },
};

/// Says a hello, in which nothing is wrong but what `role` says, and waits.
pub(super) fn hello(role: &str, invitation: &Invitation, greeting: &[u8]) {
    let channels = match role {
        "one-channel-thrice" => [0, 0, 0],
        "channels-out-of-order" => [2, 1, 0],
        _ => [0, 1, 2],
    };
    // As `ipc-channel` encodes a `Hello`: numbers by seven bits.
    let mut message = vec![u8::try_from(greeting.len() & 0x7F).unwrap() | 0x80];
    message.push(u8::try_from(greeting.len() >> 7).unwrap());
    message.extend(greeting);
    message.extend(channels);
    let total = if role == "claims-more" { 1 << 40 } else { message.len() };
    let ends: Vec<OwnedFd> = match role {
        "no-sockets" => (0..3).map(|_| File::open("/dev/null").unwrap().into()).collect(),
        "streams-for-channels" => ends(SocketType::STREAM, 3),
        "too-many-channels" => ends(SocketType::SEQPACKET, 5),
        "claims-more" => pair().into(),
        _ => ends(SocketType::SEQPACKET, 3),
    };
    let (family, flags) = (AddressFamily::UNIX, SocketFlags::CLOEXEC);
    let door = socket_with(family, SocketType::SEQPACKET, flags, None).unwrap();
    connect(&door, &SocketAddrUnix::new(&invitation.address).unwrap()).unwrap();
    send(&door, &message, total, &ends);
    super::rogue::sleep_for_ever();
}

/// Begins a message of `total` bytes with these, and sends descriptors with it.
pub(super) fn send(to: impl AsFd, message: &[u8], total: usize, ends: &[OwnedFd]) {
    let own = 2 * size_of::<usize>() + message.len();
    let packet = [&own.to_ne_bytes(), &total.to_ne_bytes(), message].concat();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(8))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let ends: Vec<_> = ends.iter().map(AsFd::as_fd).collect();
    assert!(control.push(SendAncillaryMessage::ScmRights(&ends)));
    // It may be too late.
    let _ = sendmsg(to, &[IoSlice::new(&packet)], &mut control, SendFlags::NOSIGNAL);
}

/// Both ends of a channel.
pub(super) fn pair() -> [OwnedFd; 2] {
    pair_of(SocketType::SEQPACKET)
}

fn pair_of(kind: SocketType) -> [OwnedFd; 2] {
    socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap().into()
}

fn ends(kind: SocketType, n: usize) -> Vec<OwnedFd> {
    (0..n).flat_map(|_| pair_of(kind)).take(n).collect()
}
