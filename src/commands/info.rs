//! `parzen info`: what the machine is.

use crate::bench::Machine;

/// Looks at the machine.
#[must_use]
pub fn run() -> Machine {
    Machine::read()
}
