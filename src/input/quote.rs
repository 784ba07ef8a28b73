//! How messages show what came from outside.

use std::{fmt, path::Path};

/// Longest text shown whole.
const SHOWN: usize = 60;

/// A text in backticks, on one line, without control characters, cut if it is long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        for (idx, character) in self.0.chars().enumerate() {
            if idx == SHOWN {
                f.write_str("…")?;
                break;
            }
            write_printable(f, character)?;
        }
        f.write_str("`")
    }
}

/// A path in backticks, whole, on one line, without control characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotedPath<'a>(pub &'a Path);

impl fmt::Display for QuotedPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`")?;
        self.0.to_string_lossy().chars().try_for_each(|character| write_printable(f, character))?;
        f.write_str("`")
    }
}

fn write_printable(f: &mut fmt::Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '\'' | '"' | '\\' => write!(f, "{character}"),
        other => write!(f, "{}", other.escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_one_short_line() {
        let check = |text: &str, shown: &str| assert_eq!(Quoted(text).to_string(), shown);
        check("abc", "`abc`");
        check("a\nb\u{1b}[31m", "`a\\nb\\u{1b}[31m`");
        check("it's \"x\"", "`it's \"x\"`");
        check(&"x".repeat(60), &format!("`{}`", "x".repeat(60)));
        check(&"x".repeat(61), &format!("`{}…`", "x".repeat(60)));
    }

    #[test]
    fn a_quoted_path_is_whole() {
        let long = "d/".repeat(60);
        assert_eq!(QuotedPath(Path::new(&long)).to_string(), format!("`{long}`"));
    }
}
