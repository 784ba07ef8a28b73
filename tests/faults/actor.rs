//! A worker that computes cubes as it should, and fails once, in a way and a phase it is told.

use std::{
    env,
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcSender};
use parzen_worker::{
    beacon::Beacon,
    clock,
    protocol::{
        Body, Greeting, Hello, Invitation, ItemOutcome, JobHeader, JobId, ResultHeader, codec,
    },
};
use rustix::process::{Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

/// What the environment tells it.
pub(crate) const VARIABLE: &str = "PARZEN_TEST_FAULT";

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Way {
    Kill,
    Segfault,
    Abort,
    ExitWithSuccess,
    ExitWithCode,
    Panic,
    StackOverflow,
    OutOfMemory,
    Stop,
    Spin,
    CloseChannels,
    Garbage,
    ResultOfNoJob,
    ClaimedLength,
    Flood,
}

/// When it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// Before it comes to the door.
    Start,
    /// At the door, before it says hello.
    Hello,
    /// Between two jobs.
    Idle,
    /// Having begun a job.
    Job,
    /// Having done an input of a job, and not sent what came of it.
    Done,
    /// Having sent the results of a part of a job.
    Results,
    /// When it is to leave.
    Leaving,
}

/// What fails, when, and where it leaves word that it did: once that is there, nothing fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    pub(crate) way: Way,
    pub(crate) phase: Phase,
    pub(crate) struck: PathBuf,
}

#[test]
#[ignore = "a worker, not a test"]
fn faulty() {
    let (Ok(invitation), Ok(fault)) = (Invitation::from_env(), env::var(VARIABLE)) else { return };
    let fault: Fault = serde_json::from_str(&fault).unwrap();
    fault.strike_if(Phase::Start, &mut Ends::Outside(&invitation));
    let light = Light::open(&invitation);
    let ends = hello(&invitation, &fault);
    Worker { fault, light, done: 0, channels: Some(ends) }.serve();
}

