//! What workers do that should not be trusted.

use std::{
    borrow::Cow, fs, io::Write, os::fd::BorrowedFd, path::Path, process, thread, time::Duration,
};

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcSender};
use parzen_worker::{
    beacon::Beacon,
    protocol::{
        Body, Control, Greeting, Hello, Invitation, ItemOutcome, JobHeader, JobId, MAX_BODY,
        MAX_MESSAGE, ResultHeader, Token, codec,
    },
    shared::Segment,
};
use rustix::process::{getpgid, getppid, setpgid};
use serde::Serialize;

use super::raw;

/// Does what `role` says, from the greeting on.
pub(super) fn act(role: &str, invitation: &Invitation) {
    let greeting = |change: fn(&mut Greeting)| {
        let mut greeting = Greeting::new(invitation);
        change(&mut greeting);
        encoded(&greeting)
    };
    match role {
        "other-version" => drop(hello(invitation, greeting(|g| g.version += 1))),
        "other-build" => drop(hello(invitation, greeting(|g| g.build.push_str("-other")))),
        "wrong-token" => drop(hello(invitation, greeting(|g| g.token = Token::new(7)))),
        "wrong-magic" => drop(hello(invitation, greeting(|g| g.magic += 1))),
        "empty-greeting" => drop(hello(invitation, Vec::new())),
        "garbage" => say(invitation, &"that is no hello"),
        "too-few-channels" => say(invitation, &(vec![1_u8, 2, 3], 0_u64, 0_u64, 0_u64)),
        "without-a-word" => drop(IpcSender::<Hello>::connect(invitation.address.clone()).unwrap()),
        "silent" => {
            let _door = IpcSender::<Hello>::connect(invitation.address.clone()).unwrap();
            sleep_for_ever();
        }
        "out-of-its-group" => {
            let others = getpgid(getppid()).unwrap();
            setpgid(None, Some(others)).unwrap();
            sleep_for_ever();
        }
        "dies-before-it-begins" => {
            let _beacon = Beacon::open(Path::new(&invitation.beacon)).unwrap();
            let (jobs, _results, _lifeline) = hello(invitation, greeting(|_| {}));
            drop(jobs.recv());
            process::abort();
        }
        "takes-no-jobs" => {
            let _beacon = Beacon::open(Path::new(&invitation.beacon)).unwrap();
            let door = IpcSender::<Hello>::connect(invitation.address.clone()).unwrap();
            // Nobody holds the other end of this, from the first job on.
            let (jobs, _) = ipc::bytes_channel().unwrap();
            let (_results, results) = ipc::bytes_channel().unwrap();
            let (lifeline, _lifeline) = ipc::bytes_channel().unwrap();
            let greeting = greeting(|_| {});
            door.send(Hello { greeting, jobs, results, lifeline }).unwrap();
            sleep_for_ever();
        }
        "lies-about-what-it-runs" => {
            let beacon = fs::OpenOptions::new().write(true).open(&invitation.beacon).unwrap();
            (&beacon).write_all(&[0xAB; 16]).unwrap();
            let (jobs, _results, _lifeline) = hello(invitation, greeting(|_| {}));
            drop(jobs.recv());
            process::abort();
        }
        "one-channel-thrice"
        | "channels-out-of-order"
        | "no-sockets"
        | "streams-for-channels"
        | "too-many-channels"
        | "claims-more" => raw::hello(role, invitation, &greeting(|_| {})),
        "ready-then-exits" => drop(hello(invitation, greeting(|_| {}))),
        _ => Rogue::enter(hello(invitation, greeting(|_| {}))).act(role),
    }
}

fn encoded(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(value, &mut bytes).unwrap();
    bytes
}

fn say(invitation: &Invitation, words: &impl Serialize) {
    let door = IpcSender::connect(invitation.address.clone()).unwrap();
    door.send(words).unwrap();
    sleep_for_ever();
}

pub(super) fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

