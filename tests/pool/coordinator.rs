//! Coordinators that are killed: their workers must not outlive them, nor what those have started.

use std::{
    env, fs,
    path::Path,
    process::{self, Child, Command, Stdio},
    thread,
    time::Duration,
};

use parzen::pool::{Batch, Pool, WorkerProgram};
use parzen_worker::tasks::demo::{Echo, Hang};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

use crate::{
    actors::tasks::{Gate, begun},
    support::{Scripts, alone, children_of, eventually, now, send_signal, this_test},
};

/// Time in which all must be gone: a second, and another for a machine that has more to do.
const LIFELINE: Duration = Duration::from_secs(2);

/// Workers of each pool. Which of its threads is the first to see the end is chance for each; so
/// many do not all have the same luck.
const WORKERS: u32 = 8;

/// A coordinator, in a process of its own: does what the environment says, and never ends.
#[test]
#[ignore = "a coordinator, not a test"]
fn coordinator() {
    let (Ok(deed), Ok(directory)) = (env::var("PARZEN_DEED"), env::var("PARZEN_FILES")) else {
        return;
    };
    let files = Scripts::new();
    let program = with_family(&files, deed == "gated");
    let settings = Pool::builder().workers(WORKERS).worker_program(program);
    let batch = Batch::Fixed(if deed == "sending" { 1000 } else { 1 }.try_into().unwrap());
    let pool = settings.prefetch(1).batch(batch).start().unwrap();
    let begun_file = format!("{directory}/begun");
    let gate = |n: u32| (begun_file.clone(), format!("{directory}/never-{n}"));
    let _jobs: Vec<_> = match deed.as_str() {
        "gated" => (0..WORKERS).map(|n| drop(pool.apply_async::<Gate>(gate(n)).unwrap())).collect(),
        "spinning" => {
            (0..2 * WORKERS).map(|_| drop(pool.apply_async::<Hang>(true).unwrap())).collect()
        }
        _ => Vec::new(),
    };
    tell(&directory, &pool.pids());
    match deed.as_str() {
        "large" => {
            // Without end: whenever it is killed, some are under way in either direction.
            let input = vec![7_u8; 10_000_000];
            let inputs = std::iter::repeat_with(|| (input.clone().into(), 90_000_000));
            pool.imap_unordered::<Echo>(inputs).for_each(|(_, result)| drop(result));
        }
        "sending" => {
            // A second result is more than a channel takes of those that nobody reads.
            let inputs = std::iter::repeat_with(|| (Vec::new().into(), 150_000));
            let mut results = pool.imap_unordered::<Echo>(inputs);
            for _ in 0..100 {
                drop(results.next());
            }
            kill_process(getpid(), Signal::STOP).unwrap();
        }
        _ => {}
    }
    wait_for_ever()
}

/// The worker that ships, or one of this test's, with a process in its group that it knows nothing
/// of, from its first moment on.
fn with_family(files: &Scripts, is_actor: bool) -> WorkerProgram {
    let program = if is_actor {
        // Such a one has things to say before it is a worker, and fails if nobody hears them.
        let this = this_test();
        format!("'{}' --ignored --exact actors::honest --nocapture", this.display())
    } else {
        format!("'{}'", env!("CARGO_BIN_EXE_parzen-worker"))
    };
    files.script("family.sh", &format!("sleep 1000 >/dev/null 2>&1 &\nexec {program}"))
}

fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

fn children(pid: u32) -> Vec<u32> {
    children_of(pid).into_iter().map(|child| child.pid).collect()
}

/// Writes the workers' ids where the test finds them, all at once.
fn tell(directory: &str, pids: &[u32]) {
    let lines: Vec<String> = pids.iter().map(ToString::to_string).collect();
    fs::write(format!("{directory}/pids.new"), lines.join("\n")).unwrap();
    fs::rename(format!("{directory}/pids.new"), format!("{directory}/pids")).unwrap();
}

/// The workers' ids, once they are told.
fn told(directory: &Path) -> Option<Vec<u32>> {
    let text = fs::read_to_string(directory.join("pids")).ok()?;
    Some(text.lines().map(|line| line.parse().unwrap()).collect())
}

#[expect(clippy::disallowed_methods, reason = "starts this program again")]
fn start(deed: &str, directory: &Path) -> Child {
    let mut command = Command::new(this_test());
    command.args(["--ignored", "--exact", "coordinator::coordinator", "--nocapture"]);
    command.env("PARZEN_DEED", deed).env("PARZEN_FILES", directory).stdin(Stdio::null());
    command.env("TMPDIR", directory).spawn().unwrap()
}

