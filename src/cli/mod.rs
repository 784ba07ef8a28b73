//! What was typed, what it means, and what is printed: the only place that prints.

mod args;
mod bench;
mod crash;
mod demo;
mod estimate;
mod exit;
mod failure;
mod format;
mod generate;
mod info;
#[cfg(feature = "plot")]
mod lesson_picture;
mod log;
mod manual;
mod output;
#[cfg(feature = "plot")]
mod picture;
mod progress;
mod side_file;
mod signals;
mod usage;
mod value;

pub use exit::Exit;

use std::{
    io::{self, Write},
    panic::{self, PanicHookInfo},
    process::ExitCode,
};

use clap::Parser;
use parzen_worker::protocol::Invitation;

use args::{Args, Command};
use failure::Failure;
use signals::Listener;

use crate::commands;

/// Parses the command line, runs the command, and tells what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    panic::set_hook(Box::new(tell_panic));
    let outcome = panic::catch_unwind(run);
    // A panic has been told by the hook.
    let exit = outcome.unwrap_or(Ok(Exit::Unexpected)).unwrap_or_else(|failure| {
        // If standard error is closed, there is nobody to tell.
        let _ = io::stderr().write_all(failure.to_string().as_bytes());
        failure.exit
    });
    exit.into()
}

fn run() -> Result<Exit, Failure> {
    match Args::try_parse() {
        Ok(args) => dispatch(args),
        Err(error) => usage::explain(error),
    }
}

fn dispatch(args: Args) -> Result<Exit, Failure> {
    log::start(args.verbose);
    match args.command {
        Command::Estimate(typed) => Listener::run(|listener| estimate::run(*typed, listener)),
        Command::Bench(typed) => Listener::run(|listener| bench::run(*typed, listener)),
        Command::Demo(typed) => Listener::run(|listener| demo::run(&typed, listener)),
        Command::Generate(typed) => Listener::run(|listener| generate::run(*typed, listener)),
        Command::Info(typed) => info::run(&typed),
        Command::Completions { shell } => manual::print_completions(shell),
        Command::Man => manual::print_page(),
        Command::Worker => {
            // One that a coordinator started does not come here.
            let served = commands::worker::run(Invitation::from_env());
            served.map(|()| Exit::Done).map_err(|error| Failure::new(Exit::Workers, error))
        }
    }
}

/// A bug, on any thread: one line like all other errors, and where to look for it.
fn tell_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let message = text.or_else(|| payload.downcast_ref().copied()).unwrap_or("panic");
    let location = info.location().map_or_else(|| "somewhere".to_owned(), ToString::to_string);
    let failure = Failure::new(Exit::Unexpected, format!("internal error: {message}"))
        .hint(format!("this is a bug in parzen, at {location}; please report it"));
    let _ = io::stderr().write_all(failure.to_string().as_bytes());
}