fn hello(
    invitation: &Invitation,
    greeting: Vec<u8>,
) -> (IpcBytesReceiver, IpcBytesSender, IpcBytesReceiver) {
    let door = IpcSender::<Hello>::connect(invitation.address.clone()).unwrap();
    let (jobs, own_jobs) = ipc::bytes_channel().unwrap();
    let (own_results, results) = ipc::bytes_channel().unwrap();
    let (lifeline, own_lifeline) = ipc::bytes_channel().unwrap();
    door.send(Hello { greeting, jobs, results, lifeline }).unwrap();
    (own_jobs, own_results, own_lifeline)
}

/// A worker that was let in. It leaves when its jobs end, unless its role is not to.
struct Rogue {
    jobs: IpcBytesReceiver,
    results: IpcBytesSender,
    lifeline: IpcBytesReceiver,
}

impl Rogue {
    fn enter(
        (jobs, results, lifeline): (IpcBytesReceiver, IpcBytesSender, IpcBytesReceiver),
    ) -> Self {
        Self { jobs, results, lifeline }
    }

    /// Misbehaves at every job. The outcomes are those of `demo.cube`.
    fn act(self, role: &str) {
        if role == "garbage-at-once" {
            self.send_bytes(&[0xFF; 100]);
            sleep_for_ever();
        }
        while let Ok(message) = self.jobs.recv() {
            let mut body = message.as_slice();
            let job: JobHeader<'_> = codec::decode(&mut body).unwrap();
            let x: i64 = codec::decode(&mut body).unwrap();
            if role == "closes-results" {
                drop(self.results);
                sleep_for_ever();
            }
            self.answer(role, &job, x);
        }
        match role {
            "ignores-leave" => sleep_for_ever(),
            "leaves-late" => while self.lifeline.recv().is_ok() {},
            _ => {}
        }
    }

    fn answer(&self, role: &str, job: &JobHeader<'_>, x: i64) {
        let right = header(job.job);
        // How long it ran, and what came of it.
        let value = encoded(&(0_u64, ItemOutcome::Value(x.pow(3))));
        let send = |header: ResultHeader| self.send(&header, &value);
        match role {
            "garbage-results" => self.send_bytes(&[0xFF; 100]),
            "empty-message" => self.send_bytes(&[]),
            "wrong-job" => send(ResultHeader { job: JobId::new(job.job.number() + 1), ..right }),
            "unknown-job" => send(ResultHeader { job: JobId::new(u64::MAX), ..right }),
            "too-many-items" => send(ResultHeader { items: u32::MAX, ..right }),
            "no-items" => send(ResultHeader { items: 0, ..right }),
            "skips-items" => send(ResultHeader { first: 1, ..right }),
            "overflowing-items" => send(ResultHeader { first: u32::MAX, items: 2, ..right }),
            "never-last" => send(ResultHeader { last: false, ..right }),
            "trailing-bytes" => self.send(&right, &[value.as_slice(), &[0]].concat()),
            "no-outcome" => self.send(&right, &[]),
            "claims-length" => {
                // An outcome with an error whose message is 2^60 bytes long.
                self.send(&right, &[1, 253, 0, 0, 0, 0, 0, 0, 0, 16]);
            }
            "large-message" => self.send(&right, &vec![0; 8 * MAX_MESSAGE]),
            "twice" => {
                send(right);
                send(right);
            }
            "flood" => loop {
                if !self.try_send(&ResultHeader { job: JobId::new(u64::MAX), ..right }, &value) {
                    break;
                }
            },
            "floods-right-then-wrong" => {
                send(right);
                (0..1000).for_each(|_| send(ResultHeader { job: JobId::new(u64::MAX), ..right }));
            }
            "others-segment" | "no-segment" | "unsealed-segment" | "long-segment"
            | "lying-segment" | "deaf" => self.answer_by_segment(role, right, &value),
            "says-right-then-dies" => {
                send(right);
                process::abort();
            }
            "ignores-leave" | "leaves-late" => send(right),
            "control-as-result" => self.send_bytes(&encoded(&Control::Leave)),
            "job-as-result" => self.send_bytes(&encoded(&JobHeader {
                task: Cow::Borrowed("demo.cube"),
                ..job.clone()
            })),
            "short-packet" => self.send_raw(|fd| {
                let _ = rustix::io::write(fd, &[1; 5]);
            }),
            "wrong-fragment" => self.send_raw(|fd| {
                let _ = rustix::io::write(fd, &[0x7F; 64]);
            }),
            "claims-pieces" => self.send_raw(|fd| raw::send(fd, &[1, 2, 3], 1 << 40, &raw::pair())),
            "pieces-from-nowhere" => {
                self.send_raw(|fd| raw::send(fd, &[1, 2, 3], 1000, &raw::pair()));
            }
            "pieces-that-never-come" => self.send_raw(|fd| {
                let [end, other] = raw::pair();
                raw::send(fd, &[1, 2, 3], 1000, &[end]);
                std::mem::forget(other);
            }),
            "right-with-sockets" => {
                let message = [encoded(&right), value].concat();
                self.send_raw(|fd| raw::send(fd, &message, message.len(), &raw::pair()));
            }
            _ => panic!("no role is named {role}"),
        }
    }

