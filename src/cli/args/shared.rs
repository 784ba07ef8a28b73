//! Arguments that several commands have.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::{
    cli::{output::Named, value},
    input::{Columns, SampleSpec},
    pool::Chaos,
};

/// What SPEC means, below a title.
macro_rules! spec_help {
    ($title:literal) => {
        concat!(
            $title,
            " (SPEC):\n",
            "  0.1,0.2,0.5                 these\n",
            "  arange:START:STOP:STEP      START, START+STEP, .. below STOP, as numpy.arange\n",
            "  linspace:START:STOP:COUNT   COUNT of them, evenly spaced, both ends included\n",
            "  geomspace:START:STOP:COUNT  COUNT of them, each the same multiple of the one before\n",
        )
    };
}
pub(crate) use spec_help;

/// Which samples.
#[derive(Clone, Debug, Args)]
pub(crate) struct SampleArgs {
    /// The samples: a `.npy` file (f4 or f8, 1-D or 2-D), a `.csv` or `.tsv` file with or without
    /// a header, or `-` for CSV on standard input. Left out: the notebook's 10000 normal samples.
    pub(crate) samples: Option<PathBuf>,

    /// Columns of a CSV file to read, in this order: names in its header, or numbers from 1.
    #[arg(long, value_name = "A,B,..")]
    pub(crate) columns: Option<Columns>,
}

impl SampleArgs {
    /// The file, if it is one. Standard input may be one, too.
    pub(crate) fn file(&self) -> Option<Named<'_>> {
        let path = self.samples.as_deref()?;
        let path = if path == "-" { Path::new("/dev/stdin") } else { path };
        Some(Named { option: "SAMPLES", path })
    }
}

impl From<SampleArgs> for SampleSpec {
    fn from(SampleArgs { samples, columns }: SampleArgs) -> Self {
        Self { location: samples.into(), columns }
    }
}

/// How worker processes are started.
#[derive(Clone, Debug, Args)]
pub(crate) struct StartArgs {
    /// The program to start as a worker. Left out: what the variable `PARZEN_WORKER` names, or else
    /// the `parzen-worker` beside this program.
    // The pool looks at the variable: here, an empty one would be a value that is missing.
    #[arg(long, value_name = "PATH")]
    pub(crate) worker_program: Option<PathBuf>,

    /// How long a worker may take to say that it is there.
    #[arg(long, value_name = "TIME", default_value = "10s")]
    #[arg(value_parser = value::duration, allow_hyphen_values = true)]
    pub(crate) start_timeout: Duration,

    /// Kills and stops workers at random, to see that nothing is lost: `kill=P,stop=P,seed=N`.
    #[arg(long, value_name = "SPEC", env = "PARZEN_CHAOS", hide = true)]
    pub(crate) chaos: Option<Chaos>,
}
