//! `parzen info`, as typed.

use clap::{Args, ValueEnum};

/// Print what this machine is, and what of it may be used.
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// How it is written.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: InfoFormat,
}

/// How `parzen info` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum InfoFormat {
    /// A line for each thing, for people.
    #[default]
    Table,
    /// One object.
    Json,
}
