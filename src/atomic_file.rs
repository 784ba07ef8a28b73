//! A file that appears whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, Permissions},
    io::{self, BufWriter, Write},
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    process,
};

use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags},
    io::Errno,
};
use tempfile::TempPath;

/// An output file. Until [`commit`](Self::commit) nothing of it can be seen under its name, and
/// what was there before stays; without it, nothing is left.
#[derive(Debug)]
pub(crate) struct AtomicFile {
    writer: BufWriter<File>,
    target: PathBuf,
    staging: Staging,
}

#[derive(Debug)]
enum Staging {
    /// Has no name yet, so that even a kill leaves nothing behind.
    Nameless,
    /// Has another name beside it, where the file system knows no nameless files.
    Beside(TempPath),
    /// A terminal, a pipe, `/dev/null`: must not be replaced, and cannot be half a file.
    Device,
}

impl AtomicFile {
    /// Begins the file that will be `path`. A symbolic link stays one: what it names is replaced.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let existing = match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Some(metadata),
            Ok(_) => return Self::open_device(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let is_elsewhere = existing.is_some() || path.is_symlink();
        let target = if is_elsewhere { resolved(path) } else { path.to_owned() };
        let (file, staging) = stage(directory(&target))?;
        keep_mode(&file, existing.as_ref())?;
        Ok(Self { writer: BufWriter::new(file), target, staging })
    }

    fn open_device(path: &Path) -> io::Result<Self> {
        let file = File::options().write(true).open(path)?;
        let target = path.to_owned();
        Ok(Self { writer: BufWriter::new(file), target, staging: Staging::Device })
    }

    /// The file that must be removed if this is never dropped.
    pub(crate) fn temporary(&self) -> Option<&Path> {
        match &self.staging {
            Staging::Beside(path) => Some(path),
            Staging::Nameless | Staging::Device => None,
        }
    }

    /// Gives the file its name, in place of what had it.
    pub(crate) fn commit(self) -> io::Result<()> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        match self.staging {
            Staging::Nameless => link(&file, &self.target),
            Staging::Beside(temporary) => temporary.persist(&self.target).map_err(|e| e.error),
            Staging::Device => Ok(()),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    /// Does nothing but for devices: nobody can look before `commit`.
    fn flush(&mut self) -> io::Result<()> {
        match self.staging {
            Staging::Nameless | Staging::Beside(_) => Ok(()),
            Staging::Device => self.writer.flush(),
        }
    }
}

/// As many symbolic links as the system follows.
const MAX_LINKS: usize = 40;

/// Where a file of this name is, or will be once it is made: behind all symbolic links.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        if let Ok(existing) = path.canonicalize() {
            return existing;
        }
        // A link may lead to a file that is not there yet.
        let Ok(target) = path.read_link() else { break };
        path = path.parent().unwrap_or_else(|| Path::new("")).join(target);
    }
    match (directory(&path).canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        // There will be no such file.
        _ => path,
    }
}

fn directory(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

fn stage(directory: &Path) -> io::Result<(File, Staging)> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    match rustix::fs::open(directory, flags, Mode::from_raw_mode(0o666)) {
        Ok(fd) => Ok((fd.into(), Staging::Nameless)),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            let mut named = tempfile::Builder::new();
            let named = named.prefix(".parzen-").permissions(Permissions::from_mode(0o666));
            let named = named.tempfile_in(directory)?;
            let (file, path) = named.into_parts();
            Ok((file, Staging::Beside(path)))
        }
        Err(error) => Err(error.into()),
    }
}

fn keep_mode(file: &File, existing: Option<&Metadata>) -> io::Result<()> {
    existing.map_or(Ok(()), |metadata| file.set_permissions(metadata.permissions()))
}

/// Names a nameless file. A name that exists cannot be linked over, only renamed over.
fn link(file: &File, target: &Path) -> io::Result<()> {
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    let link_to = |name: &Path| {
        rustix::fs::linkat(CWD, nameless.as_str(), CWD, name, AtFlags::SYMLINK_FOLLOW)
    };
    match link_to(target) {
        Err(Errno::EXIST) => {}
        result => return Ok(result?),
    }
    let beside = beside(target);
    link_to(&beside)?;
    fs::rename(&beside, target).inspect_err(|_| {
        // The rename's error is the one to tell.
        let _ = fs::remove_file(&beside);
    })
}

fn beside(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}", process::id()));
    target.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(directory: &Path) -> Vec<OsString> {
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn a_file_appears_on_commit_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.csv");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"one").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(directory.path()), ["x.csv"]);
    }

    #[test]
    fn what_was_there_stays_until_commit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.csv");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();

        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");

        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(names(directory.path()), ["x.csv"]);
    }

    #[test]
    fn a_link_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("x"), directory.path().join("link"));
        fs::write(&path, "old").unwrap();
        symlink(&path, &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_yet_stays_a_link() {
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("x"), directory.path().join("link"));
        symlink("second", &link).unwrap();
        symlink("x", directory.path().join("second")).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(link.is_symlink());
        assert!(path.is_file() && !path.is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_device_is_not_replaced() {
        let mut file = AtomicFile::create(Path::new("/dev/null")).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn a_missing_or_wrong_directory_is_told_at_once() {
        let directory = tempfile::tempdir().unwrap();
        assert!(AtomicFile::create(&directory.path().join("none/x.csv")).is_err());
        assert!(AtomicFile::create(directory.path()).is_err());
    }
}
