//! Estimates from end to end, in this process.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod agreement;
mod data;
mod faults;
mod golden;
mod journal;
mod scripted;
mod window;
