//! `parzen generate`, as typed.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use clap::{Args, ValueEnum};

use crate::cli::value;

const AFTER_HELP: &str = "\
Examples:
  parzen generate gauss --n 100000 --d 3 --rho 0.5 --seed 7 -o samples.npy
  parzen generate mixture --n 1000 --d 2 | parzen estimate -";

/// Write random samples to a file. The same options give the same samples.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct GenerateArgs {
    /// What the samples are drawn from.
    #[arg(value_enum)]
    pub(crate) shape: Shape,

    /// How many samples.
    #[arg(long, default_value = "10000", value_parser = value::whole::<NonZeroU64>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) n: NonZeroU64,

    /// Numbers in a sample.
    #[arg(long, default_value = "2", value_parser = value::whole::<NonZeroUsize>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) d: NonZeroUsize,

    /// Where the random numbers begin.
    #[arg(long, default_value = "123", value_parser = value::whole::<u64>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) seed: u64,

    /// A file with the covariance, d rows of d numbers; only for `gauss`.
    #[arg(long, value_name = "FILE", conflicts_with = "rho")]
    pub(crate) cov: Option<PathBuf>,

    /// The correlation between each two numbers of a sample, their variances being 1; only for
    /// `gauss`.
    #[arg(long, value_name = "R", value_parser = value::number, allow_hyphen_values = true)]
    pub(crate) rho: Option<f64>,

    /// The file to write, `.npy`, `.csv` or `.tsv`; `-` is CSV on standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
}

/// What samples are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Normal with mean 0 and, unless said otherwise, independent numbers of variance 1.
    Gauss,
    /// Two round blobs of different size.
    Mixture,
    /// Evenly from 0 to 1 in all directions.
    Uniform,
}
