//! Pictures, as files: of charts made by hand, and of estimates.

#![cfg(feature = "plot")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod charts;
mod degenerate;
mod estimate;
mod file;
