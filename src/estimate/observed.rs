//! Watching jobs go by.

use std::fmt;

use super::{Completed, Error, Executor, Work};
use crate::pool::Usage;

/// An executor that shows every finished job to an observer before it is merged: for progress,
/// timelines and checkpoints.
pub struct Observed<'a> {
    executor: &'a mut dyn Executor,
    observe: &'a mut dyn FnMut(&Completed) -> Result<(), Error>,
}

impl<'a> Observed<'a> {
    /// `executor`, observed by `observe`, whose errors end the run. It is called on the thread that
    /// runs the estimate.
    pub fn new(
        executor: &'a mut dyn Executor,
        observe: &'a mut dyn FnMut(&Completed) -> Result<(), Error>,
    ) -> Self {
        Self { executor, observe }
    }
}

impl Executor for Observed<'_> {
    fn run(
        &mut self,
        work: Work<'_>,
        todo: &mut (dyn Iterator<Item = u64> + Send),
        sink: &mut dyn FnMut(Completed) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let observe = &mut self.observe;
        self.executor.run(work, todo, &mut |completed| {
            observe(&completed)?;
            sink(completed)
        })
    }

    fn workers(&self) -> u32 {
        self.executor.workers()
    }

    fn usage(&self) -> Option<Usage> {
        self.executor.usage()
    }
}

impl fmt::Debug for Observed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").finish_non_exhaustive()
    }
}
