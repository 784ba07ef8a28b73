//! `parzen estimate`, as typed.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use super::{Places, SampleArgs, StartArgs, shared::spec_help};
use crate::{
    cli::{
        format::Format,
        output::Named,
        progress::When,
        value::{self, ChunkRows},
    },
    commands::estimate::{Backend, Counting, Kernel, Order, Workers},
    estimate::Volume,
    input::Widths,
};

const AFTER_HELP: &str = concat!(
    spec_help!("Widths"),
    "

Examples:
  parzen estimate
      The notebook's data and widths: the density at the origin.
  parzen estimate data.csv --columns x,y --at 0,0 --at -1,2 --widths 0.5,1
  parzen estimate data.npy --grid -3:3:61,-3:3:61 --widths 0.4 -o density.csv
  parzen estimate data.npy --widths geomspace:0.01:1:50 --order completion --format jsonl
      A line for each width as soon as it is there.
  parzen estimate data.npy --points points.npy --journal density.journal -o density.csv
      Goes on from where it was interrupted, if it was.
  zcat data.csv.gz | parzen estimate - -w 4"
);

/// Estimate densities at points, for many window widths.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct EstimateArgs {
    #[command(flatten)]
    pub(crate) samples: SampleArgs,

    #[command(flatten)]
    pub(crate) places: Places,

    /// The window widths; see below.
    #[arg(long, value_name = "SPEC", default_value = "arange:0.1:1.3:0.1")]
    #[arg(allow_hyphen_values = true, help_heading = "What")]
    pub(crate) widths: Widths,

    /// The window's shape.
    #[arg(long, value_enum, default_value_t, help_heading = "What")]
    pub(crate) kernel: Kernel,

    /// What the share of samples in the window is divided by.
    #[arg(long, value_enum, default_value = "cube", help_heading = "What")]
    pub(crate) volume: VolumeArg,

    #[command(flatten)]
    pub(crate) how: HowArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `--volume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VolumeArg {
    /// The hypercube's volume, h to the power of d.
    Cube,
    /// h, whatever d, as the notebook does.
    Notebook,
}

impl From<VolumeArg> for Volume {
    fn from(volume: VolumeArg) -> Self {
        match volume {
            VolumeArg::Cube => Self::Cube,
            VolumeArg::Notebook => Self::Notebook,
        }
    }
}

/// How the work is done. None of it changes a result.
#[derive(Debug, Args)]
#[command(next_help_heading = "How")]
pub(crate) struct HowArgs {
    /// How many workers, at most 1024; `auto` is one for each core this process may use, and never
    /// more than there are jobs.
    #[arg(short, long, value_name = "N|auto", default_value = "auto")]
    #[arg(value_parser = value::workers, allow_hyphen_values = true)]
    pub(crate) workers: Workers,

    /// What the workers are.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) backend: Backend,

    /// In which order results are given.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) order: Order,

    /// How samples are counted.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) method: Counting,

    /// Samples in a chunk; `auto` follows from the data's shape alone.
    #[arg(long, value_name = "N|auto", default_value = "auto")]
    #[arg(value_parser = value::chunk_rows, allow_hyphen_values = true)]
    pub(crate) chunk_rows: ChunkRows,

    /// The longest a job may run, as `500ms`, `2s` or `1m`; one that takes longer fails, alone.
    #[arg(long, value_name = "TIME", value_parser = value::duration, allow_hyphen_values = true)]
    pub(crate) job_timeout: Option<Duration>,

    /// How many crashes of its worker a job may survive; with one more it fails, alone.
    #[arg(long, value_name = "N", default_value = "2", value_parser = value::whole::<u32>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) max_crashes: u32,

    #[command(flatten)]
    pub(crate) start: StartArgs,
}

/// Where the results go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How results are written. Left out: by the extension of `--output`, or else a table.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,

    /// The file to write, which appears when all is done; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// A file for the timeline, as Chrome trace events: who did what when. Perfetto shows it.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// A file that keeps what is finished: however the run ends, the same command goes on from
    /// there, with the same results. Workers, backend, order and volume may be others then.
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,

    /// The picture to draw besides, `.svg` or `.png`: density against width for up to 8 points,
    /// lines over points on a line, or a map for each of up to 6 widths over a grid of two axes.
    #[cfg(feature = "plot")]
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,

    /// When to show progress, on standard error.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) progress: When,
}

impl OutputArgs {
    /// The files that are written.
    pub(crate) fn files(&self) -> impl Iterator<Item = Named<'_>> {
        let files = [
            Named::new("--output", self.output.as_ref()),
            #[cfg(feature = "plot")]
            Named::new("--plot", self.plot.as_ref()),
            Named::new("--trace", self.trace.as_ref()),
            Named::new("--journal", self.journal.as_ref()),
        ];
        files.into_iter().flatten()
    }
}
