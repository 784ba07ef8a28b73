//! The program and its worker processes, seen from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod proc;
mod program;

mod chaos;
mod ends;
mod fakes;
mod faults;
mod inputs;
mod interrupts;
mod isolation;
mod journal;
mod log;
mod order;
mod starts;
