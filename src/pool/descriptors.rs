//! Room for the files that workers need in this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::StartError;

/// Descriptors for one worker: its three channels, its pidfd, its standard error, and while it
/// starts its server, the door to it, its beacon, and the pipe's other end.
const EACH: u64 = 9;

/// Descriptors for everything else in this process.
const OTHERS: u64 = 64;

/// Raises the soft limit of open files, if that is needed for `workers` and the hard limit allows.
pub(super) fn make_room(workers: u32) -> Result<(), StartError> {
    let needed = u64::from(workers) * EACH + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit.
    if current.is_none_or(|current| needed <= current) {
        return Ok(());
    }
    let limit = maximum.unwrap_or(u64::MAX);
    let raised = Rlimit { current: Some(needed.min(limit)), maximum };
    if limit < needed || setrlimit(Resource::Nofile, raised).is_err() {
        return Err(StartError::Descriptors { workers, needed, limit });
    }
    Ok(())
}