    /// Offers a segment that is not what it should be.
    fn answer_by_segment(&self, role: &str, right: ResultHeader, value: &[u8]) {
        let segment = Segment::from_bytes(value).unwrap();
        let reference = segment.reference();
        let (fd, len) = (encoded(&fd_of(&reference.to_string())), value.len() as u64);
        let reference = match role {
            // Its number may be the worker's, but it is the coordinator who owns it.
            "others-segment" => forge(parent(), &fd, len),
            "no-segment" => forge(process::id(), &encoded(&9999_i32), len),
            "unsealed-segment" => forge(process::id(), &encoded(&0_i32), len),
            "long-segment" => forge(process::id(), &fd, 3 * MAX_BODY as u64),
            "lying-segment" => forge(process::id(), &fd, len + 1),
            _ => encoded(&reference),
        };
        // As `Body::Segment` is encoded.
        let mut message = encoded(&right);
        assert_eq!(message.pop(), Some(0), "`Body::Inline` is the last byte");
        message.push(1);
        message.extend(reference);
        self.send_bytes(&message);
        if role == "deaf" {
            // It lets its segments be, and never hears that it may let them go.
            std::mem::forget(segment);
        } else {
            sleep_for_ever();
        }
    }

    fn send(&self, header: &ResultHeader, body: &[u8]) {
        self.try_send(header, body);
    }

    fn try_send(&self, header: &ResultHeader, body: &[u8]) -> bool {
        self.results.send(&[encoded(header).as_slice(), body].concat()).is_ok()
    }

    fn send_bytes(&self, bytes: &[u8]) {
        // It may be too late.
        let _ = self.results.send(bytes);
    }

    /// Sends a packet that `ipc-channel` did not frame, then waits to be killed.
    #[expect(unsafe_code, reason = "the channel does not give its descriptor")]
    fn send_raw(&self, send: impl Fn(BorrowedFd<'_>)) {
        // The channel that takes it is the results channel: the others are read here.
        for fd in sockets() {
            // SAFETY: `sockets` has just found it open, and this process closes nothing meanwhile.
            send(unsafe { BorrowedFd::borrow_raw(fd) });
        }
        sleep_for_ever();
    }
}

fn header(job: JobId) -> ResultHeader {
    let body = Body::Inline;
    ResultHeader { job, first: 0, items: 1, last: true, started_ns: 1, body }
}

/// A reference to shared memory that nobody made, as it is encoded.
fn forge(pid: u32, fd: &[u8], len: u64) -> Vec<u8> {
    [encoded(&pid), fd.to_vec(), encoded(&(0_u64, 0_u64)), encoded(&len)].concat()
}

fn fd_of(path: &str) -> i32 {
    path.rsplit_once('/').unwrap().1.parse().unwrap()
}

fn parent() -> u32 {
    rustix::process::getppid().unwrap().as_raw_nonzero().get().cast_unsigned()
}

fn sockets() -> Vec<i32> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let is_socket = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    let names = entries.filter(is_socket).map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).collect()
}
