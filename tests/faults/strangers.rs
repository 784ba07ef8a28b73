//! Processes that come to the coordinator's door in a worker's place.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt, process::CommandExt},
    },
    process::Command,
};

use ipc_channel::{
    TryRecvError,
    ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcSender},
};
use parzen::pool::Pool;
use parzen_worker::{
    protocol::{Greeting, Hello, Invitation, Token, WorkerId, codec},
    tasks::demo::Cube,
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{
        AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, send,
        socket_with,
    },
    process::geteuid,
};

use crate::support::{PATIENCE, Scripts, alone, children_of, eventually, within};

/// What a stranger says.
#[derive(Clone, Copy, Debug)]
enum Words {
    /// It comes, and stays, and says nothing.
    None,
    Noise,
    /// A hello with everything right but the token, which it cannot know.
    WrongToken,
    /// The worker's own hello, word for word, as one can say it who may read the worker's memory.
    Everything,
}

/// Somebody who came to the door.
enum Stranger {
    /// With a connection.
    Quiet(OwnedFd),
    /// With the channels that it would be a worker with. Whoever let go of them would look like a
    /// worker that died.
    Talking { jobs: IpcBytesReceiver, _results: IpcBytesSender, _lifeline: IpcBytesReceiver },
}

impl Stranger {
    /// Waits until the coordinator has let go of it. It must not have been given a job before.
    fn see_itself_sent_away(&self) {
        eventually("the stranger is sent away", || match self {
            Self::Quiet(connection) => {
                let mut fds = [PollFd::new(connection, PollFlags::empty())];
                poll(&mut fds, Some(&Timespec::default())).unwrap();
                fds[0].revents().contains(PollFlags::HUP).then_some(())
            }
            Self::Talking { jobs, .. } => match jobs.try_recv() {
                Ok(job) => panic!("the stranger was given a job: {job:?}"),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::IpcError(_)) => Some(()),
            },
        });
    }
}

/// Goes to the door as `worker` finds it, seen from this process.
fn come_in(worker: u32, token: Token, words: Words) -> Stranger {
    let address = format!("/proc/{worker}/fd/0");
    match words {
        Words::None | Words::Noise => {
            let (family, flags) = (AddressFamily::UNIX, SocketFlags::CLOEXEC);
            let socket = socket_with(family, SocketType::SEQPACKET, flags, None).unwrap();
            connect(&socket, &SocketAddrUnix::new(address).unwrap()).unwrap();
            if let Words::Noise = words {
                // Fails if it was sent away by then.
                let _ = send(&socket, &[7; 1000], SendFlags::NOSIGNAL);
            }
            Stranger::Quiet(socket)
        }
        Words::WrongToken | Words::Everything => {
            let token = if let Words::Everything = words { token } else { Token::new(42) };
            let (id, beacon) = (WorkerId::new(0), String::new());
            let invitation = Invitation { worker: id, token, beacon, address };
            let greeting = Greeting { pid: worker, ..Greeting::new(&invitation) };
            let mut bytes = Vec::new();
            codec::encode(&greeting, &mut bytes).unwrap();
            let (jobs, own_jobs) = ipc::bytes_channel().unwrap();
            let (own_results, results) = ipc::bytes_channel().unwrap();
            let (lifeline, own_lifeline) = ipc::bytes_channel().unwrap();
            let door = IpcSender::<Hello>::connect(invitation.address).unwrap();
            // Fails if it was sent away by then.
            let _ = door.send(Hello { greeting: bytes, jobs, results, lifeline });
            Stranger::Talking { jobs: own_jobs, _results: own_results, _lifeline: own_lifeline }
        }
    }
}

