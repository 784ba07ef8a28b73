//! `--trace` and `--html`: files besides the results.

use std::{io, path::Path};

use super::{
    Failure,
    output::{Destination, Output},
    signals::Listener,
};

/// A file besides that of the results. It appears when all of it is there.
#[derive(Debug)]
pub(crate) struct SideFile {
    destination: Destination,
    output: Output,
}

impl SideFile {
    /// Begins the file that `option` names, if it names one, so that one that cannot be written is
    /// known before anything is run.
    pub(crate) fn open(
        option: &'static str,
        path: Option<&Path>,
        listener: &Listener,
    ) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let destination = Destination::new(Some(path.to_owned()));
        if destination == Destination::Stdout {
            let reason = "expected a file: standard output is for the results";
            return Err(Failure::invalid(option, reason));
        }
        let output = destination.open(&listener.control.kill)?;
        Ok(Some(Self { destination, output }))
    }

    /// Writes it with `write`.
    pub(crate) fn write(
        self,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let Self { destination, mut output } = self;
        let written = write(&mut output).and_then(|()| output.commit());
        written.map_err(|error| destination.write_error(error).into())
    }
}
