//! `parzen estimate`: densities at points, for many window widths.

mod choice;
pub use choice::{Backend, Counting, Kernel, Order, Workers};

mod request;
pub use request::{Place, ProcessSettings, Request};

mod header;
pub use header::{Header, Timing};

mod executor;

mod recorder;

mod run;
pub(super) use run::points;
pub use run::{Error, Observer, Refusal, run};
