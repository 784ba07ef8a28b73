//! Worker processes as the operating system sees them: started, killed, reaped.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::process::CommandExt,
    },
    process::{Child as StdChild, Command, ExitStatus},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal},
};

use wait4::{ResourceUsage, Wait4};

use super::{
    death::CpuTime,
    driver::now,
    program::{Invocation, NAME},
};

/// Time the system may take to end a killed process.
pub(super) const KILL_GRACE: Duration = Duration::from_secs(5);

/// A process that leads a group of its own. It is reaped once, and never signalled after that: by
/// then its number may be another's.
#[derive(Debug)]
pub(crate) struct Child {
    pid: Pid,
    /// Becomes readable when the process ends.
    pidfd: OwnedFd,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Live {
        child: StdChild,
        was_killed: bool,
    },
    /// `None` if it could not be learned how it ended.
    Reaped(Option<Ended>),
}

/// How a process ended, and what it had used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) cpu: CpuTime,
    /// Bytes it had resident at the most; or, if those are more, the process that started it.
    pub(crate) peak_memory: u64,
    /// Whether it was killed here, before it ended of itself.
    pub(crate) was_killed: bool,
}

impl Child {
    /// Starts `invocation` with one more environment variable. Its standard output goes where its
    /// standard error goes: the coordinator's own output carries data.
    pub(crate) fn start(
        invocation: &Invocation,
        variable: (&str, &OsStr),
        stdin: OwnedFd,
        stderr: OwnedFd,
    ) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this is the place it names")]
        let mut command = Command::new(&invocation.program);
        command.args(&invocation.args).env(variable.0, variable.1);
        if !invocation.args.is_empty() {
            command.arg0(NAME);
        }
        // Nothing may run between fork and exec: a `pre_exec` would make the system copy the page
        // tables of this process for each worker.
        command.process_group(0).stdin(stdin).stdout(stderr.try_clone()?).stderr(stderr);
        let mut child = command.spawn()?;
        // A child of ours is never unknown, and its number cannot be 0.
        let pid = Pid::from_child(&child);
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => {
                let state = Mutex::new(State::Live { child, was_killed: false });
                Ok(Self { pid, pidfd, state })
            }
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.into())
            }
        }
    }

    /// Its process id, as a number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Pid {
        self.pid
    }

    /// Readable when the process has ended.
    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Kills it and whatever it has started. Does nothing once it is reaped.
    pub(crate) fn kill(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Live { was_killed, .. } = &mut *state {
            *was_killed |= !self.wait(Duration::ZERO);
            // They fail only if no such process is left. It may have left its group itself.
            let _ = kill_process_group(self.pid, Signal::KILL);
            let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        }
    }

    /// Sends a signal that does not end it, to it and whatever it has started. Does nothing once it
    /// is reaped.
    pub(crate) fn signal(&self, signal: Signal) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Live { .. } = &*state {
            let _ = kill_process_group(self.pid, signal);
        }
    }

    /// Waits until it ends, no longer than `timeout`. Says whether it has ended.
    pub(crate) fn wait(&self, timeout: Duration) -> bool {
        let until = now().checked_add(timeout);
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        loop {
            let left = until.map(|until| until.saturating_duration_since(now()));
            let left = left.and_then(|left| Timespec::try_from(left).ok());
            match poll(&mut fds, left.as_ref()) {
                Ok(n) => return 0 < n,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return false,
            }
        }
    }

    /// Ends it, if it has not ended, and what it left behind, and learns how it ended. `None` if the
    /// system cannot end it, as when it waits for a broken disk.
    pub(crate) fn reap(&self) -> Option<Ended> {
        // Until it is reaped its number, and so its group's, is its own.
        self.kill();
        if !self.wait(KILL_GRACE) {
            return None;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = match std::mem::replace(&mut *state, State::Reaped(None)) {
            State::Live { child, was_killed } => child.wait4().ok().map(|used| {
                let ResourceUsage { utime: user, stime: system, maxrss: peak_memory, .. } =
                    used.rusage;
                let cpu = CpuTime { user, system };
                Ended { status: used.status, cpu, peak_memory, was_killed }
            }),
            State::Reaped(ended) => ended,
        };
        *state = State::Reaped(ended);
        ended
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.reap();
    }
}
