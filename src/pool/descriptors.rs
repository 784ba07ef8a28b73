//! Room for the files that workers need in this process.

use std::fs;

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::error::StartError;

/// Descriptors for one worker: its three channels, its pidfd, its standard error, and while it
/// starts the two of a reader, its beacon, and its connection or the door.
const EACH: u64 = 9;

/// Descriptors for what is opened besides, now and then: shared memory, files that are read.
const SPARE: u64 = 12;

/// Raises the soft limit of open files, if that is needed for `workers` and the hard limit allows.
pub(super) fn make_room(workers: u32) -> Result<(), StartError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let others = open_now(current).saturating_add(SPARE);
    let needed = (u64::from(workers) * EACH).saturating_add(others);
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

/// How many are open, if there can be `limit`. Where nobody tells, as many as a program with a few
/// files has.
fn open_now(limit: Option<u64>) -> u64 {
    const FEW: u64 = 48;
    match fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.count() as u64,
        // There is none left to look with, which tells it as well.
        Err(error) if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) => {
            limit.unwrap_or(FEW)
        }
        Err(_) => FEW,
    }
}
