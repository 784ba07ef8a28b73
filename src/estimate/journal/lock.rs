//! A file that one process has for itself.

use std::{
    fs::{File, TryLockError},
    ops::Deref,
};

/// A file that is locked as long as this lives, and the process does.
///
/// It is unlocked and not only closed: a process that is just being started has a copy of the
/// descriptor, until it becomes another program.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Locked {
    /// Locks `file`, without waiting for whoever has it.
    pub(super) fn new(file: File) -> Result<Self, TryLockError> {
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
