//! `parzen demo`: which lessons, and how they are told.

use std::io::{self, Write};

use super::{
    Exit, Failure,
    args::{DemoArgs, DemoFormat},
    failure::is_closed_pipe,
};
use crate::{
    demo::{Error, Figures, Lesson, Stage},
    pool::{Pool, WorkerProgram},
};

pub(crate) fn run(typed: &DemoArgs) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    let told = match (typed.lesson, typed.format) {
        (None, _) => list(&mut out),
        (Some(lesson), DemoFormat::Text) => {
            lesson.lessons().into_iter().try_for_each(|lesson| tell(typed, lesson, &mut out))
        }
        (Some(lesson), DemoFormat::Json) => show_figures(typed, &lesson.lessons(), &mut out),
    };
    match told {
        Ok(()) => Ok(Exit::Done),
        Err(Untold::Write(error)) if is_closed_pipe(&error) => Ok(Exit::Done),
        Err(Untold::Write(error)) => Err(Failure::new(Exit::Unexpected, error)),
        Err(Untold::Lesson(error)) => Err(Failure::new(Exit::Workers, error)),
    }
}

/// Why a lesson was not told to its end.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("failed to write standard output")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Lesson(#[from] Error),
}

fn list(out: &mut dyn Write) -> Result<(), Untold> {
    writeln!(out, "Lessons, to be run as `parzen demo LESSON`:")?;
    for lesson in Lesson::ALL {
        writeln!(out, "  {:<10} {}", lesson.name(), lesson.summary())?;
    }
    writeln!(out, "  {:<10} everything, in the notebook's order", "all")?;
    Ok(())
}

fn tell(typed: &DemoArgs, lesson: Lesson, out: &mut dyn Write) -> Result<(), Untold> {
    writeln!(out, "== {}: {}", lesson.name(), lesson.summary())?;
    writeln!(out)?;
    let mut written = Ok(());
    let given = give(typed, lesson, &mut |line| {
        // A lesson is not stopped in the middle because nobody listens any more.
        if written.is_ok() {
            written = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    });
    written?;
    given?;
    writeln!(out)?;
    Ok(())
}

fn show_figures(typed: &DemoArgs, lessons: &[Lesson], out: &mut dyn Write) -> Result<(), Untold> {
    let mut all = serde_json::Map::new();
    for &lesson in lessons {
        let figures = give(typed, lesson, &mut |_| {})?;
        let figures = serde_json::to_value(figures).map_err(io::Error::from)?;
        all.insert(lesson.name().to_owned(), figures);
    }
    serde_json::to_writer_pretty(&mut *out, &all).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn give(typed: &DemoArgs, lesson: Lesson, say: &mut dyn FnMut(&str)) -> Result<Figures, Error> {
    let program = typed.worker_program.clone();
    let program = program.map_or(WorkerProgram::Find, WorkerProgram::Path);
    let settings = Pool::builder().worker_program(program).chaos(typed.chaos);
    lesson.give(&mut Stage { workers: typed.workers, seed: typed.seed, settings, say })
}
