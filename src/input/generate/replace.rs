//! Files that are there as a whole or not at all.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Lets `write` fill a new file beside `path`, which then takes its place. If anything fails, what
/// was at `path` is still there.
pub(super) fn replace(path: &Path, write: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    match fs::metadata(path) {
        // A device or a pipe is written to; it should not be replaced by a file.
        Ok(metadata) if !metadata.is_file() => write(&OpenOptions::new().write(true).open(path)?),
        // The file that a link leads to is replaced, and not the link.
        Ok(metadata) => replace_file(&fs::canonicalize(path)?, metadata.permissions(), write),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            replace_file(path, Permissions::from_mode(0o666), write)
        }
        Err(error) => Err(error),
    }
}

fn replace_file(
    path: &Path,
    permissions: Permissions,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    let mut temporary = tempfile::Builder::new();
    temporary.prefix(".parzen-").suffix(".tmp").permissions(permissions);
    let temporary = temporary.tempfile_in(directory)?;
    write(temporary.as_file())?;
    temporary.persist(path)?;
    Ok(())
}
