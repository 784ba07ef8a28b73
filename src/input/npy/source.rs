//! From a `.npy` file to the [`Source`] that workers map.

use std::{
    fs::{self, File, Metadata},
    os::unix::fs::MetadataExt,
    path::Path,
};

use parzen_worker::samples::{Place, Source};

use super::{Header, NpyError};

/// Says where the samples in the file at `path` are. Only the header is read.
pub(crate) fn source(path: &Path) -> Result<Source, NpyError> {
    // Before opening, which would wait for somebody to write into a pipe.
    if !fs::metadata(path).map_err(NpyError::Read)?.is_file() {
        return Err(NpyError::NotRegular);
    }
    let file = File::open(path).map_err(NpyError::Read)?;
    let metadata = file.metadata().map_err(NpyError::Read)?;
    let header = Header::read(&file)?;
    let (needed, len) = (header.needed(), metadata.len());
    if len < needed {
        return Err(NpyError::Cut { needed, len });
    }
    Ok(Source {
        place: place(path, &metadata)?,
        offset: header.offset,
        element: header.element,
        order: header.order,
        n: header.n,
        d: header.d,
    })
}

fn place(path: &Path, metadata: &Metadata) -> Result<Place, NpyError> {
    Ok(Place::File {
        path: fs::canonicalize(path).map_err(NpyError::Read)?,
        device: metadata.dev(),
        inode: metadata.ino(),
        len: metadata.len(),
        modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
            + i128::from(metadata.mtime_nsec()),
    })
}
