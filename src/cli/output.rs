//! Where results go.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal, StdoutLock, Write},
    path::{Path, PathBuf},
};

use super::failure::{Failure, OutputError};
use crate::{
    atomic_file::{self, AtomicFile},
    estimate::{Registration, Stop},
};

/// A format that a file's name can ask for.
pub(crate) trait FileFormat: Sized {
    /// What there is without a name.
    const TABLE: Self;

    /// All extensions, as a hint lists them.
    const EXTENSIONS: &'static str;

    /// The format that a file's name asks for by its extension.
    fn of_file(path: &Path) -> Option<Self>;
}

/// `-o`: standard output if it is `-` or not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Stdout,
    File(PathBuf),
}

/// Whether two paths name one file, however they are spelled, and whether it is there or not.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    atomic_file::resolved(one) == atomic_file::resolved(other)
}

/// A file, and the option that names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    pub(crate) option: &'static str,
    pub(crate) path: &'a Path,
}

impl<'a> Named<'a> {
    /// The file of `option`, if it names one: `-` is none.
    pub(crate) fn new(option: &'static str, path: Option<&'a PathBuf>) -> Option<Self> {
        let path = path.filter(|path| path.as_os_str() != "-")?;
        Some(Self { option, path })
    }
}

/// Refuses a file to be written that another option names too, to be written or to be read.
pub(crate) fn check_files<'a>(
    written: impl IntoIterator<Item = Named<'a>>,
    read: impl IntoIterator<Item = Named<'a>>,
) -> Result<(), Failure> {
    // What is no regular file is not replaced by what is written to it.
    let mut others: Vec<_> = read.into_iter().filter(|file| file.path.is_file()).collect();
    // Nothing in it can be replaced.
    let is_null = |file: &Named<'_>| is_same_file(file.path, Path::new("/dev/null"));
    for file in written.into_iter().filter(|file| !is_null(file)) {
        if let Some(other) = others.iter().find(|other| is_same_file(other.path, file.path)) {
            let reason = format!("`{}` is the file of `{}` too", file.path.display(), other.option);
            return Err(Failure::invalid(file.option, reason));
        }
        others.push(file);
    }
    Ok(())
}

impl Destination {
    pub(crate) fn new(path: Option<PathBuf>) -> Self {
        match path {
            Some(path) if path.as_os_str() != "-" => Self::File(path),
            Some(_) | None => Self::Stdout,
        }
    }

    /// The format asked for, or else the one of the file's extension, or else a table.
    pub(crate) fn format<F: FileFormat>(&self, asked: Option<F>) -> Result<F, Failure> {
        match (asked, self) {
            (Some(format), _) => Ok(format),
            (None, Self::Stdout) => Ok(F::TABLE),
            (None, Self::File(path)) => F::of_file(path).ok_or_else(|| {
                let error = OutputError::UnknownExtension { name: self.to_string() };
                let extensions = F::EXTENSIONS;
                Failure::from(error).hint(format!("name it {extensions}, or give `--format`"))
            }),
        }
    }

    /// Whether what is written can be seen at once.
    pub(crate) fn is_terminal(&self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::File(_) => false,
        }
    }

    /// Opens it. `kill` is what is raised before the program ends without dropping anything.
    pub(crate) fn open(&self, kill: &Stop) -> Result<Output, OutputError> {
        match self {
            Self::Stdout => Ok(Output::Stdout(BufWriter::new(io::stdout().lock()))),
            Self::File(path) => {
                let file = AtomicFile::create(path)
                    .map_err(|source| OutputError::Create { name: self.to_string(), source })?;
                let temporary = file.temporary().map(Path::to_owned);
                let cleanup = kill.on_raise(move |_| {
                    // Nothing can be told any more if this fails.
                    let _ = temporary.map(std::fs::remove_file);
                });
                Ok(Output::File { file, _cleanup: cleanup })
            }
        }
    }

    /// What to call an error of writing to it.
    pub(crate) fn write_error(&self, source: io::Error) -> OutputError {
        OutputError::Write { name: self.to_string(), source }
    }
}

/// What errors call it.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// An opened [`Destination`]. A file is seen only after [`commit`](Self::commit).
#[derive(Debug)]
pub(crate) enum Output {
    Stdout(BufWriter<StdoutLock<'static>>),
    File { file: AtomicFile, _cleanup: Registration },
}

impl Output {
    /// Makes what was written final.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::File { file, .. } => file.commit(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File { file, .. } => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::format::Format;

    #[test]
    fn a_file_is_the_same_by_any_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        assert!(is_same_file(&path("x.csv"), &path("./x.csv")), "not there yet");
        assert!(is_same_file(Path::new("x"), Path::new("./x")));
        std::fs::write(path("x.csv"), "").unwrap();
        std::os::unix::fs::symlink(path("x.csv"), path("link")).unwrap();
        assert!(is_same_file(&path("x.csv"), &path("link")));
        assert!(!is_same_file(&path("x.csv"), &path("y.csv")));
        assert!(!is_same_file(&path("none/x"), &path("none/y")));

        let link = |target: &str, name: &str| {
            std::os::unix::fs::symlink(target, path(name)).unwrap();
        };
        link("z.csv", "dangling");
        link("dangling", "second");
        assert!(is_same_file(&path("second"), &path("z.csv")), "where it will be");
        assert!(!is_same_file(&path("second"), &path("y.csv")));
        link("round", "round");
        assert!(!is_same_file(&path("round"), &path("z.csv")));
    }

    #[test]
    fn no_file_is_written_that_another_option_names() {
        let directory = tempfile::tempdir().unwrap();
        let (data, new) = (directory.path().join("s.csv"), directory.path().join("new.csv"));
        std::fs::write(&data, "1\n").unwrap();
        let named = |option, path| Named::new(option, Some(path));
        let check = |written: [Option<Named<'_>>; 2], read: Option<Named<'_>>| {
            check_files(written.into_iter().flatten(), read).map_err(|failure| failure.to_string())
        };
        let output = named("--output", &new);
        assert_eq!(check([output, None], named("SAMPLES", &data)), Ok(()));
        let error = check([output, named("--trace", &data)], named("SAMPLES", &data)).unwrap_err();
        assert!(
            error.contains("`--trace`") && error.contains("s.csv` is the file of `SAMPLES` too")
        );
        let error = check([output, named("--trace", &new)], None).unwrap_err();
        assert!(error.contains("`--trace`") && error.contains("is the file of `--output` too"));
        let null = PathBuf::from("/dev/null");
        assert_eq!(check([named("--output", &null), None], named("SAMPLES", &null)), Ok(()));
        let both = [named("--output", &null), named("--trace", &null)];
        assert_eq!(check(both, None), Ok(()));
        let dash = PathBuf::from("-");
        assert_eq!(check([named("--output", &dash), named("--trace", &dash)], None), Ok(()));
    }

    #[test]
    fn the_file_says_the_format_unless_it_is_asked_for() {
        let file = |name| Destination::new(Some(PathBuf::from(name)));
        for (destination, asked, expected) in [
            (Destination::new(None), None, Some(Format::Table)),
            (file("-"), None, Some(Format::Table)),
            (file("-"), Some(Format::Csv), Some(Format::Csv)),
            (file("x.csv"), None, Some(Format::Csv)),
            (file("x.csv"), Some(Format::Json), Some(Format::Json)),
            (file("x"), Some(Format::Json), Some(Format::Json)),
            (file("x.xml"), None, None),
        ] {
            assert_eq!(destination.format(asked).ok(), expected, "{destination:?} {asked:?}");
        }
    }
}
