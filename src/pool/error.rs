//! How a job, or a whole pool, fails.

use std::{env, fmt, io, sync::Arc, time::Duration};

use parzen_worker::{
    TaskError,
    panic::PanicInfo,
    protocol::{
        BUILD, Invitation, MAX_BODY, VERSION,
        codec::{DecodeError, EncodeError},
    },
    shared::OpenError,
};

use super::{culprit::Culprit, death::Death};

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
    #[error(
        "{crashes} worker{} died {} {culprit}; the last {last}{}",
        plural(*.crashes), if *.begun { "running" } else { "holding" }, last.cost()
    )]
    Crashed { crashes: u32, begun: bool, last: Death, culprit: Culprit },
    #[error(
        "{culprit} {} {}{}",
        if *.begun { "ran longer than" } else { "was not begun within" },
        seconds(*.limit), last.cost()
    )]
    TimedOut { limit: Duration, begun: bool, last: Death, culprit: Culprit },
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
    #[error("the result cannot be received")]
    Receive(#[source] OpenError),
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

    /// Whether workers died running the job, or holding it, more often than it was allowed.
    #[must_use]
    pub fn is_crash(&self) -> bool {
        matches!(&*self.0, Kind::Crashed { .. })
    }

    /// How the last worker died, if it crashed, or was killed because the job ran past the time
    /// limit, or was not begun within it.
    #[must_use]
    pub fn exit(&self) -> Option<&Death> {
        match &*self.0 {
            Kind::Crashed { last, .. } | Kind::TimedOut { last, .. } => Some(last),
            _ => None,
        }
    }

    /// How many workers died running the job, or holding it, if that is why.
    #[must_use]
    pub fn crashes(&self) -> Option<u32> {
        if let Kind::Crashed { crashes, .. } = &*self.0 { Some(*crashes) } else { None }
    }

    /// The name of the task whose workers died, or were killed because of the time limit.
    #[must_use]
    pub fn task(&self) -> Option<&'static str> {
        self.culprit().map(|culprit| culprit.task())
    }

    /// The index, within its call, of the input with which they did.
    #[must_use]
    pub fn item(&self) -> Option<u64> {
        self.culprit().map(Culprit::item)
    }

    /// That input as JSON, cut short if it is long. Made when it is asked for.
    #[must_use]
    pub fn argument(&self) -> Option<String> {
        self.culprit().map(Culprit::argument)
    }

    fn culprit(&self) -> Option<&Culprit> {
        match &*self.0 {
            Kind::Crashed { culprit, .. } | Kind::TimedOut { culprit, .. } => Some(culprit),
            _ => None,
        }
    }

    /// Whether the job ran past the time limit, or was not begun within it, again and again.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(&*self.0, Kind::TimedOut { .. })
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
    /// The pool could not start a thread of its own.
    #[error("failed to start a thread of the pool")]
    Thread(#[source] Arc<io::Error>),
    /// The meeting place could not be made.
    #[error("failed to make a socket in `{directory}`")]
    Socket {
        /// Where sockets are made.
        directory: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The system did not let it say hello.
    #[error("failed to meet `{program}`")]
    Meet {
        /// What was run.
        program: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// It ended before it said hello, or right after.
    #[error("`{program}` {death}")]
    Ended {
        /// What was run.
        program: String,
        /// How it ended.
        death: Box<Death>,
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
    /// It is not what was started that answers, or it does not speak as a worker does.
    #[error("`{program}` is no worker of this pool: {reason}")]
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
    #[error(
        "this process was started as a worker, as `{}` says, and must serve before it starts workers",
        Invitation::VARIABLE
    )]
    InsideWorker,
    /// There would be too few descriptors.
    #[error(
        "{workers} worker{} need{} {needed} open files, and the limit is {limit}: {fit} would fit",
        plural(*workers), if *workers == 1 { "s" } else { "" }
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

impl StartError {
    /// The system does not give what it takes to meet a worker.
    pub(super) fn socket(source: io::Error) -> Self {
        let directory = env::temp_dir().display().to_string();
        Self::Socket { directory, source: Arc::new(source) }
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
    use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

    use parzen_worker::{protocol::codec, tasks::demo::Cube};

    use super::*;
    use crate::pool::{culprit::TaskType, job::Payload};

    fn culprit() -> Culprit {
        let mut bytes = Vec::new();
        codec::encode(&7_i64, &mut bytes).unwrap();
        Culprit::new(TaskType::of::<Cube>(), 3, Payload::Inline(bytes))
    }

    #[test]
    fn errors_answer_questions() {
        let limit = Duration::from_millis(1500);
        let last = Death::default();
        let error = Error::new(Kind::TimedOut { limit, begun: true, last, culprit: culprit() });
        assert!(error.is_timeout() && !error.is_crash() && !error.is_cancelled());
        assert_eq!(error.to_string(), "input 3 of `demo.cube` (7) ran longer than 1.5 s");
        let kind = |last| Kind::TimedOut { limit, begun: false, last, culprit: culprit() };
        let text = Error::new(kind(Death::default())).to_string();
        assert_eq!(text, "input 3 of `demo.cube` (7) was not begun within 1.5 s");
        let last = Death { status: Some(ExitStatus::from_raw(11)), ..Death::default() };
        let kind =
            |begun| Kind::Crashed { crashes: 3, begun, last: last.clone(), culprit: culprit() };
        let error = Error::new(kind(false));
        assert!(error.to_string().starts_with("3 workers died holding input 3 of"), "{error}");
        let error = Error::new(kind(true));
        assert!(error.is_crash() && error.crashes() == Some(3));
        assert_eq!(error.exit().and_then(Death::signal), Some(11));
        assert_eq!((error.task(), error.item()), (Some("demo.cube"), Some(3)));
        assert_eq!(error.argument().unwrap(), "7");
        assert_eq!(
            error.to_string(),
            "3 workers died running input 3 of `demo.cube` (7); \
             the last was killed by SIGSEGV (11)"
        );
        let error = Error::new(Kind::Task(TaskError::new("no")));
        assert_eq!(error.task_error().unwrap().message(), "no");
        assert_eq!((error.item(), error.argument()), (None, None));
    }
}