/// What of its channels a fault can reach.
enum Ends<'a> {
    Outside(&'a Invitation),
    Door(&'a IpcSender<Hello>),
    Channels(&'a mut Option<Channels>),
}

struct Channels {
    jobs: IpcBytesReceiver,
    results: IpcBytesSender,
    #[expect(dead_code, reason = "open as long as the others")]
    lifeline: IpcBytesReceiver,
}

fn hello(invitation: &Invitation, fault: &Fault) -> Channels {
    let door = IpcSender::<Hello>::connect(invitation.address.clone()).unwrap();
    fault.strike_if(Phase::Hello, &mut Ends::Door(&door));
    let (jobs, own_jobs) = ipc::bytes_channel().unwrap();
    let (own_results, results) = ipc::bytes_channel().unwrap();
    let (lifeline, own_lifeline) = ipc::bytes_channel().unwrap();
    let greeting = encoded(&Greeting::new(invitation));
    door.send(Hello { greeting, jobs, results, lifeline }).unwrap();
    Channels { jobs: own_jobs, results: own_results, lifeline: own_lifeline }
}

/// A beacon, to which it is written as by a worker: what it runs, as one word, and since when.
struct Light(File);

impl Light {
    fn open(invitation: &Invitation) -> Self {
        Beacon::open(Path::new(&invitation.beacon)).unwrap();
        Self(File::options().write(true).open(&invitation.beacon).unwrap())
    }

    fn begin(&self, job: JobId, item: u32) {
        self.write(8, clock::now_ns());
        self.write(0, (job.number() + 1) << 16 | u64::from(item));
    }

    fn rest(&self) {
        self.write(0, 1);
    }

    fn write(&self, offset: u64, word: u64) {
        self.0.write_all_at(&word.to_ne_bytes(), offset).unwrap();
    }
}

struct Worker {
    fault: Fault,
    light: Light,
    done: u32,
    /// `None` once they were closed.
    channels: Option<Channels>,
}

impl Worker {
    fn serve(mut self) {
        while let Some(message) = self.channels.as_ref().and_then(|ends| ends.jobs.recv().ok()) {
            let mut body = message.as_slice();
            let job: JobHeader<'_> = codec::decode(&mut body).unwrap();
            assert_eq!((&*job.task, &job.body), ("demo.cube", &Body::Inline));
            for first in 0..job.items {
                let x: i64 = codec::decode(&mut body).unwrap();
                self.light.begin(job.job, first);
                self.strike_in_job(Phase::Job);
                self.light.rest();
                self.strike_in_job(Phase::Done);
                self.answer(&job, first, x);
                if first + 1 < job.items {
                    self.strike_if(Phase::Results);
                }
            }
            self.done += 1;
            self.strike_if(Phase::Idle);
        }
        self.strike_if(Phase::Leaving);
    }

    /// The first job is answered, so that the pool has seen that the worker works.
    fn strike_in_job(&mut self, phase: Phase) {
        if 0 < self.done {
            self.strike_if(phase);
        }
    }

    fn strike_if(&mut self, phase: Phase) {
        self.fault.strike_if(phase, &mut Ends::Channels(&mut self.channels));
    }

    /// Sends one outcome in a message of its own.
    fn answer(&self, job: &JobHeader<'_>, first: u32, x: i64) {
        let header = header(job.job, first, first + 1 == job.items);
        let outcome = encoded(&(0_u64, ItemOutcome::Value(x.pow(3))));
        if let Some(ends) = &self.channels {
            let _ = ends.results.send(&[encoded(&header), outcome].concat());
        }
    }
}

fn header(job: JobId, first: u32, last: bool) -> ResultHeader {
    ResultHeader { job, first, items: 1, last, started_ns: 1, body: Body::Inline }
}

pub(crate) fn encoded(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode(value, &mut bytes).unwrap();
    bytes
}

impl Fault {
    /// Fails, if this is when, and nobody has failed before.
    fn strike_if(&self, phase: Phase, ends: &mut Ends<'_>) {
        if phase == self.phase && File::create_new(&self.struck).is_ok() {
            strike(self.way, ends);
        }
    }
}

#[expect(clippy::disallowed_methods, clippy::exit, reason = "it is a way to end")]
fn strike(way: Way, ends: &mut Ends<'_>) {
    match way {
        Way::Kill => {
            kill_process(getpid(), Signal::KILL).unwrap();
            sleep_for_ever();
        }
        Way::Segfault => loop {
            // Rust's own handler takes the first and resigns. Two at once are one.
            kill_process(getpid(), Signal::SEGV).unwrap();
            thread::yield_now();
        },
        Way::Abort => process::abort(),
        Way::ExitWithSuccess => process::exit(0),
        Way::ExitWithCode => process::exit(3),
        Way::Panic => panic!("as it was told"),
        Way::StackOverflow => drop(deep(1)),
        Way::OutOfMemory => drop(vec![1_u8; 1 << 40]),
        Way::Stop => {
            kill_process(getpid(), Signal::STOP).unwrap();
            // Another thread may take the signal, and this one go on for a moment.
            sleep_for_ever();
        }
        Way::Spin => loop {
            std::hint::spin_loop();
        },
        Way::CloseChannels => {
            if let Ends::Channels(channels) = ends {
                **channels = None;
            }
            sleep_for_ever();
        }
        Way::Garbage | Way::ResultOfNoJob | Way::ClaimedLength | Way::Flood => lie(way, ends),
    }
}

/// Says what no worker says.
fn lie(way: Way, ends: &Ends<'_>) {
    let no_job = encoded(&header(JobId::new(u64::MAX), 0, true));
    let words = match way {
        // An outcome with an error whose message is 2^60 bytes long.
        Way::ClaimedLength => [no_job, vec![0, 1, 253, 0, 0, 0, 0, 0, 0, 0, 16]].concat(),
        Way::ResultOfNoJob | Way::Flood => [no_job, vec![0, 0, 0]].concat(),
        _ => vec![0xFF; 100],
    };
    let times = if way == Way::Flood { 100_000 } else { 1 };
    let say = |door: IpcSender<Vec<u8>>| (0..times).try_for_each(|_| door.send(words.clone()));
    match ends {
        Ends::Outside(invitation) => {
            let _ = say(IpcSender::connect(invitation.address.clone()).unwrap());
        }
        Ends::Door(door) => {
            let _ = say((*door).clone().to_opaque().to());
        }
        Ends::Channels(Some(Channels { results, .. })) => {
            let _ = (0..times).try_for_each(|_| results.send(&words));
        }
        Ends::Channels(None) => {}
    }
    sleep_for_ever();
}

fn deep(n: u64) -> u64 {
    let page = std::hint::black_box([n; 512]);
    if n == u64::MAX { page[0] } else { deep(n + 1) + page[1] }
}

fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(1000));
    }
}

/// A shell script that does `before` and becomes the worker of `fault`.
pub(crate) fn script(fault: &Fault, before: &str) -> String {
    let fault = serde_json::to_string(fault).unwrap();
    let this = crate::support::this_test();
    format!(
        "{before}\nexport {VARIABLE}='{fault}'\n\
         exec '{}' --ignored --exact actor::faulty --nocapture --test-threads=1",
        this.display()
    )
}
