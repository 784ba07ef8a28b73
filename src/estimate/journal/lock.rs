//! A file that one process has for itself.

use std::{
    fs::{File, TryLockError},
    ops::Deref,
    thread,
    time::Duration,
};

/// How often it is tried, and how long to wait in between. A run that was killed while it started a
/// worker leaves a copy of the descriptor there, until that process becomes the worker's program;
/// whoever starts the next run at once should not be told that the first still runs.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// A file that is locked as long as this lives, and the process does.
///
/// It is unlocked and not only closed: a process that is just being started has a copy of the
/// descriptor, until it becomes another program.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Locked {
    /// Locks `file`. Does not wait for whoever has it for longer than a moment.
    pub(super) fn new(file: File) -> Result<Self, TryLockError> {
        for _ in 1..ATTEMPTS {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => thread::sleep(PAUSE),
                result => return result.map(|()| Self(file)),
            }
        }
        file.try_lock().map(|()| Self(file))
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // It is closed all the same.
        let _ = self.0.unlock();
    }
}