/// A stranger who comes first is sent away at once, and the worker that comes after it is let in.
fn is_refused(words: Words) {
    let files = Scripts::new();
    let worker = env!("CARGO_BIN_EXE_parzen-worker");
    let (there, go) = (files.name("there"), files.name("go"));
    let body = format!(
        "printf %s \"${variable}\" > '{there}.new'; mv '{there}.new' '{there}'\n\
         while [ ! -e '{go}' ]; do sleep 0.01; done\nexec '{worker}'",
        variable = Invitation::VARIABLE
    );
    let builder = Pool::builder().workers(1).start_timeout(PATIENCE);
    let launch = builder.worker_program(files.script("late.sh", &body)).launch().unwrap();
    let invitation = eventually("the worker", || fs::read_to_string(&there).ok());
    let token = invitation.parse::<Invitation>().unwrap().token;
    let late = children_of(std::process::id()).pop().unwrap().pid;
    let stranger = come_in(late, token, words);
    within(PATIENCE, || {
        stranger.see_itself_sent_away();
        fs::write(&go, "").unwrap();
        let pool = launch.ready().unwrap();
        let cubes = pool.map_async::<Cube>(0..4).unwrap();
        let cubes = cubes.get_timeout(PATIENCE).unwrap_or_else(|_| panic!("{words:?}: no cubes"));
        assert_eq!(cubes.unwrap(), [0, 1, 8, 27], "{words:?}");
        let workers: Vec<u32> = children_of(std::process::id()).iter().map(|c| c.pid).collect();
        assert_eq!(workers, [late], "{words:?}: it was not let in");
        pool.join().unwrap();
    });
}

#[test]
fn one_that_says_nothing_is_sent_away() {
    alone(|| is_refused(Words::None));
}

#[test]
fn one_that_makes_noise_is_sent_away() {
    alone(|| is_refused(Words::Noise));
}

#[test]
fn one_that_guesses_the_token_is_sent_away() {
    alone(|| is_refused(Words::WrongToken));
}

#[test]
fn one_that_knows_all_is_sent_away() {
    alone(|| is_refused(Words::Everything));
}

/// Whether another user can do so with a file of process `pid`'s.
#[expect(clippy::disallowed_methods, reason = "it is no worker")]
fn others_can(tool: &str, pid: u32, name: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg(format!("/proc/{pid}/{name}")).uid(65534).gid(65534);
    command.output().unwrap().status.success()
}

/// The token is in the worker's environment, which only this user can read, and in no argument and
/// no file.
#[test]
fn the_token_is_nowhere_to_be_found() {
    alone(|| {
        let files = Scripts::new();
        let (seen, go) = (files.name("seen"), files.name("go"));
        let worker = env!("CARGO_BIN_EXE_parzen-worker");
        let body = format!(
            "env > '{seen}.new'; mv '{seen}.new' '{seen}'\n\
             while [ ! -e '{go}' ]; do sleep 0.01; done\nexec '{worker}'"
        );
        let launch = Pool::builder().workers(1).worker_program(files.script("tell.sh", &body));
        let launch = launch.launch().unwrap();
        let environment = eventually("the worker", || fs::read_to_string(&seen).ok());
        let value = environment.lines().find_map(|line| {
            line.strip_prefix(&format!("{}=", Invitation::VARIABLE)).map(str::to_owned)
        });
        let token = value.unwrap().split(':').nth(2).unwrap().to_owned();
        assert_eq!(token.len(), 32, "128 bits");
        let worker = children_of(std::process::id()).pop().unwrap().pid;
        for pid in [worker, std::process::id()] {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
            assert!(!String::from_utf8_lossy(&arguments).contains(&token));
        }
        let mode = fs::metadata(format!("/proc/{worker}/environ")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others can read it");
        // Only the superuser can try to be another.
        if geteuid().is_root() {
            let tried = [("cat", "status"), ("cat", "environ"), ("ls", "fd/")];
            let done = tried.map(|(tool, name)| others_can(tool, worker, name));
            assert_eq!(done, [true, false, false]);
        }
        // The meeting place has no name any more, so there is nothing to find.
        let left = fs::read_dir(std::env::temp_dir()).unwrap().filter_map(Result::ok);
        let left: Vec<_> = left.filter(|entry| entry.path() != files.path("")).collect();
        assert!(left.iter().all(|entry| files.path("").starts_with(entry.path())), "{left:?}");
        fs::write(files.path("go"), "").unwrap();
        launch.ready().unwrap().join().unwrap();
    });
}
