//! What to do about jobs that failed for good, and workers that do not start.

use std::error::Error;

use super::usage::is_typed;
use crate::pool::{self, StartError, WorkerProgram};

/// Lines of a worker's last words that are shown.
const LINES: usize = 5;

/// Hints for workers that cannot be started.
pub(super) fn start_hints(error: &StartError) -> Vec<String> {
    let words = match error {
        StartError::Ended { death, .. } => last_words(&death.stderr),
        _ => None,
    };
    words.into_iter().chain(start_hint(error).map(str::to_owned)).collect()
}

/// How to have another worker program: that this one is of the variable is said nowhere else.
fn program_hint() -> &'static str {
    if WorkerProgram::of_variable().is_some() && !is_typed("--worker-program") {
        "the program is that of the variable `PARZEN_WORKER`; `--worker-program` names another"
    } else {
        "`--worker-program` names another program"
    }
}

/// What helps where workers cannot be started.
fn start_hint(error: &StartError) -> Option<&'static str> {
    match error {
        StartError::Run { .. }
        | StartError::NoProgram(_)
        | StartError::Ended { .. }
        | StartError::Stranger { .. } => Some(program_hint()),
        StartError::OtherVersion { .. } => {
            Some("install `parzen` and `parzen-worker` together, of one version")
        }
        StartError::Descriptors { fit: 0, .. } => Some("raise `ulimit -n`"),
        StartError::Descriptors { .. } => Some("raise `ulimit -n`, or ask for fewer `--workers`"),
        StartError::Socket { .. } => Some("`TMPDIR` names another directory"),
        StartError::InsideWorker => Some("where no coordinator has set that variable, `unset` it"),
        StartError::TimedOut { .. } => Some("`--start-timeout` gives it longer"),
        _ => None,
    }
}

/// Hints for a job that crashed its workers or ran too long, or for which there are none.
pub(super) fn hints(error: &(dyn Error + 'static)) -> Vec<String> {
    let Some(error) = error.downcast_ref::<pool::Error>() else { return Vec::new() };
    let mut hints = Vec::new();
    if error.is_timeout() {
        hints.push("`--job-timeout` gives it longer".to_owned());
    }
    hints.extend(error.start_error().into_iter().flat_map(start_hints));
    if let Some(death) = error.exit() {
        if death.out_of_memory {
            hints.push("fewer `--workers`, or fewer `--chunk-rows`, need less memory".to_owned());
        }
        hints.extend(last_words(&death.stderr));
    }
    hints
}

/// What a worker wrote at last, unless it is the one line that the error has already.
fn last_words(stderr: &str) -> Option<String> {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    (1 < last.len()).then(|| format!("the worker's last words were `{}`", last.join("` `")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_told_if_there_is_more_than_the_last() {
        assert_eq!(last_words(""), None);
        assert_eq!(last_words("one\n\n"), None);
        assert_eq!(last_words("one\n\ntwo\n").unwrap(), "the worker's last words were `one` `two`");
        let many = "a\nb\nc\nd\ne\nf\n";
        assert_eq!(last_words(many).unwrap(), "the worker's last words were `b` `c` `d` `e` `f`");
    }
}
