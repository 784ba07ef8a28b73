//! Room for the files that workers need in this process.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::StartError;

/// Descriptors for one worker: its three channels, its pidfd, its standard error, and while it
/// starts the two of a reader, its beacon, and its connection or the door.
const EACH: u64 = 9;

/// Descriptors for what is opened besides, now and then: shared memory, files that are read.
const SPARE: u64 = 12;

/// Raises the soft limit of open files, if that is needed for `workers` and the hard limit allows.
pub(super) fn make_room(workers: u32) -> Result<(), StartError> {
    let others = open_now() + SPARE;
    let needed = u64::from(workers) * EACH + others;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit.
    if current.is_none_or(|current| needed <= current) {
        return Ok(());
    }
    let limit = maximum.unwrap_or(u64::MAX);
    let raised = Rlimit { current: Some(needed.min(limit)), maximum };
    if limit < needed || setrlimit(Resource::Nofile, raised).is_err() {
        let fit = limit.saturating_sub(others) / EACH;
        return Err(StartError::Descriptors { workers, fit, needed, limit });
    }
    Ok(())
}

/// How many are open. Where nobody tells, as many as a program with a few files has.
fn open_now() -> u64 {
    const FEW: u64 = 48;
    fs::read_dir("/proc/self/fd").map_or(FEW, |entries| entries.count() as u64)
}
