//! Mistakes on the command line, told in the same way as all others.

use std::{
    env,
    io::{self, Write},
};

use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Exit, Failure, args::Args};

/// Whatever kept the arguments from being parsed: help and version, which are no errors, are
/// printed here; the rest comes back.
pub(crate) fn explain(error: clap::Error) -> Result<Exit, Failure> {
    let error = &name_option(error);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nobody is left to be told that the help could not be printed.
            let _ = error.print().and_then(|()| io::stdout().flush());
            Ok(Exit::Done)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Ok(Exit::Usage)
        }
        _ => Err(failure(&error.render().to_string()).hints(variable(error))),
    }
}

/// An error that names the option whose value is not UTF-8, which clap does not do: made legible, it
/// is refused for what it says.
fn name_option(error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidUtf8 {
        return error;
    }
    let legible = env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    Args::try_parse_from(legible).err().unwrap_or(error)
}

/// Whether `option` was typed, as far as can be told without its command.
pub(super) fn is_typed(option: &str) -> bool {
    env::args_os().any(|arg| arg.as_encoded_bytes().starts_with(option.as_bytes()))
}

/// Where the value came from, if not from what was typed: that option is named nowhere else.
fn variable(error: &clap::Error) -> Option<&'static str> {
    const CHAOS: &str = "PARZEN_CHAOS";
    let value = env::var_os(CHAOS).filter(|_| !is_typed("--chaos"))?;
    let is_chaos = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.starts_with("--chaos"),
        _ => error.kind() == ErrorKind::InvalidUtf8 && value.to_str().is_none(),
    };
    is_chaos.then_some("the value is that of the variable `PARZEN_CHAOS`")
}

/// Turns clap's page into a line and hints.
fn failure(page: &str) -> Failure {
    let mut paragraphs = page.split("\n\n");
    let first = join(paragraphs.next().unwrap_or_default());
    let message = first.strip_prefix("error: ").unwrap_or(&first);
    let mut failure = Failure::new(Exit::Usage, message);
    for line in paragraphs.flat_map(str::lines).map(str::trim) {
        if let Some(tip) = line.strip_prefix("tip: ") {
            failure = failure.hint(tip);
        } else if let Some(usage) = line.strip_prefix("Usage: ") {
            failure = failure.hint(format!("usage: {usage}"));
        }
    }
    failure.hint("for more, try `--help`")
}

fn join(paragraph: &str) -> String {
    let mut lines = paragraph.lines().map(str::trim);
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        // The list of missing arguments follows a colon.
        text.push_str(if text.ends_with(':') || line.starts_with('[') { " " } else { ", " });
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expected: &str) {
        assert_eq!(failure(page).to_string(), expected);
    }

    #[test]
    fn choices_stay_on_the_line() {
        check(
            "error: invalid value 'x' for '--order <ORDER>'\n  [possible values: width]\n\n  \
             tip: a similar value exists: 'width'\n\nFor more information, try '--help'.\n",
            "error: invalid value 'x' for '--order <ORDER>' [possible values: width]\n\
             hint: a similar value exists: 'width'\nhint: for more, try `--help`\n",
        );
    }

    #[test]
    fn missing_arguments_are_listed() {
        check(
            "error: the following required arguments were not provided:\n  --n <N>\n  --d <D>\n\n\
             Usage: parzen generate --n <N>\n\nFor more information, try '--help'.\n",
            "error: the following required arguments were not provided: --n <N>, --d <D>\n\
             hint: usage: parzen generate --n <N>\nhint: for more, try `--help`\n",
        );
    }
}
