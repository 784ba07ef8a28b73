//! What went wrong, as the user is told.

use std::{error::Error, fmt, io};

use nix::errno::Errno;

use super::Exit;

/// An error on its way to the user: why, what to do, and how the program ends.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    error: Box<dyn Error + Send + Sync>,
    hints: Vec<String>,
}

/// Why output could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    #[error("failed to create {name}")]
    Create { name: String, source: io::Error },
    #[error("failed to write {name}")]
    Write { name: String, source: io::Error },
    #[error("cannot tell the format of {name} from its name")]
    UnknownExtension { name: String },
}

/// A value that could be parsed, but does not fit the rest.
#[derive(Debug, thiserror::Error)]
#[error("invalid `{option}`")]
struct Invalid {
    option: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

impl Failure {
    /// The value of `option` does not fit.
    pub(crate) fn invalid(
        option: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::new(Exit::Usage, Invalid { option, source: source.into() })
    }

    pub(crate) fn new(exit: Exit, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let error = error.into();
        let hints = shortage_hint(&*error).map(str::to_owned).into_iter().collect();
        Self { exit, error, hints }
    }

    /// Adds those hints that there are.
    pub(crate) fn hints(mut self, hints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Create { .. } => Self::new(Exit::Data, error),
            OutputError::Write { .. } => Self::new(Exit::Unexpected, error),
            OutputError::UnknownExtension { .. } => Self::new(Exit::Usage, error),
        }
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What helps against a shortage that can befall whatever opens a file.
fn shortage_hint(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut codes =
        causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
    codes.any(|code| Errno::from_raw(code) == Errno::EMFILE).then_some("raise `ulimit -n`")
}

/// `error: …` with all its causes on one line, then a line for each hint.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: ")?;
        for (depth, error) in causes(&*self.error).enumerate() {
            let separator = if depth == 0 { "" } else { ": " };
            write!(f, "{separator}{}", one_line(&error.to_string()))?;
        }
        for hint in &self.hints {
            write!(f, "\nhint: {}", one_line(hint))?;
        }
        writeln!(f)
    }
}

/// Names of files and columns may hold anything, and a terminal obeys some of it.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.trim_end().chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

/// Whether the reader of standard output has gone, which is its right.
pub(crate) fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_share_a_line_and_hints_follow() {
        let source = io::Error::other("no\nspace");
        let failure = Failure::from(OutputError::Write { name: "`a\tb`".to_owned(), source });
        let failure = failure.hint("buy a disk");
        let expected = "error: failed to write `a\\tb`: no\\nspace\nhint: buy a disk\n";
        assert_eq!(failure.to_string(), expected);
        assert_eq!(failure.exit, Exit::Unexpected);
    }
}
