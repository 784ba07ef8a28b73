//! The pool with real processes.
//!
//! Each test runs in a process of its own, which is audited when the test is done: see
//! [`support::alone`]. Tests that are ignored are no tests: they are what a program that stands in
//! for a worker or a coordinator does.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod actors;
mod support;

mod apply;
mod blame;
mod callbacks;
mod cancel;
mod chaos;
mod coordinator;
mod events;
mod failures;
mod hang;
mod kill;
mod large;
mod lifecycle;
mod order;
mod poison;
mod process;
mod report;
mod rogue;
mod settings;
mod share;
mod start;
mod volume;
