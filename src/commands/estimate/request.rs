//! What is asked for.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    thread,
    time::Duration,
};

use parzen_worker::tasks::density::Method;

use super::{Backend, Counting, Kernel, Order, Workers};
use crate::{
    estimate::Volume,
    input::{Grid, Point, SampleSpec, Widths},
    pool::Chaos,
};

/// Everything that `parzen estimate` can be told.
#[derive(Clone, Debug)]
pub struct Request {
    /// The samples.
    pub samples: SampleSpec,
    /// Where densities are asked for; at the origin if empty.
    pub places: Vec<Place>,
    /// The window widths.
    pub widths: Widths,
    /// The window's shape.
    pub kernel: Kernel,
    /// What counts are divided by.
    pub volume: Volume,
    /// How many workers.
    pub workers: Workers,
    /// What the workers are.
    pub backend: Backend,
    /// In which order results are given.
    pub order: Order,
    /// How samples are counted.
    pub counting: Counting,
    /// Rows in a chunk, if not what suits the data's shape.
    pub chunk_rows: Option<NonZeroUsize>,
    /// The file that keeps finished partials, for when the program ends before they all are.
    pub journal: Option<PathBuf>,
    /// Whether the observer wants to know who did what when.
    pub timeline: bool,
    /// For [`Backend::Processes`] only.
    pub processes: ProcessSettings,
}

/// Points, as they are named.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// One point.
    At(Point),
    /// All rows of a file.
    File(PathBuf),
    /// A grid.
    Grid(Grid),
}

/// How worker processes are treated.
#[derive(Clone, Debug)]
pub struct ProcessSettings {
    /// The program to start, if not the usual one.
    pub worker_program: Option<PathBuf>,
    /// How long a worker may take to say that it is there.
    pub start_timeout: Duration,
    /// How long a job may run; for ever if `None`.
    pub job_timeout: Option<Duration>,
    /// Crashes of its worker that a job may survive.
    pub max_crashes: u32,
    /// Faults to be ordered at random, if any.
    pub chaos: Option<Chaos>,
}

impl Request {
    /// How samples are counted, once `auto` is decided: as they were for the partials that there
    /// are already, if there are some and that is known.
    #[must_use]
    pub fn method(&self, before: Option<Method>) -> Method {
        match (self.counting, self.order) {
            (Counting::Direct, _) => Method::Direct,
            (Counting::Shared, _) => Method::Shared,
            (Counting::Auto, Order::Completion) => before.unwrap_or(Method::Direct),
            (Counting::Auto, Order::Width) => before.unwrap_or(Method::Shared),
        }
    }
}

impl Workers {
    /// How many there are to be for `n_jobs` jobs.
    ///
    /// `auto` counts the cores that this process may use, by affinity and cgroup quota, and never
    /// more than there are jobs; a number that was asked for is obeyed.
    #[must_use]
    pub fn for_jobs(self, n_jobs: u64) -> NonZeroU32 {
        let n_cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let wanted = match self {
            Self::Exactly(n) => return n,
            Self::Auto => n_jobs.min(n_cores() as u64),
        };
        u32::try_from(wanted).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_workers_are_no_more_than_jobs_or_cores() {
        let cores = u64::try_from(thread::available_parallelism().unwrap().get()).unwrap();
        for (n_jobs, expected) in [(0, 1), (1, 1), (u64::MAX, cores)] {
            assert_eq!(u64::from(Workers::Auto.for_jobs(n_jobs).get()), expected, "{n_jobs} jobs");
        }
        let seven = NonZeroU32::new(7).unwrap();
        assert_eq!(Workers::Exactly(seven).for_jobs(2), seven);
    }
}
