//! Coordinators that are killed: their workers must not outlive them.

use std::{
    env, fs,
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use parzen_worker::tasks::demo::{Echo, Hang};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, waitpid},
};

use crate::{
    actors::tasks::{Gate, begun},
    support::{Scripts, alone, eventually, send_signal, this_test},
};

/// A coordinator, in a process of its own: does what the environment says, and never ends.
#[test]
#[ignore = "a coordinator, not a test"]
fn coordinator() {
    let (Ok(deed), Ok(directory)) = (env::var("PARZEN_DEED"), env::var("PARZEN_FILES")) else {
        return;
    };
    let files = Scripts::new();
    let pool = files.builder(3).prefetch(1).start().unwrap();
    let begun_file = format!("{directory}/begun");
    let gate = |n: u32| (begun_file.clone(), format!("{directory}/never-{n}"));
    let _jobs: Vec<_> = match deed.as_str() {
        "gated" => (0..3).map(|n| drop(pool.apply_async::<Gate>(gate(n)).unwrap())).collect(),
        "spinning" => (0..6).map(|_| drop(pool.apply_async::<Hang>(true).unwrap())).collect(),
        _ => Vec::new(),
    };
    tell(&directory, &pool.pids());
    if deed == "large" {
        // Without end: whenever it is killed, some are under way in either direction.
        let input = vec![7_u8; 10_000_000];
        let inputs = std::iter::repeat_with(|| (input.clone().into(), 90_000_000));
        pool.imap_unordered::<Echo>(inputs).for_each(|(_, result)| drop(result));
    }
    wait_for_ever()
}

fn wait_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

fn children(pid: u32) -> Vec<u32> {
    crate::support::children_of(pid).into_iter().map(|child| child.pid).collect()
}

/// Writes the workers' ids where the test finds them, all at once.
fn tell(directory: &str, pids: &[u32]) {
    let lines: Vec<String> = pids.iter().map(ToString::to_string).collect();
    fs::write(format!("{directory}/pids.new"), lines.join("\n")).unwrap();
    fs::rename(format!("{directory}/pids.new"), format!("{directory}/pids")).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "starts this program again")]
fn start(deed: &str, directory: &Path) -> Child {
    let mut command = Command::new(this_test());
    command.args(["--ignored", "--exact", "coordinator::coordinator", "--nocapture"]);
    command.env("PARZEN_DEED", deed).env("PARZEN_FILES", directory).stdin(Stdio::null());
    command.env("TMPDIR", directory).spawn().unwrap()
}

/// Has a coordinator at work, kills it, and demands that its workers go within a second.
fn workers_go(deed: &str, signal: Signal, at_work: impl Fn(&Path) -> bool) {
    let files = Scripts::new();
    let directory = files.path("home");
    fs::create_dir(&directory).unwrap();
    let mut coordinator = start(deed, &directory);
    let pids: Vec<u32> = eventually("the workers", || {
        let text = fs::read_to_string(directory.join("pids")).ok()?;
        Some(text.lines().map(|line| line.parse().unwrap()).collect())
    });
    assert_eq!(pids.len(), 3);
    eventually("they work", || at_work(&directory).then_some(()));
    let pid = |pid: &u32| Pid::from_raw(pid.cast_signed()).unwrap();
    let workers: Vec<(Pid, OwnedFd)> =
        pids.iter().map(|p| (pid(p), pidfd_open(pid(p), PidfdFlags::empty()).unwrap())).collect();
    assert!(send_signal(coordinator.id(), signal));
    coordinator.wait().unwrap();
    for (pid, pidfd) in &workers {
        let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
        let second = Timespec::try_from(Duration::from_secs(1)).unwrap();
        assert_eq!(poll(&mut fds, Some(&second)), Ok(1), "{deed}: worker {pid:?} lives on");
        // This process is the next to care for orphans.
        eventually("its end", || waitpid(Some(*pid), WaitOptions::NOHANG).unwrap());
    }
    // The coordinator's scripts are what a test makes; everything else is the pool's.
    let left = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let is_script = |path: &Path| {
        fs::read_dir(path).is_ok_and(|mut files| {
            files.all(|file| file.unwrap().path().extension().is_some_and(|e| e == "sh"))
        })
    };
    let left: Vec<_> = left.filter(|path| path.is_dir() && !is_script(path)).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Time in which processes have come to use the processor, in clock ticks.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
    fields.split(' ').nth(11).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

fn told(directory: &Path) -> Vec<u32> {
    let text = fs::read_to_string(directory.join("pids")).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
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
        let spinning = |directory: &Path| told(directory).into_iter().all(|pid| 2 < ticks(pid));
        workers_go("spinning", Signal::KILL, spinning);
        workers_go("spinning", Signal::TERM, spinning);
    });
}

#[test]
fn workers_in_the_middle_of_a_job_go() {
    alone(|| {
        let gated = |directory: &Path| begun(&directory.join("begun")).len() == 3;
        workers_go("gated", Signal::KILL, gated);
        workers_go("gated", Signal::TERM, gated);
    });
}

#[test]
fn workers_in_the_middle_of_a_large_result_go() {
    alone(|| {
        for round in 0..6 {
            let at_work = |directory: &Path| {
                let ticks: u64 = told(directory).into_iter().map(ticks).sum();
                3 * round < ticks
            };
            workers_go("large", Signal::KILL, at_work);
        }
    });
}

#[test]
fn workers_that_are_just_starting_go() {
    // A worker that is just starting finds its coordinator gone when it says hello. A socket may be
    // left here: killed at the moment between its making and its unlinking, nobody unlinks it.
    alone(|| {
        let files = Scripts::new();
        let directory = files.path("home");
        fs::create_dir(&directory).unwrap();
        for _ in 0..20 {
            let mut coordinator = start("idle", &directory);
            // It starts them in its first milliseconds, and is killed at any moment of that.
            eventually("the first worker", || children(coordinator.id()).pop());
            coordinator.kill().unwrap();
            coordinator.wait().unwrap();
            eventually("all are gone", || {
                let orphans = children(std::process::id());
                for &orphan in &orphans {
                    let pid = Pid::from_raw(orphan.cast_signed());
                    let _ = waitpid(pid, WaitOptions::NOHANG);
                }
                orphans.is_empty().then_some(())
            });
        }
    });
}
