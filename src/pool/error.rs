//! How a job, or a whole pool, fails.

use std::{
    fmt, io, os::unix::process::ExitStatusExt, process::ExitStatus, sync::Arc, time::Duration,
};

use parzen_worker::{
    TaskError,
    panic::PanicInfo,
    protocol::{
        BUILD, MAX_BODY, VERSION,
        codec::{DecodeError, EncodeError},
    },
};

/// Why there is no result. Ask it what it is; its text is for people.
///
/// Cloning is cheap: one failure may end many jobs.
#[derive(Clone, Debug)]
pub struct Error(Arc<Kind>);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{0}")]
    Task(TaskError),
    #[error("the task panicked at {}: {}", .0.location, .0.message)]
    Panic(PanicInfo),
    #[error("the worker refused the job: {0}")]
    Refused(String),
    #[error("{crashes} worker{} died running this job; the last {last}", plural(*.crashes))]
    Crashed { crashes: u32, last: Death },
    #[error("the job ran longer than {}", seconds(*.0))]
    TimedOut(Duration),
    #[error("the job was cancelled")]
    Cancelled,
    #[error("the pool is closed")]
    Closed,
    #[error("the workers cannot be started")]
    NoWorkers(#[source] StartError),
    #[error("the iterator that gives the inputs panicked: {0}")]
    Inputs(String),
    #[error("the argument is too large: at most {0} bytes can be sent")]
    TooLarge(usize),
    #[error("the argument cannot be sent")]
    Encode(#[source] EncodeError),
    #[error("shared memory cannot be made")]
    Share(#[source] io::Error),
    #[error("the pool's thread cannot be started")]
    Thread(#[source] io::Error),
}

fn plural(n: u32) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

impl Error {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(Arc::new(kind))
    }

    /// Why an argument could not be encoded.
    pub(crate) fn of_encoding(error: EncodeError) -> Self {
        Self::new(match error {
            EncodeError::TooLarge { .. } => Kind::TooLarge(MAX_BODY),
            error => Kind::Encode(error),
        })
    }

    /// The task's own error, if that is what it is.
    #[must_use]
    pub fn task_error(&self) -> Option<&TaskError> {
        if let Kind::Task(error) = &*self.0 { Some(error) } else { None }
    }

    /// The panic, if the task panicked.
    #[must_use]
    pub fn worker_panic(&self) -> Option<&PanicInfo> {
        if let Kind::Panic(info) = &*self.0 { Some(info) } else { None }
    }

    /// Whether workers died running the job, more often than it was allowed.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        matches!(&*self.0, Kind::Crashed { .. })
    }

    /// How the last worker died, if that is why.
    #[must_use]
    pub fn exit(&self) -> Option<&Death> {
        if let Kind::Crashed { last, .. } = &*self.0 { Some(last) } else { None }
    }

    /// Whether the job ran past the time limit.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(&*self.0, Kind::TimedOut(_))
    }

    /// Whether the caller cancelled the job, or stopped the pool.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(&*self.0, Kind::Cancelled | Kind::Closed)
    }

    /// Why no worker can be started, if that is what it is.
    #[must_use]
    pub fn start_error(&self) -> Option<&StartError> {
        if let Kind::NoWorkers(error) = &*self.0 { Some(error) } else { None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Why a worker process did not become ready.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The program could not be run at all.
    #[error("failed to run `{program}`")]
    Run {
        /// What was to be run.
        program: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// There is no worker program where it is looked for.
    #[error("failed to find a worker program")]
    NoProgram(#[source] Arc<io::Error>),
    /// The meeting place could not be made.
    #[error("failed to make a socket in `{directory}`")]
    Socket {
        /// Where sockets are made.
        directory: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// It ended before it said hello, or right after.
    #[error("`{program}` {death}")]
    Ended {
        /// What was run.
        program: String,
        /// How it ended.
        death: Death,
    },
    /// It did not say hello in time.
    #[error("`{program}` did not say hello within {} s", .after.as_secs_f64())]
    TimedOut {
        /// What was run.
        program: String,
        /// The time it had.
        after: Duration,
    },
    /// What said hello is not a worker of this build.
    #[error(
        "`{program}` is {theirs}, but a worker of parzen {BUILD} (protocol {VERSION}) is needed"
    )]
    OtherVersion {
        /// What was run.
        program: String,
        /// What it says it is.
        theirs: String,
    },
    /// Somebody else answered.
    #[error("a stranger answered in place of `{program}`: {reason}")]
    Stranger {
        /// What was run.
        program: String,
        /// How it was told.
        reason: String,
    },
    /// The pool was stopped before it was ready.
    #[error("the pool was stopped while its workers started")]
    Stopped,
    /// This process is itself a worker, whose `main` starts a pool before it serves: each of its
    /// workers would do the same.
    #[error("this process was started as a worker and must serve before it starts workers")]
    InsideWorker,
    /// There would be too few descriptors.
    #[error(
        "{workers} worker{} need{} {needed} open files, and the limit is {limit}: {fit} would fit",
        if *workers == 1 { "" } else { "s" }, if *workers == 1 { "s" } else { "" }
    )]
    Descriptors {
        /// The workers asked for.
        workers: u32,
        /// How many there could be.
        fit: u64,
        /// Descriptors that they take.
        needed: u64,
        /// What the system allows this process.
        limit: u64,
    },
    /// Its initializer failed.
    #[error("the initializer failed in `{program}`: {reason}")]
    Initializer {
        /// What was run.
        program: String,
        /// What went wrong.
        reason: String,
    },
}

