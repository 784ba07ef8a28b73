//! What was typed.

mod bench;
mod demo;
mod estimate;
mod generate;
mod info;
mod places;
mod shared;

pub(crate) use bench::{BenchArgs, BenchFormat, BenchOutputArgs, Compare};
pub(crate) use demo::{DemoArgs, DemoFormat};
pub(crate) use estimate::EstimateArgs;
pub(crate) use generate::{GenerateArgs, Shape};
pub(crate) use info::{InfoArgs, InfoFormat};
pub(crate) use places::Places;
pub(crate) use shared::{SampleArgs, StartArgs};

use clap::{ArgAction, Parser, Subcommand};
use clap_complete::Shell;

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    unexpected
  2    the command line makes no sense
  3    bad input data
  4    a job or the workers failed
  5    backends disagree
  130  interrupted
  143  terminated";

/// Parzen-window density estimation in separate worker processes.
#[derive(Debug, Parser)]
#[command(name = "parzen", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Tell more of what is done, on standard error; twice for more (also `RUST_LOG`).
    #[arg(short, long, action = ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Estimate densities at points, for many window widths.
    Estimate(Box<EstimateArgs>),
    /// Measure serial, threads and processes side by side.
    Bench(Box<BenchArgs>),
    /// The lessons of the notebook, to be run, looked at and changed.
    Demo(Box<DemoArgs>),
    /// Write random samples to a file.
    Generate(Box<GenerateArgs>),
    /// Print what this machine is, and what of it may be used.
    Info(InfoArgs),
    /// Print a script that lets a shell complete the command line.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, for `man -l -`.
    Man,
    /// Serve a coordinator. It starts this by itself.
    #[command(hide = true)]
    Worker,
}
