//! `parzen info`.

use std::io::Write;

use super::{
    Exit, Failure,
    args::{InfoArgs, InfoFormat},
    failure::is_closed_pipe,
    output::Destination,
};
use crate::{
    commands::info,
    estimate::Stop,
    report::{json, table},
};

pub(crate) fn run(typed: &InfoArgs) -> Result<Exit, Failure> {
    let machine = info::run();
    let destination = Destination::Stdout;
    let mut output = destination.open(&Stop::new())?;
    let written = match typed.format {
        InfoFormat::Table => table::write_machine(&mut output, &machine),
        InfoFormat::Json => json::write_machine(&mut output, &machine),
    };
    match written.and_then(|()| output.flush()) {
        Err(error) if !is_closed_pipe(&error) => Err(destination.write_error(error).into()),
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}