/// How a worker process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// How the system says it ended; `None` if it could not be learned.
    pub status: Option<ExitStatus>,
    /// The last that it wrote to its standard error, at most 4 KiB.
    pub stderr: String,
}

impl Death {
    /// The signal that killed it, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.and_then(|status| status.signal())
    }

    /// The code it exited with, if it did.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.signal(), self.code()) {
            (Some(signal), _) => write!(f, "was killed by {}", signal_name(signal))?,
            (None, Some(code)) => write!(f, "exited with code {code}")?,
            (None, None) => f.write_str("ended")?,
        }
        let last = self.stderr.lines().rev().find(|line| !line.trim().is_empty());
        last.map_or(Ok(()), |line| write!(f, ", saying `{}`", line.trim()))
    }
}

fn signal_name(signal: i32) -> String {
    match signal_hook::low_level::signal_name(signal) {
        Some(name) => format!("{name} ({signal})"),
        None => format!("signal {signal}"),
    }
}

/// Bytes that are not what the job's task gives.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadResult {
    #[error("an outcome cannot be read")]
    Decode(#[from] DecodeError),
    #[error("{0} bytes follow the outcomes")]
    Trailing(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(raw: i32, stderr: &str) -> String {
        let status = Some(ExitStatus::from_raw(raw));
        Death { status, stderr: stderr.to_owned() }.to_string()
    }

    #[test]
    fn a_death_is_told_in_words() {
        assert_eq!(death(9, ""), "was killed by SIGKILL (9)");
        assert_eq!(death(3 << 8, ""), "exited with code 3");
        assert_eq!(death(0, "one\ntwo\n\n"), "exited with code 0, saying `two`");
        assert_eq!(Death { status: None, stderr: String::new() }.to_string(), "ended");
    }

    #[test]
    fn errors_answer_questions() {
        let error = Error::new(Kind::TimedOut(Duration::from_millis(1500)));
        assert!(error.is_timeout() && !error.is_crash() && !error.is_cancelled());
        assert_eq!(error.to_string(), "the job ran longer than 1.5 s");
        let last = Death { status: Some(ExitStatus::from_raw(11)), stderr: String::new() };
        let error = Error::new(Kind::Crashed { crashes: 3, last });
        assert!(error.is_crash());
        assert_eq!(error.exit().and_then(Death::signal), Some(11));
        assert_eq!(
            error.to_string(),
            "3 workers died running this job; the last was killed by SIGSEGV (11)"
        );
        assert_eq!(
            Error::new(Kind::Task(TaskError::new("no"))).task_error().unwrap().message(),
            "no"
        );
    }
}
