//! The program while it runs.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::Deserialize;
use tempfile::TempDir;

use crate::proc::{DEADLINE, Process, eventually, now, with_environment};

/// The program, as it was built.
pub(crate) const PARZEN: &str = env!("CARGO_BIN_EXE_parzen");

/// The variable that tells apart what belongs to different runs.
const MARK: &str = "PARZEN_TEST_RUN";

/// A line of `--format jsonl`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) h: f64,
    pub(crate) point: Vec<f64>,
    pub(crate) count: u64,
    pub(crate) density: f64,
    pub(crate) seq: u64,
}

impl Line {
    /// What must not depend on who computed it.
    pub(crate) fn bits(&self) -> (u64, Vec<u64>, u64, u64) {
        let point = self.point.iter().map(|x| x.to_bits()).collect();
        (self.h.to_bits(), point, self.count, self.density.to_bits())
    }
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// From its start.
    pub(crate) after: Duration,
}

/// The program with a directory for temporary files of its own. It is killed when this is dropped,
/// and when it runs too long.
pub(crate) struct Program {
    directory: TempDir,
    pid: Pid,
    child: Arc<Mutex<Child>>,
    pub(crate) stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<JoinHandle<String>>,
    started: std::time::Instant,
}

#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
pub(crate) fn command(program: impl AsRef<Path>, line: &str) -> Command {
    let mut command = Command::new(program.as_ref());
    command.args(line.split_whitespace()).stdin(Stdio::null());
    for variable in ["PARZEN_WORKER", "PARZEN_CHAOS", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command
}

impl Program {
    /// Starts the program with `line` as its arguments.
    pub(crate) fn start(line: &str) -> Self {
        Self::start_command(command(PARZEN, line))
    }

    /// As [`start`](Self::start), with another directory for temporary files.
    pub(crate) fn start_in(directory: &str, line: &str) -> Self {
        let mut command = command(PARZEN, line);
        command.env("TMPDIR", directory);
        Self::start_in_any(TempDir::new().unwrap(), command, Stdio::piped())
    }

    pub(crate) fn start_command(command: Command) -> Self {
        Self::start_with_stderr(command, Stdio::piped())
    }

    /// As [`start_command`](Self::start_command), with standard error elsewhere: what it takes is
    /// not seen here.
    pub(crate) fn start_with_stderr(mut command: Command, stderr: impl Into<Stdio>) -> Self {
        let directory = TempDir::new().unwrap();
        command.env("TMPDIR", directory.path());
        Self::start_in_any(directory, command, stderr.into())
    }

    fn start_in_any(directory: TempDir, mut command: Command, stderr: Stdio) -> Self {
        // Inherited by all that it starts, so that whatever is left of it can be found.
        command.env(MARK, directory.path());
        // A group of its own, as a shell gives it, or a signal to it would reach the tests too.
        command.process_group(0);
        command.stdout(Stdio::piped()).stderr(stderr);
        let started = now();
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let collect = |mut pipe: ChildStderr| {
            let collect = move || {
                let mut text = String::new();
                pipe.read_to_string(&mut text).unwrap();
                text
            };
            thread::Builder::new().name("stderr".to_owned()).spawn(collect).unwrap()
        };
        let stderr = child.stderr.take().map(collect);
        let pid = Pid::from_child(&child);
        let child = Arc::new(Mutex::new(child));
        watch(&child, pid);
        Self { directory, pid, child, stdout, stderr, started }
    }

    pub(crate) fn process(&self) -> Process {
        Process::of(self.pid.as_raw_nonzero().get().cast_unsigned()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// As the terminal does on Ctrl-C.
    pub(crate) fn signal_group(&self, signal: Signal) {
        kill_process_group(self.pid, signal).unwrap();
    }

    /// Its children, which are its workers or about to be.
    pub(crate) fn children(&self) -> Vec<Process> {
        Process::children_of(self.process().pid)
    }

    /// Its workers, once there are `n`, all of which have said hello.
    pub(crate) fn workers(&self, n: usize) -> Vec<Process> {
        let mut workers = Vec::new();
        eventually(DEADLINE, "all workers have said hello", || {
            workers = self.children();
            workers.len() == n && workers.iter().all(Process::has_said_hello)
        });
        workers
    }

    /// The next line of its output.
    pub(crate) fn text_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// The next lines of its output, of which there must be `n`.
    pub(crate) fn lines(&mut self, n: usize) -> Vec<Line> {
        let line = |_| serde_json::from_str(&self.text_line()).unwrap();
        (0..n).map(line).collect()
    }

    /// All that is left of its output.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        self.stdout.as_mut().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub(crate) fn wait(&self) -> ExitStatus {
        let mut status = None;
        eventually(2 * DEADLINE, "the program ends", || {
            status = self.child.lock().unwrap().try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// Reads on to its end, after which nothing may be left of it.
    pub(crate) fn end(mut self) -> Ended {
        let stdout = if self.stdout.is_some() { self.rest() } else { String::new() };
        let status = self.wait();
        let after = self.started.elapsed();
        // What a worker had started was killed with it, but is not waited for.
        self.check_nothing_left(Duration::from_secs(1));
        let stderr = self.stderr.take().map(|collected| collected.join().unwrap());
        let stderr = stderr.unwrap_or_default();
        Ended { status, stdout, stderr, after }
    }

    /// Checks that no process, socket or file of it is left, `limit` from now at the latest.
    pub(crate) fn check_nothing_left(&self, limit: Duration) {
        let directory = self.directory.path();
        eventually(limit, "all its processes have ended", || {
            with_environment(MARK, directory).is_empty()
        });
        assert_eq!(directory.read_dir().unwrap().count(), 0, "files in {}", directory.display());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Ok(mut child) = self.child.lock() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Kills `child` when it is late. Until it is waited for, which takes the lock, the number is its
/// own.
fn watch(child: &Arc<Mutex<Child>>, pid: Pid) {
    let child = Arc::downgrade(child);
    let start = now();
    let watch = move || {
        while start.elapsed() < DEADLINE {
            let Some(child) = child.upgrade() else { return };
            let has_ended =
                child.lock().is_ok_and(|mut child| !matches!(child.try_wait(), Ok(None)));
            drop(child);
            if has_ended {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let Some(child) = child.upgrade() else { return };
        let Ok(mut child) = child.lock() else { return };
        if let Ok(None) = child.try_wait() {
            let _ = kill_process(pid, Signal::KILL);
        }
    };
    thread::Builder::new().name("watchdog".to_owned()).spawn(watch).unwrap();
}
