//! Makes files that are nobody else's, whatever the umask of the process.
#![expect(
    unsafe_code,
    reason = "to part a thread from the others is unsafe; only this module does it"
)]

use std::{io, panic::resume_unwind, thread};

use rustix::{
    fs::Mode,
    process::umask,
    thread::{UnshareFlags, unshare_unsafe},
};

/// Runs `make` where only this user gets a right to the files it makes. Waits for its end.
///
/// The umask belongs to the whole process, whose other threads may be making files of their own: so
/// this is done on a thread that has one for itself. Where a system does not allow that, as some
/// containers do not, files are made as the process's umask says.
pub(super) fn privately<T: Send>(make: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let apart = || {
            // SAFETY: only the umask and the current directory are parted from those of the other
            // threads. No descriptors are, which is what makes this call unsafe with other flags.
            if unsafe { unshare_unsafe(UnshareFlags::FS) }.is_ok() {
                umask(Mode::RWXG | Mode::RWXO);
            }
            make()
        };
        let thread = thread::Builder::new().name("pool-private".to_owned());
        let made = thread.spawn_scoped(scope, apart)?.join();
        Ok(made.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn what_is_made_is_nobody_elses_and_the_umask_stays() {
        let home = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = home.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::metadata(path).unwrap().permissions().mode() & 0o777
        };
        let before = make("before");
        assert_eq!(privately(|| make("private")).unwrap(), 0o700);
        assert_eq!(make("after"), before);
    }
}
