//! `parzen bench`, as typed.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use super::{Places, SampleArgs, StartArgs, shared::spec_help};
use crate::{
    bench::SweepSpec,
    cli::{
        output::{FileFormat, Named},
        progress::When,
        value::{self, Share, WorkerList},
    },
    commands::estimate::{Backend, Counting},
    input::Widths,
};

const AFTER_HELP: &str = concat!(
    spec_help!("Widths and sweeps"),
    "
Every case runs the very same jobs: serial; so many threads; so many processes that are started and
stopped in each round; and as many that are `warm`, started before all rounds. Results are compared
bit for bit in each round. A round in which others used the machine, or a worker died, is repeated.

Examples:
  parzen bench
      The notebook's benchmark: 10000 samples, 100 widths, 2, 3, 4 and 6 workers.
  parzen bench data.npy --workers 2,4 --rounds 11 -o bench.json
  parzen bench --sweep n=geomspace:1e3:1e6:7
      From how many samples on are processes worth their cost?
  parzen bench --method direct --compare per-job-copy
      What the notebook's way of sending all samples with every job costs."
);

/// Measure serial, threads and processes side by side.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) samples: SampleArgs,

    #[command(flatten)]
    pub(crate) places: Places,

    /// The window widths; see below.
    #[arg(long, value_name = "SPEC", default_value = "linspace:1.0:1.2:100")]
    #[arg(allow_hyphen_values = true, help_heading = "What")]
    pub(crate) widths: Widths,

    /// What is compared.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "A,B,..", help_heading = "What")]
    #[arg(default_values_t = [Backend::Serial, Backend::Threads, Backend::Processes])]
    pub(crate) backends: Vec<Backend>,

    /// Numbers of workers, each for threads and for processes. Left out: 2,3,4,6, or, to be quick
    /// or to vary something else, one for each core that this process may use.
    #[arg(short, long, value_name = "N,N,..", value_parser = value::worker_list)]
    #[arg(allow_hyphen_values = true, help_heading = "What")]
    pub(crate) workers: Option<WorkerList>,

    /// Measure over a range, and find from where on processes pay: `n=SPEC` varies the number of
    /// samples, `widths=SPEC` that of widths over the same range, `workers=SPEC` that of workers.
    #[arg(long, value_name = "WHAT=SPEC", allow_hyphen_values = true, help_heading = "What")]
    pub(crate) sweep: Option<SweepSpec>,

    /// Measure another way as well.
    #[arg(long, value_enum, value_name = "WAY", help_heading = "What")]
    pub(crate) compare: Option<Compare>,

    #[command(flatten)]
    pub(crate) how: BenchHowArgs,

    #[command(flatten)]
    pub(crate) output: BenchOutputArgs,
}

/// What can be compared with the usual way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Compare {
    /// All samples copied for every job, as the notebook sends them.
    PerJobCopy,
}

/// How it is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "How")]
pub(crate) struct BenchHowArgs {
    /// How often each case is measured. [default: 5, or 3 to be quick]
    #[arg(long, value_name = "N", value_parser = value::whole::<NonZeroU32>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) rounds: Option<NonZeroU32>,

    /// Rounds before them that do not count.
    #[arg(long, value_name = "N", default_value = "1", value_parser = value::whole::<u32>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) warmup: u32,

    /// Fewer rounds and, unless said otherwise, one number of workers.
    #[arg(long)]
    pub(crate) quick: bool,

    /// How samples are counted.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) method: Counting,

    /// The share of all cores that others may use before a round is repeated, as `0.05` or `5%`.
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = value::share)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) max_foreign: Share,

    /// Where the random order of rounds, and the intervals, begin.
    #[arg(long, default_value = "123", value_parser = value::whole::<u64>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) start: StartArgs,
}

/// Where the figures go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct BenchOutputArgs {
    /// How figures are written. Left out: by the extension of `--output`, or else a table.
    #[arg(long, value_enum)]
    pub(crate) format: Option<BenchFormat>,

    /// The file to write, which appears when all is done; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// A page that shows all of it in a browser, without the network: figures, pictures, who did
    /// what when, in which order results arrived, and what follows from it.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,

    /// A file for the timelines, as Chrome trace events: who did what when, in the round of each
    /// case with the median time. Perfetto shows it.
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// The picture to draw besides, `.svg` or `.png`: times as the notebook's bars, or, over numbers
    /// of samples or widths, as lines.
    #[cfg(feature = "plot")]
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,

    /// Another picture: the speed-up over serial against the number of workers.
    #[cfg(feature = "plot")]
    #[arg(long, value_name = "FILE")]
    pub(crate) plot_speed_up: Option<PathBuf>,

    /// When to show progress, on standard error.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub(crate) progress: When,
}

impl BenchOutputArgs {
    /// The files that are written.
    pub(crate) fn files(&self) -> impl Iterator<Item = Named<'_>> {
        let files = [
            Named::new("--output", self.output.as_ref()),
            #[cfg(feature = "plot")]
            Named::new("--plot", self.plot.as_ref()),
            #[cfg(feature = "plot")]
            Named::new("--plot-speed-up", self.plot_speed_up.as_ref()),
            Named::new("--html", self.html.as_ref()),
            Named::new("--trace", self.trace.as_ref()),
        ];
        files.into_iter().flatten()
    }
}

/// How `parzen bench` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchFormat {
    /// Tables and conclusions, for people.
    Table,
    /// One object with everything, each round included.
    Json,
    /// A line for each case.
    Csv,
    /// Tables and conclusions as Markdown.
    Md,
}

impl FileFormat for BenchFormat {
    const TABLE: Self = Self::Table;
    const EXTENSIONS: &'static str = "`.txt`, `.json`, `.csv` or `.md`";

    fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Table),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "md" => Some(Self::Md),
            _ => None,
        }
    }
}
