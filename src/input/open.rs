//! From what was asked for to samples that every worker can map.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use parzen_worker::{samples::Source, shared::Segment};

use super::{
    Columns, CsvError, Error, Location, NOTEBOOK_D, NOTEBOOK_N, NotebookStream,
    csv::{self, Delimiter},
    npy,
};

/// Bytes collected before they are written to shared memory.
const BUFFER: usize = 1 << 20;

/// Which samples are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SampleSpec {
    /// Where they are.
    pub location: Location,
    /// Which columns of a text to read; all if there are none here.
    pub columns: Option<Columns>,
}

/// Samples, ready to be mapped by any process of this user.
#[derive(Debug)]
pub struct Input {
    /// Where they are and how they lie there.
    pub source: Source,
    /// The memory they are in, if it is not a file. They are gone when this is dropped.
    pub segment: Option<Segment>,
    /// Names of the columns, if the text has a header.
    pub names: Option<Vec<String>>,
    /// Where they came from; messages name them so.
    pub location: Location,
}

/// Opens samples: reads text and draws the notebook's once into shared memory, and leaves a `.npy`
/// file where it is, having read its header only. Blocks until standard input ends.
///
/// Every number of a text is finite. Those of a `.npy` file have not been looked at.
///
/// # Errors
///
/// See [`Error`]'s variants.
///
/// # Examples
///
/// ```
/// use parzen::input::{SampleSpec, open};
///
/// let notebook = open(&SampleSpec::default())?;
/// assert_eq!((notebook.source.n, notebook.source.d), (10_000, 2));
/// # Ok::<(), parzen::input::Error>(())
/// ```
pub fn open(spec: &SampleSpec) -> Result<Input, Error> {
    let SampleSpec { location, columns } = spec;
    let refused = || Err(Error::Columns { location: location.clone() });
    match location {
        Location::Notebook if columns.is_some() => refused(),
        Location::Notebook => notebook(),
        Location::StandardInput => {
            text(location, io::stdin().lock(), Delimiter::Guess, columns.as_ref())
        }
        Location::File(path) => match format(path)? {
            Format::Npy if columns.is_some() => refused(),
            Format::Npy => {
                let source = npy::source(path)
                    .map_err(|source| Error::Npy { path: path.clone(), source })?;
                Ok(Input { source, segment: None, names: None, location: location.clone() })
            }
            Format::Text(delimiter) => {
                text(location, open_text(path)?, delimiter, columns.as_ref())
            }
        },
    }
}

/// How a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Npy,
    Text(Delimiter),
}

/// Tells from its name how the file at `path` is to be read, once it is sure that it is there.
pub(super) fn format(path: &Path) -> Result<Format, Error> {
    let failed = |source| Error::Open { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("npy") => Ok(Format::Npy),
        Some("csv") => Ok(Format::Text(Delimiter::Comma)),
        Some("tsv") => Ok(Format::Text(Delimiter::Tab)),
        _ => Err(Error::Format { path: path.to_owned() }),
    }
}

pub(super) fn open_text(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })
}

fn notebook() -> Result<Input, Error> {
    let samples = NotebookStream::new().samples(NOTEBOOK_N);
    let location = Location::Notebook;
    let segment = Segment::from_bytes(bytemuck::cast_slice(&samples))
        .map_err(|source| Error::Share { location: location.clone(), source })?;
    Ok(in_memory(segment, NOTEBOOK_N, NOTEBOOK_D, None, location))
}

fn text(
    location: &Location,
    reader: impl Read,
    delimiter: Delimiter,
    columns: Option<&Columns>,
) -> Result<Input, Error> {
    let share = |source| Error::Share { location: location.clone(), source };
    let mut writer = BufWriter::with_capacity(BUFFER, Segment::writer().map_err(share)?);
    let table = csv::read(reader, delimiter, columns, |row| {
        writer.write_all(bytemuck::cast_slice(row)).map_err(CsvError::Store)
    })
    .map_err(|source| Error::Csv { location: location.clone(), source })?;
    let writer = writer.into_inner().map_err(|error| share(error.into_error()))?;
    let segment = writer.finish().map_err(share)?;
    Ok(in_memory(segment, table.n, table.d, table.names, location.clone()))
}

fn in_memory(
    segment: Segment,
    n: usize,
    d: usize,
    names: Option<Vec<String>>,
    location: Location,
) -> Input {
    let source = Source::in_segment(segment.reference(), n, d);
    Input { source, segment: Some(segment), names, location }
}

#[cfg(test)]
mod tests {
    use std::{error, iter, os::unix::fs::PermissionsExt, path::PathBuf};

    use parzen_worker::samples::Samples;
    use tempfile::TempDir;

    use super::*;

    fn file(directory: &TempDir, name: &str, bytes: &[u8]) -> Location {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        Location::File(path)
    }

    fn open_all(location: Location, columns: Option<&str>) -> Result<Input, Error> {
        open(&SampleSpec { location, columns: columns.map(|typed| typed.parse().unwrap()) })
    }

    /// All that is printed about an error, with the directory's name shortened.
    fn message(error: &Error, directory: &TempDir) -> String {
        let chain = iter::successors(Some(error as &dyn error::Error), |error| error.source());
        let parts: Vec<String> = chain.map(ToString::to_string).collect();
        parts.join(": ").replace(directory.path().to_str().unwrap(), "DIR")
    }

