//! Processes as `/proc` shows them.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Far longer than anything here takes, on a machine that is busy with other things.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

#[expect(clippy::disallowed_methods, reason = "a test reads the clock to have a deadline")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until `is_so`, which must be within `limit`.
pub(crate) fn eventually(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let start = now();
    loop {
        // Looked at first: a test that was not run for a while gets its last chance.
        let is_late = limit < start.elapsed();
        if is_so() {
            return;
        }
        assert!(!is_late, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether this process, and whatever it starts, ignores a signal until it wants to hear of it.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0
}

/// One process. Another with the same number is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) name: String,
    pub(crate) state: char,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    started: u64,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        Some(Self {
            pid,
            name: name.to_owned(),
            state: fields[0].chars().next()?,
            parent: fields[1].parse().ok()?,
            group: fields[2].parse().ok()?,
            started: fields[19].parse().ok()?,
        })
    }

    pub(crate) fn children_of(pid: u32) -> Vec<Self> {
        all().filter_map(Self::of).filter(|process| process.parent == pid).collect()
    }

    fn now(&self) -> Option<Self> {
        Self::of(self.pid).filter(|process| process.started == self.started)
    }

    /// Whether it has ended and been waited for.
    pub(crate) fn is_reaped(&self) -> bool {
        self.now().is_none()
    }

    /// Whether it has ended. One whose parent was killed may wait for ever to be waited for.
    pub(crate) fn has_ended(&self) -> bool {
        self.now().is_none_or(|process| matches!(process.state, 'Z' | 'X'))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // It may have ended by now.
        let _ = kill_process(Pid::from_raw(self.pid.cast_signed()).unwrap(), signal);
    }

    /// Stops it, and waits until it stands still.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        eventually(DEADLINE, "it stands still", || self.now().is_none_or(|now| now.state == 'T'));
    }

    /// What its descriptors lead to, by their numbers.
    pub(crate) fn descriptors(&self) -> Vec<(String, PathBuf)> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid)).unwrap();
        let links = entries.filter_map(|entry| {
            let path = entry.unwrap().path();
            let number = path.file_name()?.to_str()?.to_owned();
            Some((number, fs::read_link(path).ok()?))
        });
        links.collect()
    }

    /// Its sockets and pipes, which have numbers of their own.
    pub(crate) fn connections(&self) -> BTreeSet<PathBuf> {
        let is_connection = |path: &PathBuf| {
            let path = path.to_str().unwrap_or_default();
            path.starts_with("socket:") || path.starts_with("pipe:")
        };
        self.descriptors().into_iter().map(|(_, path)| path).filter(is_connection).collect()
    }

    /// Whether it has said hello: only then does it close the way to its coordinator. Before it has
    /// its name, it is not yet a worker but a copy of its coordinator.
    pub(crate) fn has_said_hello(&self) -> bool {
        self.name == "parzen-worker"
            && fs::read_link(format!("/proc/{}/fd/0", self.pid))
                .is_ok_and(|path| path == Path::new("/dev/null"))
    }
}

/// Every process that was started with this in its environment and has not ended.
pub(crate) fn with_environment(variable: &str, value: &Path) -> Vec<Process> {
    let wanted = [variable.as_bytes(), b"=", value.as_os_str().as_bytes()].concat();
    let has_it = |&pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == wanted)
    };
    all().filter(has_it).filter_map(Process::of).collect()
}

fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}
