//! `parzen demo`, as typed.

use std::num::NonZeroU32;
#[cfg(feature = "plot")]
use std::path::PathBuf;

use clap::{Args, ValueEnum, builder::PossibleValue};

use super::StartArgs;
use crate::{cli::value, demo::Lesson};

const AFTER_HELP: &str = "\
Examples:
  parzen demo
      Lists the lessons.
  parzen demo order --seed 7
  parzen demo density --format json
  parzen demo window --plot window.svg --plot window.png
  parzen demo all";

/// The lessons of the notebook, to be run, looked at and changed.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct DemoArgs {
    /// Which lesson; `all` gives them one after another. Left out: a list of them.
    #[arg(value_enum)]
    pub(crate) lesson: Option<LessonArg>,

    /// How many workers, at most 1024; of `benchmark`, the most. Left out: what the lesson shows best
    /// with.
    #[arg(short, long, value_name = "N", value_parser = value::worker_count)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) workers: Option<NonZeroU32>,

    /// Where random numbers begin.
    #[arg(long, value_name = "S", default_value = "123", value_parser = value::whole::<u64>)]
    #[arg(allow_hyphen_values = true)]
    pub(crate) seed: u64,

    /// The story, or the figures it is told with.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: DemoFormat,

    /// Draw the lesson into this `.svg` or `.png` file: `window`, `density` and `benchmark` have a
    /// picture. May be given more than once.
    #[cfg(feature = "plot")]
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) start: StartArgs,
}

/// `--format` of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DemoFormat {
    /// For people.
    Text,
    /// The figures alone.
    Json,
}

/// A lesson, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LessonArg {
    One(Lesson),
    All,
}

const LESSONS: [LessonArg; Lesson::ALL.len() + 1] = {
    let mut lessons = [LessonArg::All; Lesson::ALL.len() + 1];
    let mut idx = 0;
    while idx < Lesson::ALL.len() {
        lessons[idx] = LessonArg::One(Lesson::ALL[idx]);
        idx += 1;
    }
    lessons
};

impl ValueEnum for LessonArg {
    fn value_variants<'a>() -> &'a [Self] {
        &LESSONS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::One(lesson) => PossibleValue::new(lesson.name()).help(lesson.summary()),
            Self::All => PossibleValue::new("all").help("everything, in the notebook's order"),
        })
    }
}

impl LessonArg {
    /// The lessons it stands for.
    pub(crate) fn lessons(self) -> Vec<Lesson> {
        match self {
            Self::One(lesson) => vec![lesson],
            Self::All => Lesson::ALL.to_vec(),
        }
    }
}
