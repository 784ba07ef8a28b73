//! How a command is told to end early.

use crate::estimate::Stop;

/// Two flags that whoever runs a command may raise. Clones are the same flags.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// Begin no more jobs, and end in order.
    pub stop: Stop,
    /// The program is about to exit without waiting for anything or dropping it: what would outlive
    /// it, such as a worker process, must go now.
    pub kill: Stop,
}
