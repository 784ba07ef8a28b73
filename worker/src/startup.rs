//! The first moments of a worker program.
#![expect(unsafe_code, reason = "closing descriptors and changing the environment are unsafe")]

use std::{
    env,
    error::Error,
    io::{self, Write},
    os::fd::RawFd,
};

use crate::protocol::{Invitation, InvitationError};

/// Takes this process's invitation out of the environment, so that programs started by tasks do not
/// find it, and closes every descriptor but the standard three.
///
/// A pool makes none that its workers inherit, but the program it is part of may, or may have been
/// started with some.
///
/// # Errors
///
/// Fails if this process was not started as a worker.
///
/// # Safety
///
/// Must be the first thing `main` does: no other thread may run, and nothing may own a descriptor
/// above 2 yet.
pub unsafe fn take_invitation() -> Result<Invitation, InvitationError> {
    let invitation = Invitation::from_env()?;
    // SAFETY: the caller promises that no other thread runs, so none reads the environment.
    unsafe { env::remove_var(Invitation::VARIABLE) };
    for fd in inherited() {
        // SAFETY: the caller promises that nothing owns a descriptor above 2. The one that listed
        // them is closed already, and closing it again only fails.
        unsafe { rustix::io::try_close(fd) }.ok();
    }
    Ok(invitation)
}

fn inherited() -> Vec<RawFd> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| name.parse().ok()).filter(|&fd| 2 < fd).collect()
}

/// Writes an error and its causes as one line to standard error, where the coordinator reads it.
pub fn complain(error: &dyn Error) {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    let line = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    // Without a standard error there is nobody to tell.
    let _ = writeln!(io::stderr(), "error: {line}");
}
