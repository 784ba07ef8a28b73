//! `parzen completions` and `parzen man`.

use std::io::{self, Write};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{
    Exit, Failure,
    args::Args,
    failure::{OutputError, is_closed_pipe},
};

pub(crate) fn print_completions(shell: Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "parzen", &mut script);
    print(&script)
}

/// The page of the program and those of its commands, one after the other.
pub(crate) fn print_page() -> Result<Exit, Failure> {
    let mut program = Args::command();
    // Gives the commands their full names.
    program.build();
    let mut pages = Vec::new();
    render(&program, &mut pages).map_err(unexpected)?;
    for command in program.get_subcommands() {
        if !command.is_hide_set() && command.get_name() != "help" {
            render(command, &mut pages).map_err(unexpected)?;
        }
    }
    print(&pages)
}

fn render(command: &Command, pages: &mut Vec<u8>) -> io::Result<()> {
    let source = concat!("parzen ", env!("CARGO_PKG_VERSION"));
    Man::new(command.clone()).source(source).render(pages)
}

fn print(text: &[u8]) -> Result<Exit, Failure> {
    match io::stdout().write_all(text).and_then(|()| io::stdout().flush()) {
        Err(error) if !is_closed_pipe(&error) => Err(unexpected(error)),
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

fn unexpected(source: io::Error) -> Failure {
    OutputError::Write { name: "standard output".to_owned(), source }.into()
}
