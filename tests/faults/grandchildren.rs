//! What tasks have started: it goes with its worker, and cannot hold the pool up.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use parzen::pool::{Batch, Builder, Pool, WorkerProgram};
use parzen_worker::{
    Context, Registry, Task, TaskError, protocol::Invitation, serve::serve_as, tasks::demo::Cube,
};
use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid},
};
use serde::{Deserialize, Serialize};

use crate::support::{PATIENCE, Scripts, alone, eventually, send_signal, this_test, within};

/// Where what a task starts belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Family {
    /// The worker's process group.
    Kept,
    /// A group of its own, out of anybody's reach.
    Left,
}

/// Starts a process that holds all of the worker's channels and sleeps, writes down its id, and at
/// the first attempt kills the worker. Gives the number of the attempt.
enum Fork {}

impl Task for Fork {
    const NAME: &'static str = "test.fork";
    type Input = (Family, String);
    type Output = u32;

    #[expect(clippy::disallowed_methods, reason = "tasks may start processes")]
    fn run((family, file): (Family, String), context: &Context) -> Result<u32, TaskError> {
        if 0 < context.attempt() {
            return Ok(context.attempt());
        }
        keep_sockets_open()?;
        let mut sleep = Command::new("sleep");
        sleep.arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if family == Family::Left {
            sleep.process_group(0);
        }
        let child = sleep.spawn()?;
        fs::write(file, child.id().to_string())?;
        kill_process(getpid(), Signal::KILL)?;
        Ok(0)
    }
}

/// Has whatever is started from now on inherit this process's sockets, as after a bare `fork`.
fn keep_sockets_open() -> Result<(), TaskError> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let path = entry?.path();
        let is_socket =
            fs::read_link(&path).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        if let (true, Some(fd)) = (is_socket, number(&path)) {
            inherit(fd)?;
        }
    }
    Ok(())
}

fn number(path: &Path) -> Option<i32> {
    path.file_name()?.to_str()?.parse().ok()
}

#[expect(unsafe_code, reason = "the channels do not give their descriptors")]
fn inherit(fd: i32) -> Result<(), TaskError> {
    // SAFETY: it was found open just now, and this worker's threads close nothing meanwhile.
    let fd = unsafe { std::os::fd::BorrowedFd::borrow_raw(fd) };
    Ok(fcntl_setfd(fd, FdFlags::empty())?)
}

#[test]
#[ignore = "a worker, not a test"]
fn forker() {
    let Ok(invitation) = Invitation::from_env() else { return };
    serve_as(&invitation, &Registry::new().with::<Fork>().with::<Cube>()).unwrap();
}

/// What a task starts, named by the file with its process id. Goes with this, whatever fails.
pub(crate) struct Grandchild(pub(crate) PathBuf);

impl Grandchild {
    /// `None` if it was not started.
    fn pid(&self) -> Option<u32> {
        fs::read_to_string(&self.0).ok()?.parse().ok()
    }

    pub(crate) fn is_running(&self) -> bool {
        let pid = self.pid().unwrap();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }
}

impl Drop for Grandchild {
    fn drop(&mut self) {
        let Some(pid) = self.pid() else { return };
        eventually("it is gone", || {
            // By now the number may be another's; or it has not become what it will be.
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if arguments == b"sleep\x001000\0" {
                send_signal(pid, Signal::KILL);
            }
            // If it is an orphan by now, it is this process's to bury.
            let buried = waitpid(Pid::from_raw(pid.cast_signed()), WaitOptions::NOHANG);
            (!matches!(buried, Ok(None))).then_some(())
        });
    }
}

fn builder(files: &Scripts) -> Builder {
    let body = format!(
        "exec '{}' --ignored --exact grandchildren::forker --nocapture --test-threads=1",
        this_test().display()
    );
    let program: WorkerProgram = files.script("forker.sh", &body);
    let batch = Batch::Fixed(1.try_into().unwrap());
    Pool::builder().workers(1).worker_program(program).batch(batch)
}

/// Kills the worker while a process it has started holds its channels. Gives that process.
fn check(family: Family, files: &Scripts) -> Grandchild {
    // Before the pool, so that it outlives it: while its parent lives it cannot be buried.
    let child = Grandchild(files.path("child"));
    let pool = builder(files).start().unwrap();
    within(PATIENCE, || {
        let name = files.name("child");
        assert_eq!(pool.apply::<Fork>((family, name)).unwrap(), 1);
        assert_eq!(pool.map::<Cube>(0..4).unwrap(), [0, 1, 8, 27]);
        pool.join().unwrap();
    });
    child
}

#[test]
fn what_a_dead_workers_task_started_goes_with_it() {
    alone(|| {
        let files = Scripts::new();
        let child = check(Family::Kept, &files);
        eventually("the process goes", || (!child.is_running()).then_some(()));
    });
}

#[test]
fn one_that_left_the_group_and_holds_the_channels_holds_up_nobody() {
    alone(|| {
        let files = Scripts::new();
        let child = check(Family::Left, &files);
        assert!(child.is_running(), "nothing has a right to kill it");
    });
}
