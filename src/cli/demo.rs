//! `parzen demo`: which lessons, and how they are told.

use std::io::{self, Write};

#[cfg(feature = "plot")]
use super::lesson_picture::LessonPictures;
use super::{
    Exit, Failure,
    args::{DemoArgs, DemoFormat},
    failure::{is_closed_pipe, start_hint},
    signals::Listener,
};
use crate::{
    demo::{Error, Figures, Lesson, Stage},
    pool::{Pool, WorkerProgram},
};

pub(crate) fn run(typed: &DemoArgs, listener: &Listener) -> Result<Exit, Failure> {
    let mut pictures = pictures(typed, listener)?;
    let mut out = io::stdout().lock();
    let told = match (typed.lesson, typed.format) {
        (None, _) => list(&mut out),
        (Some(lesson), DemoFormat::Text) => {
            let mut lessons = lesson.lessons().into_iter();
            lessons.try_for_each(|lesson| tell(typed, lesson, &mut out, &mut pictures))
        }
        (Some(lesson), DemoFormat::Json) => {
            show_figures(typed, &lesson.lessons(), &mut out, &mut pictures)
        }
    };
    match told {
        Err(Untold::Write(error)) if is_closed_pipe(&error) => Ok(Exit::Done),
        told => Ok(told.map(|()| Exit::Done)?),
    }
}

/// What draws the figures of a lesson.
type Draw = dyn FnMut(&Figures) -> Result<(), Failure>;

#[cfg(feature = "plot")]
fn pictures(typed: &DemoArgs, listener: &Listener) -> Result<Box<Draw>, Failure> {
    let mut pictures = Some(LessonPictures::open(typed, listener)?);
    Ok(Box::new(move |figures| pictures.take().map_or(Ok(()), |pictures| pictures.write(figures))))
}

#[cfg(not(feature = "plot"))]
fn pictures(_: &DemoArgs, _: &Listener) -> Result<Box<Draw>, Failure> {
    Ok(Box::new(|_| Ok(())))
}

/// Why a lesson was not told to its end.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("failed to write standard output")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Lesson(#[from] Error),
    #[error("there is no picture")]
    Draw(Failure),
}

impl From<Untold> for Failure {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::Write(error) => Self::new(Exit::Unexpected, Untold::Write(error)),
            Untold::Draw(failure) => failure,
            Untold::Lesson(error) => {
                let hint = error.start_error().and_then(start_hint);
                Self::new(Exit::Workers, error).hints(hint)
            }
        }
    }
}

fn list(out: &mut dyn Write) -> Result<(), Untold> {
    writeln!(out, "Lessons, to be run as `parzen demo LESSON`:")?;
    for lesson in Lesson::ALL {
        writeln!(out, "  {:<10} {}", lesson.name(), lesson.summary())?;
    }
    writeln!(out, "  {:<10} everything, in the notebook's order", "all")?;
    Ok(())
}

fn tell(
    typed: &DemoArgs,
    lesson: Lesson,
    out: &mut dyn Write,
    draw: &mut Draw,
) -> Result<(), Untold> {
    writeln!(out, "== {}: {}", lesson.name(), lesson.summary())?;
    writeln!(out)?;
    let mut written = Ok(());
    let given = give(typed, lesson, &mut |line| {
        // A lesson is not stopped in the middle because nobody listens any more.
        if written.is_ok() {
            written = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    });
    draw(&given?).map_err(Untold::Draw)?;
    written?;
    writeln!(out)?;
    Ok(())
}

fn show_figures(
    typed: &DemoArgs,
    lessons: &[Lesson],
    out: &mut dyn Write,
    draw: &mut Draw,
) -> Result<(), Untold> {
    let mut all = serde_json::Map::new();
    for &lesson in lessons {
        let figures = give(typed, lesson, &mut |_| {})?;
        draw(&figures).map_err(Untold::Draw)?;
        let figures = serde_json::to_value(figures).map_err(io::Error::from)?;
        all.insert(lesson.name().to_owned(), figures);
    }
    serde_json::to_writer_pretty(&mut *out, &all).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn give(typed: &DemoArgs, lesson: Lesson, say: &mut dyn FnMut(&str)) -> Result<Figures, Error> {
    let program = typed.start.worker_program.clone();
    let program = program.map_or(WorkerProgram::Find, WorkerProgram::Path);
    let settings = Pool::builder()
        .worker_program(program)
        .start_timeout(typed.start.start_timeout)
        .chaos(typed.start.chaos);
    lesson.give(&mut Stage { workers: typed.workers, seed: typed.seed, settings, say })
}
