//! What to do about a job that failed for good.

use std::error::Error;

use crate::pool;

/// Lines of a worker's last words that are shown.
const LINES: usize = 5;

/// Hints for a job that crashed its workers or ran too long.
pub(super) fn hints(error: &(dyn Error + 'static)) -> Vec<String> {
    let Some(error) = error.downcast_ref::<pool::Error>() else { return Vec::new() };
    let mut hints = Vec::new();
    if error.is_timeout() {
        hints.push("`--job-timeout` gives it longer".to_owned());
    }
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
