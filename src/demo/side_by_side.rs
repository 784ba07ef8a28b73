//! Threads of a lesson.

use std::{
    panic::resume_unwind,
    thread::{self, Scope, ScopedJoinHandle},
};

use parzen_worker::TaskError;

use super::Error;

/// Starts a thread.
pub(super) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    part: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    let thread = thread::Builder::new().name("demo".to_owned());
    let failed = |source| Error::System { what: "start a thread", source };
    thread.spawn_scoped(scope, part).map_err(failed)
}

/// Runs each of `parts` in a thread of its own, and waits for all.
pub(super) fn run_all<'scope>(
    scope: &'scope Scope<'scope, '_>,
    parts: impl Iterator<Item = impl FnOnce() -> Result<(), TaskError> + Send + 'scope>,
) -> Result<(), Error> {
    let threads = parts.map(|part| start(scope, part)).collect::<Result<Vec<_>, _>>()?;
    for thread in threads {
        // A panic of a thread is a bug of the lesson, and told as one.
        let ran = thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        ran.map_err(Error::Task)?;
    }
    Ok(())
}
