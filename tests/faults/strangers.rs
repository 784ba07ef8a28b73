//! Processes that come to the coordinator's door in a worker's place.

use std::{fs, os::unix::fs::PermissionsExt};

use ipc_channel::{
    TryRecvError,
    ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcSender},
};
use parzen::pool::Pool;
use parzen_worker::{
    protocol::{Greeting, Hello, Invitation, Token, WorkerId, codec},
    tasks::demo::Cube,
};

use crate::support::{PATIENCE, Scripts, alone, children_of, eventually, within};

/// What a stranger says.
#[derive(Clone, Copy, Debug)]
enum Words {
    None,
    Noise,
    /// A hello with everything right but the token, which it cannot know.
    WrongToken,
}

/// What a stranger has of the channels it would be a worker with. Whoever let go of them would look
/// like a worker that died.
struct Stranger {
    jobs: IpcBytesReceiver,
    _results: IpcBytesSender,
    _lifeline: IpcBytesReceiver,
}

impl Stranger {
    /// Waits until the coordinator has let go of it. It must not have been given a job before.
    fn see_itself_refused(&self) {
        eventually("the stranger is sent away", || match self.jobs.try_recv() {
            Ok(job) => panic!("the stranger was given a job: {job:?}"),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::IpcError(_)) => Some(()),
        });
    }
}

/// Goes to the door as `worker` finds it, seen from this process.
fn come_in(worker: u32, words: Words) -> Option<Stranger> {
    let address = format!("/proc/{worker}/fd/0");
    match words {
        Words::None => drop(IpcSender::<Hello>::connect(address).unwrap()),
        Words::Noise => IpcSender::connect(address).unwrap().send(vec![7_u8; 1000]).unwrap(),
        Words::WrongToken => {
            let token = Token::new(42);
            let (id, beacon) = (WorkerId::new(0), String::new());
            let invitation = Invitation { worker: id, token, beacon, address };
            let greeting = Greeting { pid: worker, ..Greeting::new(&invitation) };
            let mut bytes = Vec::new();
            codec::encode(&greeting, &mut bytes).unwrap();
            let (jobs, own_jobs) = ipc::bytes_channel().unwrap();
            let (own_results, results) = ipc::bytes_channel().unwrap();
            let (lifeline, own_lifeline) = ipc::bytes_channel().unwrap();
            let door = IpcSender::<Hello>::connect(invitation.address).unwrap();
            door.send(Hello { greeting: bytes, jobs, results, lifeline }).unwrap();
            let (_results, _lifeline) = (own_results, own_lifeline);
            return Some(Stranger { jobs: own_jobs, _results, _lifeline });
        }
    }
    None
}

/// A stranger who comes first is sent away; the pool starts another worker, and works. The first
/// program that it starts as a worker never says a word, so that only the stranger can.
fn is_refused(words: Words) {
    let files = Scripts::new();
    let worker = env!("CARGO_BIN_EXE_parzen-worker");
    let first = files.name("first");
    let body = format!("mkdir '{first}' 2>/dev/null && exec sleep 1000\nexec '{worker}'");
    let launch = Pool::builder().workers(1).worker_program(files.script("mute.sh", &body));
    let launch = launch.launch().unwrap();
    // Not before: whoever is sent away may be killed before it is anything, and the next one is mute.
    eventually("the mute one is there", || files.path("first").exists().then_some(()));
    let mute = children_of(std::process::id()).pop().unwrap();
    let stranger = come_in(mute.pid, words);
    within(PATIENCE, || {
        let pool = launch.ready().unwrap();
        let cubes = pool.map_async::<Cube>(0..4).unwrap();
        // Not after the cubes: a pool that took it for a worker would wait for it.
        stranger.iter().for_each(Stranger::see_itself_refused);
        let cubes = cubes.get_timeout(PATIENCE).unwrap_or_else(|_| panic!("{words:?}: no cubes"));
        assert_eq!(cubes.unwrap(), [0, 1, 8, 27], "{words:?}");
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
        // The meeting place has no name any more, so there is nothing to find.
        let left = fs::read_dir(std::env::temp_dir()).unwrap().filter_map(Result::ok);
        let left: Vec<_> = left.filter(|entry| entry.path() != files.path("")).collect();
        assert!(left.iter().all(|entry| files.path("").starts_with(entry.path())), "{left:?}");
        fs::write(files.path("go"), "").unwrap();
        launch.ready().unwrap().join().unwrap();
    });
}
