//! Points, and other small arrays, from files.

use std::{num::NonZeroUsize, path::Path};

use parzen_worker::samples::Samples;

use super::{
    Columns, CsvError, Error, Location, MAX_NUMBERS, NpyError, PointError, Points, csv, npy,
    open::{Format, format, open_text},
};

/// Reads the points in the file at `path` (`.npy`, `.csv` or `.tsv`), for samples of `d` numbers.
/// `columns` chooses among those of a text.
///
/// # Errors
///
/// See [`Error`]'s variants; [`Error::Points`] if they have another dimension.
pub fn read_points(
    path: &Path,
    columns: Option<&Columns>,
    d: NonZeroUsize,
) -> Result<Points, Error> {
    let (values, found) = read_numbers(path, columns)?;
    let points = match NonZeroUsize::new(found) {
        Some(found) if found == d => Points::new(values, d),
        _ => Err(PointError::Dimension { found, expected: d.get() }),
    };
    points.map_err(|source| Error::Points { path: path.to_owned(), source })
}

/// Reads the numbers in a file, row after row, and how many a row has. At most [`MAX_NUMBERS`].
pub(super) fn read_numbers(
    path: &Path,
    columns: Option<&Columns>,
) -> Result<(Vec<f64>, usize), Error> {
    let location = || Location::File(path.to_owned());
    match format(path)? {
        Format::Npy if columns.is_some() => Err(Error::Columns { location: location() }),
        Format::Npy => {
            read_npy(path).map_err(|source| Error::Npy { path: path.to_owned(), source })
        }
        Format::Text(delimiter) => {
            let mut values = Vec::new();
            let table = csv::read(open_text(path)?, delimiter, columns, |row| {
                if MAX_NUMBERS - values.len() < row.len() {
                    return Err(CsvError::TooMany { accepted: MAX_NUMBERS });
                }
                values.extend_from_slice(row);
                Ok(())
            })
            .map_err(|source| Error::Csv { location: location(), source })?;
            Ok((values, table.d))
        }
    }
}

fn read_npy(path: &Path) -> Result<(Vec<f64>, usize), NpyError> {
    let source = npy::source(path)?;
    // No overflow: the header's reader has seen that the bytes of these can be counted.
    let found = source.n * source.d;
    if MAX_NUMBERS < found {
        return Err(NpyError::TooMany { found, accepted: MAX_NUMBERS });
    }
    let samples = Samples::open(&source).map_err(NpyError::Map)?;
    Ok((samples.rows(0..source.n, &mut Vec::new()).to_vec(), source.d))
}

#[cfg(test)]
mod tests {
    use std::{error::Error as _, fs};

    use super::*;

    fn read(name: &str, bytes: &[u8], d: usize) -> Result<Vec<f64>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        match read_points(&path, None, NonZeroUsize::new(d).unwrap()) {
            Ok(points) => Ok(points.as_slice().to_vec()),
            Err(error) => {
                Err(error.source().map_or_else(|| error.to_string(), ToString::to_string))
            }
        }
    }

    fn npy(n: u64, d: u64, numbers: &[f64]) -> Vec<u8> {
        let mut bytes = npy::header_bytes(n, d);
        numbers.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        bytes
    }

    #[test]
    fn points_are_read_from_every_format() {
        let check = |name: &str, bytes: &[u8]| {
            assert_eq!(read(name, bytes, 2), Ok(vec![1.0, 2.0, 3.0, 4.0]), "{name}");
        };
        check("a.csv", b"x,y\n1,2\n3,4\n");
        check("a.tsv", b"1\t2\n3\t4\n");
        check("a.npy", &npy(2, 2, &[1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn other_points_are_refused() {
        let check = |name: &str, bytes: &[u8], message: &str| {
            assert_eq!(read(name, bytes, 2), Err(message.to_owned()), "{name}");
        };
        check("a.csv", b"1,2,3\n", "a point here has 3 numbers, but each sample has 2");
        check("a.csv", b"1,\n", "row 1 (line 1), column 2 is empty; a number should be there");
        check("a.npy", &npy(3, 1, &[1.0; 3]), "a point here has 1 number, but each sample has 2");
        check(
            "a.npy",
            &npy(2, 2, &[1.0, 2.0, f64::NAN, 4.0]),
            "point 2 has NaN as its number 1, but points are finite",
        );
        check("a.npy", b"", "this is no .npy file: it does not begin with `\\x93NUMPY`");
    }

    #[test]
    fn too_many_points_are_refused_before_they_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sparse.npy");
        fs::write(&path, npy(1 << 30, 2, &[])).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 35).unwrap();
        let error = read_points(&path, None, NonZeroUsize::MIN).unwrap_err();
        let expected = "it has 2147483648 numbers; at most 67108864 are accepted";
        assert_eq!(error.source().unwrap().to_string(), expected);
    }
}
