//! The fault matrix: every way a worker can fail, in every phase of its life, and what the system
//! may refuse the coordinator. After each the results are right or the error is clear, in time, and
//! nothing is left: see [`support::alone`].
//!
//! Tests that are ignored are no tests: they are what a program that stands in for a worker does.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod actor;
mod grandchildren;
mod lifeline;
mod limits;
mod matrix;
mod one_kill;
mod strangers;
#[expect(dead_code, unused_imports, reason = "`tests/pool` uses all of it")]
#[path = "../pool/support/mod.rs"]
mod support;
