//! One job after the other, on the calling thread.

use super::{Completed, Error, Executor, Work};

/// Runs every job on the calling thread, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let opened = work.inputs.open().map_err(Error::Open)?;
        for job in todo {
            if work.stop.is_raised() {
                return Err(Error::Stopped);
            }
            sink(work.run_here(&opened, job, 0))?;
        }
        Ok(())
    }

    fn workers(&self) -> u32 {
        1
    }
}
