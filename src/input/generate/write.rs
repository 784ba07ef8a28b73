//! Writing samples as they are made.

use std::io::{self, BufWriter, Write};

use super::Recipe;
use crate::input::npy;

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
        fs::File,
        num::{NonZeroU64, NonZeroUsize},
    };

    use super::{super::Distribution, *};
    use crate::input::points_file::read_numbers;

    #[test]
    fn every_format_reads_back_to_the_same_bits() {
        let directory = tempfile::tempdir().unwrap();
        let d = NonZeroUsize::new(3).unwrap();
        let n = NonZeroU64::new(500).unwrap();
        let recipe = Recipe::new(Distribution::Mixture { d }, n, 1).unwrap();
        let mut expected = Vec::new();
        recipe
            .each_row(|row| -> io::Result<()> {
                expected.extend_from_slice(row);
                Ok(())
            })
            .unwrap();
        let check = |name: &str, write: fn(&Recipe, File) -> io::Result<()>| {
            let path = directory.path().join(name);
            write(&recipe, File::create(&path).unwrap()).unwrap();
            assert_eq!(read_numbers(&path, None).unwrap(), (expected.clone(), 3), "{name}");
        };
        check("a.npy", write_npy);
        check("a.csv", |recipe, file| write_text(recipe, b',', file));
        check("a.TSV", |recipe, file| write_text(recipe, b'\t', file));
    }
}
