//! SIGINT, SIGTERM, SIGHUP, and SIGXFSZ.

use std::{
    fs, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use nix::{
    errno::Errno,
    sys::signal::{SigSet, SigmaskHow, Signal},
};
use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGXFSZ},
    flag,
    iterator::Signals,
    low_level,
};

use super::{Exit, Failure};
use crate::{commands::Control, estimate::Reason};

/// What the thread that waits for signals needs to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listener {
    /// What it raises.
    pub(crate) control: Control,
    /// Set once there is something to end in order. Before, the first signal ends the program: it
    /// may be waiting for input, where nothing would look at a flag.
    is_running: Arc<AtomicBool>,
}

impl Listener {
    /// Runs `command` while it listens.
    ///
    /// The first signal asks for an end in order, so that what is finished is printed; the second
    /// ends the program at once.
    pub(crate) fn run(
        command: impl FnOnce(&Self) -> Result<Exit, Failure>,
    ) -> Result<Exit, Failure> {
        let listener = Self::start().map_err(DeafError)?;
        let outcome = command(&listener);
        // The other thread is taking the workers and the files away and about to end the program,
        // but this one may be there first: what failed here for that is no news.
        listener.control.kill.reason().map_or(outcome, |reason| Ok(reason.into()))
    }

    fn start() -> io::Result<Self> {
        let listener = Self::default();
        // A file that grows beyond `ulimit -f` ends the program, unless somebody listens: then the
        // write fails, which can be told.
        flag::register(SIGXFSZ, Arc::default())?;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        // Whoever starts this may have it ignore SIGCHLD: then the system buries the workers, and does
        // not tell how they ended.
        if ignores(&status, SIGCHLD) {
            flag::register(SIGCHLD, Arc::default())?;
        }
        let mut signals = register(&heeded(&status))?;
        let own = listener.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                own.handle(signal);
            }
        })?;
        Ok(listener)
    }

    /// Says that from now on a stop in order is possible.
    pub(crate) fn set_running(&self) {
        self.is_running.store(true, Ordering::Release);
    }

    fn handle(&self, signal: i32) {
        let reason = if signal == SIGINT { Reason::Interrupted } else { Reason::Terminated };
        if self.is_running.load(Ordering::Acquire) && self.control.stop.raise(reason) {
            return;
        }
        let reason = self.control.stop.reason().unwrap_or(reason);
        self.control.kill.raise(reason);
        // Not `process::exit`: its handlers could wait for the threads that we do not wait for.
        low_level::exit(Exit::from(reason).code().into());
    }
}

/// What happens to signals cannot be changed, or there is no thread to wait for them.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen for signals")]
struct DeafError(#[source] io::Error);

impl From<DeafError> for Failure {
    fn from(error: DeafError) -> Self {
        let hint = match error.0.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EAGAIN) => {
                Some("one more thread needs more of `ulimit -u`, or of `ulimit -v`")
            }
            _ => None,
        };
        Self::new(Exit::Unexpected, error).hints(hint)
    }
}

impl From<Reason> for Exit {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Interrupted => Self::Interrupted,
            Reason::Terminated => Self::Terminated,
        }
    }
}

/// Listens for `heeded`, from the moment on in which they no longer end the program.
///
/// signal-hook takes a signal from the system's own action before it has stored what to do instead,
/// and one that came in between would be lost. So they wait until both is done: in this thread,
/// which is the only one by now.
fn register(heeded: &[Signal]) -> io::Result<Signals> {
    let waiting: SigSet = heeded.iter().copied().collect();
    let before = waiting.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let signals = Signals::new(heeded.iter().map(|&signal| signal as i32));
    before.thread_set_mask()?;
    signals
}

/// The signals to listen for. `nohup` has SIGHUP ignored, and so it should stay.
fn heeded(status: &str) -> Vec<Signal> {
    let mut signals = vec![Signal::SIGINT, Signal::SIGTERM];
    if !ignores(status, SIGHUP) {
        signals.push(Signal::SIGHUP);
    }
    signals
}

/// Whether the process of this `/proc/PID/status` ignores `signal`.
fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 << (signal - 1) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_takes_to_listen_is_told() {
        let told = |errno: Errno| Failure::from(DeafError(errno.into())).to_string();
        let begin = "error: failed to listen for signals: ";
        for (errno, hint) in [(Errno::EMFILE, "`ulimit -n`"), (Errno::EAGAIN, "`ulimit -u`")] {
            let text = told(errno);
            assert!(text.starts_with(begin) && text.contains(hint), "{text}");
        }
        assert_eq!(told(Errno::EINVAL).lines().count(), 1);
    }

    #[test]
    fn an_ignored_signal_is_seen() {
        let ignored = "Name:\tx\nSigIgn:\t0000000000010001\nSigCgt:\t0\n";
        assert!(ignores(ignored, SIGHUP) && ignores(ignored, SIGCHLD) && !ignores(ignored, SIGINT));
        assert!(!ignores("SigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", SIGHUP));
        assert!(!ignores("", SIGHUP));
    }
}
