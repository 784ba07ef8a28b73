//! `--trace`.

use std::path::PathBuf;

use super::{
    Failure,
    output::{Destination, Output},
    signals::Listener,
};
use crate::report::{timeline::Group, trace};

/// The file that a timeline is written to. It appears when all of it is there.
#[derive(Debug)]
pub(crate) struct TraceFile {
    destination: Destination,
    output: Output,
}

impl TraceFile {
    /// Begins the file, so that one that cannot be written is known before anything is run.
    pub(crate) fn create(path: PathBuf, listener: &Listener) -> Result<Self, Failure> {
        let destination = Destination::new(Some(path));
        if destination == Destination::Stdout {
            let reason = "expected a file: standard output is for the results";
            return Err(Failure::invalid("--trace", reason));
        }
        let output = destination.open(&listener.control.kill)?;
        Ok(Self { destination, output })
    }

    pub(crate) fn write(self, groups: &[Group]) -> Result<(), Failure> {
        let Self { destination, mut output } = self;
        let written = trace::write(groups, &mut output).and_then(|()| output.commit());
        written.map_err(|error| destination.write_error(error).into())
    }
}