/// Has a coordinator at work, kills it, and demands that its workers go within a second, with all
/// that is of their groups.
fn workers_go(deed: &str, signal: Signal, at_work: impl Fn(&Coordinator<'_>) -> bool) {
    let files = Scripts::new();
    let directory = files.path("home");
    fs::create_dir(&directory).unwrap();
    let mut process = start(deed, &directory);
    let workers = eventually("the workers", || told(&directory));
    let is_parent = |&worker: &u32| !children(worker).is_empty();
    assert!(workers.len() == WORKERS as usize && workers.iter().all(is_parent));
    let coordinator = Coordinator { pid: process.id(), workers, directory: &directory };
    eventually("they work", || at_work(&coordinator).then_some(()));
    assert!(send_signal(process.id(), signal));
    process.wait().unwrap();
    all_orphans_go(deed);
    // The coordinator's scripts are what a test makes; everything else is the pool's.
    let left = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let is_script = |path: &Path| {
        let files = fs::read_dir(path).into_iter().flatten().map(|file| file.unwrap().path());
        let files: Vec<_> = files.collect();
        !files.is_empty() && files.iter().all(|file| file.extension().is_some_and(|e| e == "sh"))
    };
    let left: Vec<_> = left.filter(|path| path.is_dir() && !is_script(path)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Demands that all processes whose parents are gone go within a second: this process is the next
/// to care for them. What does not is killed then, so that a test that fails leaves nothing.
fn all_orphans_go(deed: &str) {
    let begin = now();
    let mut late = Vec::new();
    eventually("all orphans go", || {
        let is_late = LIFELINE < begin.elapsed();
        let mut orphans = children_of(process::id());
        orphans.retain(|orphan| {
            let pid = Pid::from_raw(orphan.pid.cast_signed());
            !matches!(waitpid(pid, WaitOptions::NOHANG), Ok(Some(_)))
        });
        let is_over = orphans.is_empty();
        if is_late {
            late.extend(orphans.into_iter().filter(|orphan| send_signal(orphan.pid, Signal::KILL)));
        }
        is_over.then_some(())
    });
    assert!(late.is_empty(), "{deed}: they live on: {late:#?}");
}

/// A coordinator at work.
struct Coordinator<'a> {
    pid: u32,
    workers: Vec<u32>,
    /// Where it and its workers leave word.
    directory: &'a Path,
}

/// The fields of `/proc/PID/stat` behind the name: the state, and so on.
fn stat(pid: u32) -> Vec<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').map(str::to_owned).collect()
}

/// Time in which a process has come to use the processor, in clock ticks.
fn ticks(pid: u32) -> u64 {
    stat(pid).get(11).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

fn is_in_state(pid: u32, state: &str) -> bool {
    stat(pid)[0] == state
}

#[test]
fn idle_workers_go() {
    alone(|| {
        workers_go("idle", Signal::KILL, |_| true);
        workers_go("idle", Signal::TERM, |_| true);
    });
}

#[test]
fn spinning_workers_go() {
    alone(|| {
        let spinning = |at: &Coordinator<'_>| at.workers.iter().all(|&pid| 2 < ticks(pid));
        workers_go("spinning", Signal::KILL, spinning);
        workers_go("spinning", Signal::TERM, spinning);
    });
}

#[test]
fn workers_in_the_middle_of_a_job_go() {
    alone(|| {
        let gated =
            |at: &Coordinator<'_>| begun(&at.directory.join("begun")).len() == at.workers.len();
        workers_go("gated", Signal::KILL, gated);
        workers_go("gated", Signal::TERM, gated);
    });
}

#[test]
fn workers_in_the_middle_of_a_large_result_go() {
    alone(|| {
        for round in 0..6 {
            let at_work = |at: &Coordinator<'_>| {
                let ticks: u64 = at.workers.iter().copied().map(ticks).sum();
                3 * round < ticks
            };
            workers_go("large", Signal::KILL, at_work);
        }
    });
}

#[test]
fn workers_that_wait_for_room_to_send_go() {
    alone(|| {
        // It stops itself; then they have nothing to wait for but that.
        let wait = |at: &Coordinator<'_>| {
            is_in_state(at.pid, "T") && at.workers.iter().all(|&pid| is_in_state(pid, "S"))
        };
        workers_go("sending", Signal::KILL, wait);
    });
}

#[test]
fn workers_that_are_just_starting_go() {
    // A worker that is just starting finds its coordinator gone when it says hello, or right after
    // that. A socket may be left here: killed at the moment between its making and its unlinking,
    // nobody unlinks it.
    alone(|| {
        let files = Scripts::new();
        let directory = files.path("home");
        fs::create_dir(&directory).unwrap();
        let has_child = |worker: &u32| !children(*worker).is_empty();
        for round in 0..20 {
            let mut coordinator = start("idle", &directory);
            // It starts them in its first milliseconds, and is killed at any moment of that.
            eventually("the first worker", || {
                let workers = children(coordinator.id());
                let has_come = match round % 4 {
                    0 => !workers.is_empty(),
                    1 => workers.iter().any(has_child),
                    2 => workers.iter().any(has_said_hello),
                    _ => {
                        WORKERS as usize == workers.iter().filter(|pid| has_said_hello(pid)).count()
                    }
                };
                has_come.then_some(())
            });
            coordinator.kill().unwrap();
            coordinator.wait().unwrap();
            all_orphans_go("starting");
        }
    });
}

/// Whether a worker has closed the way to its coordinator, as it does once it has said hello.
fn has_said_hello(worker: &u32) -> bool {
    let stdin = fs::read_link(format!("/proc/{worker}/fd/0"));
    !children(*worker).is_empty() && stdin.is_ok_and(|path| path == Path::new("/dev/null"))
}
