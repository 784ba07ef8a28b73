//! Worker programs that misbehave: tests that are no tests, but are run as worker programs. Started
//! by hand, they do nothing.

use std::{path::Path, process, thread, time::Duration};

use ipc_channel::ipc::{self, IpcSender};
use parzen_worker::{
    Context, Registry, Task, TaskError,
    protocol::{Greeting, Hello, Invitation, VERSION, codec},
    serve,
    tasks::density::{DensityTile, Partial, Tile},
};
use rustix::process::{Signal, getpid, kill_process};

/// What a shell must run to become the fake `name`.
pub(crate) fn shell_command(name: &str) -> String {
    let program = std::env::current_exe().unwrap();
    format!("exec '{}' --ignored --exact fakes::{name} --nocapture", program.display())
}

/// The program that becomes what the variable `PARZEN_TEST_WORKER` says.
pub(crate) fn program() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/processes/worker.sh"))
}

/// The width whose jobs go wrong.
const FATAL: usize = 2;

/// A density task that goes wrong for one width.
enum Faulty<const WAY: char> {}

impl<const WAY: char> Task for Faulty<WAY> {
    const NAME: &'static str = DensityTile::NAME;
    type Input = Tile;
    type Output = Partial;

    fn run(tile: Tile, context: &Context) -> Result<Partial, TaskError> {
        if tile.part.widths.contains(&FATAL) {
            match WAY {
                'a' => process::abort(),
                'h' => thread::sleep(Duration::from_secs(3600)),
                'p' => panic!("no such luck"),
                // The first time only.
                'k' if context.attempt() == 0 => kill_process(getpid(), Signal::KILL).unwrap(),
                'e' => return Err(TaskError::new("no such width")),
                'l' => return Ok(Partial::Counts(vec![1; 7])),
                _ => {}
            }
        }
        DensityTile::run(tile, context)
    }
}

fn serve_faulty<const WAY: char>() {
    if Invitation::is_set() {
        serve(&Registry::new().with::<Faulty<WAY>>()).unwrap();
    }
}

#[test]
#[ignore = "a worker program"]
fn aborts() {
    serve_faulty::<'a'>();
}

#[test]
#[ignore = "a worker program"]
fn is_killed_once() {
    serve_faulty::<'k'>();
}

#[test]
#[ignore = "a worker program"]
fn hangs() {
    serve_faulty::<'h'>();
}

#[test]
#[ignore = "a worker program"]
fn panics() {
    serve_faulty::<'p'>();
}

#[test]
#[ignore = "a worker program"]
fn fails() {
    serve_faulty::<'e'>();
}

#[test]
#[ignore = "a worker program"]
fn lies() {
    serve_faulty::<'l'>();
}

#[test]
#[ignore = "a worker program"]
fn knows_no_task() {
    if Invitation::is_set() {
        serve(&Registry::new()).unwrap();
    }
}

#[test]
#[ignore = "a worker program"]
fn has_another_version() {
    say_hello(|greeting| greeting.version = VERSION + 1);
}

#[test]
#[ignore = "a worker program"]
fn is_another_build() {
    say_hello(|greeting| greeting.build = "0.0.7".to_owned());
}

#[test]
#[ignore = "a worker program"]
fn does_not_know_the_token() {
    say_hello(|greeting| greeting.token = parzen_worker::protocol::Token::new(7));
}

/// Says a hello that is not right, and waits until it is heard.
fn say_hello(change: fn(&mut Greeting)) {
    let Ok(invitation) = Invitation::from_env() else { return };
    let bootstrap = IpcSender::connect(invitation.address.clone()).unwrap();
    let (jobs, own_jobs) = ipc::bytes_channel().unwrap();
    let (_own_results, results) = ipc::bytes_channel().unwrap();
    let (lifeline, _own_lifeline) = ipc::bytes_channel().unwrap();
    let mut hello = Greeting::new(&invitation);
    change(&mut hello);
    let mut greeting = Vec::new();
    codec::encode(&hello, &mut greeting).unwrap();
    bootstrap.send(Hello { greeting, jobs, results, lifeline }).unwrap();
    let _ = own_jobs.recv();
}
