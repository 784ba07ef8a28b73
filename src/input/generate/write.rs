//! Writing samples as they are made.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{Recipe, replace::replace};
use crate::input::{Error, npy};

/// Makes the samples of `recipe` and writes them to the file at `path`: as `.npy`, `.csv` or
/// `.tsv`, by its name.
///
/// The file appears when it is whole; one that was there before stays until then.
///
/// # Errors
///
/// Fails if the name ends in something else, or if the file cannot be written.
pub fn write_file(recipe: &Recipe, path: &Path) -> Result<(), Error> {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let written = match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("npy") => replace(path, |file| write_npy(recipe, file)),
        Some("csv") => replace(path, |file| write_text(recipe, b',', file)),
        Some("tsv") => replace(path, |file| write_text(recipe, b'\t', file)),
        _ => return Err(Error::Format { path: path.to_owned() }),
    };
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

/// Makes the samples of `recipe` and writes them as `.npy`: doubles in C order.
///
/// # Errors
///
/// Fails if `to` does.
pub fn write_npy(recipe: &Recipe, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    to.write_all(&npy::header_bytes(recipe.n().get(), recipe.d().get() as u64))?;
    recipe.each_row(|row| row.iter().try_for_each(|number| to.write_all(&number.to_le_bytes())))?;
    to.flush()
}

/// Makes the samples of `recipe` and writes them as text without a header, a row a line. Numbers
/// are as short as they can be and still be read back to the same bits.
///
/// # Errors
///
/// Fails if `to` does.
pub fn write_text(recipe: &Recipe, delimiter: u8, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    recipe.each_row(|row| {
        for (idx, number) in row.iter().enumerate() {
            if idx != 0 {
                to.write_all(&[delimiter])?;
            }
            write!(to, "{number:?}")?;
        }
        to.write_all(b"\n")
    })?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        num::{NonZeroU64, NonZeroUsize},
        os::unix::fs::symlink,
    };

    use super::{super::Distribution, *};
    use crate::input::points_file::read_numbers;

    fn recipe(seed: u64) -> Recipe {
        let d = NonZeroUsize::new(3).unwrap();
        Recipe::new(Distribution::Mixture { d }, NonZeroU64::new(500).unwrap(), seed).unwrap()
    }

    #[test]
    fn every_format_reads_back_to_the_same_bits() {
        let directory = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        recipe(1)
            .each_row(|row| -> io::Result<()> {
                expected.extend_from_slice(row);
                Ok(())
            })
            .unwrap();
        for name in ["a.npy", "a.csv", "a.TSV"] {
            let path = directory.path().join(name);
            write_file(&recipe(1), &path).unwrap();
            assert_eq!(read_numbers(&path, None).unwrap(), (expected.clone(), 3), "{name}");
        }
    }

    #[test]
    fn a_file_is_replaced_where_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("a.csv"), directory.path().join("link.csv"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        write_file(&recipe(1), &link).unwrap();
        assert!(link.is_symlink());
        assert_eq!(read_numbers(&file, None).unwrap().0.len(), 1500);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        let failure = replace(&path, |mut file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failure.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let check = |path: &str, message: &str| {
            let error = write_file(&recipe(1), Path::new(path)).unwrap_err();
            assert_eq!(error.to_string(), message);
        };
        check("a.txt", "cannot tell the format of `a.txt`: accepted are .npy, .csv and .tsv");
        check("/nowhere/a.csv", "failed to write `/nowhere/a.csv`");
    }
}