    fn rows(input: &Input) -> Vec<f64> {
        let samples = Samples::open(&input.source).unwrap();
        samples.rows(0..samples.n(), &mut Vec::new()).to_vec()
    }

    #[test]
    fn every_kind_of_samples_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let check = |location: Location, columns: Option<&str>, names: Option<&[&str]>| {
            let input = open_all(location.clone(), columns).unwrap();
            assert_eq!((input.source.n, input.source.d), (2, 2));
            assert_eq!(rows(&input), [1.0, 2.0, 3.0, 4.0]);
            assert_eq!(input.location, location);
            let names: Option<Vec<String>> =
                names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
            assert_eq!(input.names, names);
        };
        check(file(&directory, "a.csv", b"1,2\n3,4\n"), None, None);
        check(file(&directory, "b.CSV", b"y,x\n2,1\n4,3\n"), Some("x,y"), Some(&["x", "y"]));
        check(file(&directory, "c.tsv", b"x\ty\n1\t2\n3\t4\n"), None, Some(&["x", "y"]));
        let mut npy = npy::header_bytes(2, 2);
        [1.0f64, 2.0, 3.0, 4.0].iter().for_each(|number| npy.extend(number.to_le_bytes()));
        check(file(&directory, "d.npy", &npy), None, None);
    }

    #[test]
    fn standard_input_is_text() {
        let input =
            text(&Location::StandardInput, &b"x\ty\n1\t2\n"[..], Delimiter::Guess, None).unwrap();
        assert_eq!(rows(&input), [1.0, 2.0]);
    }

    #[test]
    fn a_text_larger_than_the_buffer_is_whole() {
        let numbers: Vec<f64> = (0..200_000).map(f64::from).collect();
        let text: String = numbers.iter().map(|number| format!("{number}\n")).collect();
        let directory = tempfile::tempdir().unwrap();
        let input = open_all(file(&directory, "a.csv", text.as_bytes()), None).unwrap();
        assert_eq!(rows(&input), numbers);
    }

    #[test]
    fn without_a_path_the_samples_are_the_notebooks() {
        let input = open(&SampleSpec::default()).unwrap();
        assert_eq!((input.source.n, input.source.d), (NOTEBOOK_N, NOTEBOOK_D));
        assert_eq!(rows(&input)[..2], [-1.0856306033005612, 0.9973454465835858]);
    }

    #[test]
    fn what_cannot_be_opened_is_named_in_one_line() {
        let directory = tempfile::tempdir().unwrap();
        let check = |location: Location, columns: Option<&str>, expected: &str| {
            let error = open_all(location, columns).unwrap_err();
            assert_eq!(message(&error, &directory), expected);
        };
        let absent = |name: &str| Location::File(directory.path().join(name));
        check(
            absent("no.csv"),
            None,
            "failed to open `DIR/no.csv`: No such file or directory (os error 2)",
        );
        check(
            Location::File(directory.path().into()),
            None,
            "failed to open `DIR`: is a directory",
        );
        check(
            file(&directory, "a.parquet", b""),
            None,
            "cannot tell the format of `DIR/a.parquet`: accepted are .npy, .csv and .tsv",
        );
        check(
            file(&directory, "x\n.csv", b"1,2\n3,four\n"),
            None,
            "failed to read `DIR/x\\n.csv`: row 2 (line 2), column 2 is `four`; a number should be \
             there",
        );
        check(
            file(&directory, "b.npy", b"1,2\n3,4\n"),
            None,
            "failed to read `DIR/b.npy`: this is no .npy file: it does not begin with `\\x93NUMPY`",
        );
        check(
            file(&directory, "c.csv", b"x,y\n1,2\n"),
            Some("z"),
            "failed to read `DIR/c.csv`: there is no column `z`: there are `x`, `y`",
        );
        check(
            file(&directory, "d.npy", b""),
            Some("1"),
            "cannot choose columns of `DIR/d.npy`: only of .csv, .tsv and standard input",
        );
        check(
            Location::Notebook,
            Some("1"),
            "cannot choose columns of the notebook's samples: only of .csv, .tsv and standard input",
        );
    }

    #[test]
    fn a_file_without_permission_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let location = file(&directory, "a.csv", b"1\n");
        let path = directory.path().join("a.csv");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
        // Permissions do not stop the superuser.
        if File::open(&path).is_err() {
            let error = open_all(location, None).unwrap_err();
            let expected = "failed to open `DIR/a.csv`: Permission denied (os error 13)";
            assert_eq!(message(&error, &directory), expected);
        }
    }

    #[test]
    fn a_hint_fits_what_was_found() {
        let hint = |text: &str| {
            let text = text.as_bytes();
            let result = super::text(&Location::StandardInput, text, Delimiter::Guess, None);
            result.unwrap_err().hint()
        };
        assert!(hint("x;y\n1;2\n").unwrap().starts_with("fields are separated by commas"));
        assert!(hint("1 2\n3 4\n").unwrap().starts_with("fields are separated by commas"));
        assert!(hint("1,a\n").unwrap().starts_with("`--columns` chooses"));
        assert_eq!(hint(""), None);
    }

    #[test]
    fn an_argument_says_where_samples_are() {
        let check = |typed: Option<&str>, location: Location| {
            assert_eq!(Location::from(typed.map(PathBuf::from)), location);
        };
        check(None, Location::Notebook);
        check(Some("-"), Location::StandardInput);
        check(Some("./-"), Location::File("./-".into()));
    }
}
