//! One process for one task.

use std::time::Duration;

use parzen_worker::Task;

use super::{
    error::{Error, StartError},
    handle::Pool,
    pending::Pending,
    settings::Builder,
};

/// Why a [`Process`] could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The process did not start.
    #[error("failed to start a process for `{task}`")]
    Start {
        /// The task it was to run.
        task: &'static str,
        /// Why it did not.
        source: StartError,
    },
    /// The input cannot be sent.
    #[error("failed to send the input of `{task}`")]
    Input {
        /// The task it was to run.
        task: &'static str,
        /// Why it cannot.
        source: Error,
    },
}

/// A process of its own that runs one task and ends.
///
/// Dropping it kills the process if the task still runs.
///
/// ```no_run
/// use parzen::pool::Process;
/// use parzen_worker::tasks::demo::Cube;
///
/// let process = Process::<Cube>::spawn(3)?;
/// println!("process {} works", process.id());
/// assert_eq!(process.join()?, 27);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Process<T: Task> {
    pid: u32,
    pool: Pool,
    pending: Pending<T::Output>,
}

impl<T: Task> Process<T> {
    /// Starts a process and has it run the task.
    ///
    /// # Errors
    ///
    /// Fails if the process cannot be started or the input cannot be sent.
    pub fn spawn(input: T::Input) -> Result<Self, SpawnError> {
        Self::spawn_with(Pool::builder(), input)
    }

    /// As [`spawn`](Self::spawn), with settings of one's own. Their number of workers does not
    /// matter, and the task is not run again if its process dies.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with(settings: Builder, input: T::Input) -> Result<Self, SpawnError> {
        let task = T::NAME;
        let pool = settings
            .workers(1)
            .max_crashes(0)
            .once()
            .start()
            .map_err(|source| SpawnError::Start { task, source })?;
        let pid = pool.pids().first().copied().unwrap_or_default();
        let pending =
            pool.apply_async::<T>(input).map_err(|source| SpawnError::Input { task, source })?;
        pool.close();
        Ok(Self { pid, pool, pending })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.pid
    }

    /// Whether the task has ended, one way or the other.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.pending.is_ready()
    }

    /// Waits until the task has ended and its process is gone, and gives the output.
    ///
    /// # Errors
    ///
    /// The task's own error, or how its process died.
    pub fn join(self) -> Result<T::Output, Error> {
        let result = self.pending.get();
        // What was wrong with it is in the result.
        let _ = self.pool.join();
        result
    }

    /// As [`join`](Self::join), but waits no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// Gives itself back if the task still runs then.
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T::Output, Error>, Self> {
        let Self { pid, pool, pending } = self;
        match pending.get_timeout(timeout) {
            Ok(result) => {
                let _ = pool.join();
                Ok(result)
            }
            Err(pending) => Err(Self { pid, pool, pending }),
        }
    }

    /// Kills the process.
    pub fn kill(self) {
        self.pool.terminate();
    }
}
