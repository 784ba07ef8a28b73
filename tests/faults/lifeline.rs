//! What a worker does at each end that its coordinator can come to, in any order in which the system
//! may close the channels. The coordinator is this test.

use std::{
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use ipc_channel::ipc::IpcOneShotServer;
use parzen::pool::{Pool, WorkerProgram};
use parzen_worker::{
    beacon::Beacon,
    protocol::{Body, Control, Hello, Invitation, JobHeader, JobId, Token, WorkerId, codec},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open},
};

use crate::{
    actor::encoded,
    grandchildren::Grandchild,
    support::{Scripts, alone, eventually, within},
};

/// Time in which a worker whose coordinator is gone must be gone, too: a second, and another for a
/// machine that has more to do.
const LIFELINE: Duration = Duration::from_secs(2);

/// Long enough for a worker to end, if it were to.
const A_WHILE: Duration = Duration::from_millis(100);

/// The file with the number of the process that is started beside a worker.
const OTHER: &str = "other";

/// The worker that ships, and a process in its group that it knows nothing of.
fn program(files: &Scripts) -> WorkerProgram {
    let (other, worker) = (files.name(OTHER), env!("CARGO_BIN_EXE_parzen-worker"));
    let start = format!("sleep 1000 >/dev/null 2>&1 & printf %s $! >'{other}'; exec '{worker}'");
    files.script("family.sh", &start)
}

/// A started [`program`].
struct Family {
    worker: Child,
    other: Grandchild,
    _files: Scripts,
}

impl Family {
    #[expect(clippy::disallowed_methods, reason = "starts a worker in place of a pool")]
    fn start(invitation: &Invitation) -> Self {
        let files = Scripts::new();
        let WorkerProgram::Path(program) = program(&files) else { unreachable!() };
        let mut command = Command::new(program);
        command.env(Invitation::VARIABLE, invitation.to_env()).process_group(0);
        let worker = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Self { worker, other: Grandchild(files.path(OTHER)), _files: files }
    }

    /// Starts it, and hears its hello.
    fn greet() -> (Self, Hello) {
        let (server, address) = IpcOneShotServer::<Hello>::new().unwrap();
        let family = Self::start(&invitation(String::new(), address));
        let (_, hello) = server.accept().unwrap();
        (family, hello)
    }

    /// Demands that the worker stays for a while.
    fn stays(&self) {
        let pid = Pid::from_raw(self.worker.id().cast_signed()).unwrap();
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
        let a_while = Timespec::try_from(A_WHILE).unwrap();
        assert_eq!(poll(&mut fds, Some(&a_while)), Ok(0), "it leaves with nobody to follow it");
    }

    fn end(&mut self) -> ExitStatus {
        eventually("the worker ends", || self.worker.try_wait().unwrap())
    }

    /// Demands that it goes as a whole.
    fn goes(mut self) {
        within(LIFELINE, || {
            assert_eq!(self.end().signal(), Some(Signal::KILL.as_raw()));
            eventually("the other goes", || (!self.other.is_running()).then_some(()));
        });
    }
}

fn invitation(beacon: String, address: String) -> Invitation {
    Invitation { worker: WorkerId::new(0), token: Token::new(7), beacon, address }
}

#[test]
fn the_lifeline_closes_last() {
    alone(|| {
        let (family, Hello { jobs, lifeline, .. }) = Family::greet();
        drop(jobs);
        family.stays();
        drop(lifeline);
        family.goes();
    });
}

#[test]
fn the_lifeline_closes_first() {
    alone(|| {
        let (family, hello) = Family::greet();
        drop(hello.lifeline);
        family.goes();
    });
}

/// As when another process holds it.
#[test]
fn the_lifeline_never_closes() {
    alone(|| {
        let (family, hello) = Family::greet();
        drop(hello.jobs);
        family.goes();
    });
}

#[test]
fn nobody_reads_results_any_more() {
    alone(|| {
        let (family, Hello { jobs, results, lifeline: _lifeline, .. }) = Family::greet();
        drop(results);
        let (job, task) = (JobId::new(0), "demo.cube".into());
        let header = JobHeader { job, task, attempt: 0, items: 1, body: Body::Inline };
        jobs.send(&codec::message(&header, &encoded(&3_i64)).unwrap()).unwrap();
        family.goes();
    });
}

#[test]
fn one_that_is_asked_to_leave_ends_well() {
    alone(|| {
        let (mut family, Hello { jobs, lifeline, .. }) = Family::greet();
        lifeline.send(&encoded(&Control::Leave)).unwrap();
        drop(jobs);
        assert_eq!(family.end().code(), Some(0));
        assert!(family.other.is_running(), "to end that is the coordinator's part");
    });
}

#[test]
fn the_coordinator_is_gone_before_the_hello() {
    alone(|| {
        let files = Scripts::new();
        let family = Family::start(&invitation(files.name("no-beacon"), files.name("no-server")));
        family.goes();
    });
}

#[test]
fn one_that_cannot_say_hello_to_a_live_coordinator_says_so() {
    alone(|| {
        let (_beacon, file) = Beacon::create().unwrap();
        let files = Scripts::new();
        let mut family = Family::start(&invitation(file.path(), files.name("no-server")));
        assert_eq!(family.end().code(), Some(1));
    });
}

#[test]
fn what_is_left_of_one_that_has_left_is_ended_by_the_coordinator() {
    alone(|| {
        let files = Scripts::new();
        let other = Grandchild(files.path(OTHER));
        let pool = Pool::builder().workers(1).worker_program(program(&files)).start().unwrap();
        assert!(other.is_running());
        pool.join().unwrap();
        eventually("the other goes", || (!other.is_running()).then_some(()));
    });
}
