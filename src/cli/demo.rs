//! `parzen demo`: which lessons, and how they are told.

use std::io::{self, StdoutLock, Write};

#[cfg(feature = "plot")]
use super::lesson_picture::LessonPictures;
use super::{
    Exit, Failure,
    args::{DemoArgs, DemoFormat, StartArgs},
    crash,
    failure::is_closed_pipe,
    signals::Listener,
};
use crate::{
    bench,
    demo::{Error, Figures, Lesson, Stage},
    pool::{Pool, WorkerProgram},
};

pub(crate) fn run(typed: &DemoArgs, listener: &Listener) -> Result<Exit, Failure> {
    let mut teller = Teller {
        typed,
        listener,
        out: io::stdout().lock(),
        #[cfg(feature = "plot")]
        pictures: Some(LessonPictures::open(typed, listener)?),
    };
    let told = match (typed.lesson, typed.format) {
        (None, _) => teller.list(),
        (Some(lesson), DemoFormat::Text) => {
            lesson.lessons().into_iter().try_for_each(|lesson| teller.tell(lesson))
        }
        (Some(lesson), DemoFormat::Json) => teller.show_figures(&lesson.lessons()),
    };
    match told {
        Err(Untold::Write(error)) if is_closed_pipe(&error) => Ok(Exit::Done),
        told => Ok(told.map(|()| Exit::Done)?),
    }
}

/// Why a lesson was not told to its end.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error("failed to write standard output")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Lesson(#[from] Error),
    #[cfg(feature = "plot")]
    #[error("failed to draw")]
    Draw(Failure),
}

impl From<Untold> for Failure {
    fn from(untold: Untold) -> Self {
        match untold {
            Untold::Write(_) => Self::new(Exit::Unexpected, untold),
            Untold::Lesson(error) => {
                let hints = error.start_error().map(crash::start_hints);
                Self::new(exit_of(&error), error).hints(hints.unwrap_or_default())
            }
            #[cfg(feature = "plot")]
            Untold::Draw(failure) => failure,
        }
    }
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Samples(_) => Exit::Data,
        Error::Bench(bench::Error::Disagree { .. }) => Exit::Disagree,
        Error::System { .. } => Exit::Unexpected,
        Error::Start(_)
        | Error::Spawn(_)
        | Error::Job(_)
        | Error::Task(_)
        | Error::Bench(bench::Error::Start(_) | bench::Error::Estimate(_))
        | Error::Estimate(_) => Exit::Workers,
    }
}

/// Tells lessons.
struct Teller<'a> {
    typed: &'a DemoArgs,
    listener: &'a Listener,
    out: StdoutLock<'static>,
    /// Those asked for, until they are drawn. Only one lesson can have any.
    #[cfg(feature = "plot")]
    pictures: Option<LessonPictures>,
}

impl Teller<'_> {
    fn list(&mut self) -> Result<(), Untold> {
        writeln!(self.out, "Lessons, to be run as `parzen demo LESSON`:")?;
        for lesson in Lesson::ALL {
            writeln!(self.out, "  {:<10} {}", lesson.name(), lesson.summary())?;
        }
        writeln!(self.out, "  {:<10} everything, in the notebook's order", "all")?;
        Ok(())
    }

    fn tell(&mut self, lesson: Lesson) -> Result<(), Untold> {
        writeln!(self.out, "== {}: {}", lesson.name(), lesson.summary())?;
        writeln!(self.out)?;
        let mut written = Ok(());
        let out = &mut self.out;
        let given = give(self.typed, self.listener, lesson, &mut |line| {
            // A lesson is not stopped in the middle because nobody listens any more.
            if written.is_ok() {
                written = writeln!(out, "{line}").and_then(|()| out.flush());
            }
        });
        self.draw(&given?)?;
        written?;
        writeln!(self.out)?;
        Ok(())
    }

    fn show_figures(&mut self, lessons: &[Lesson]) -> Result<(), Untold> {
        let mut all = serde_json::Map::new();
        for &lesson in lessons {
            let figures = give(self.typed, self.listener, lesson, &mut |_| {})?;
            self.draw(&figures)?;
            let figures = serde_json::to_value(figures).map_err(io::Error::from)?;
            all.insert(lesson.name().to_owned(), figures);
        }
        serde_json::to_writer_pretty(&mut self.out, &all).map_err(io::Error::from)?;
        writeln!(self.out)?;
        Ok(())
    }

    #[cfg(feature = "plot")]
    fn draw(&mut self, figures: &Figures) -> Result<(), Untold> {
        self.pictures
            .take()
            .map_or(Ok(()), |pictures| pictures.write(figures))
            .map_err(Untold::Draw)
    }

    #[cfg(not(feature = "plot"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "there are no pictures")]
    fn draw(&mut self, _: &Figures) -> Result<(), Untold> {
        Ok(())
    }
}

fn give(
    typed: &DemoArgs,
    listener: &Listener,
    lesson: Lesson,
    say: &mut dyn FnMut(&str),
) -> Result<Figures, Error> {
    let program = typed.start.worker_program.clone();
    let program = program.map_or(WorkerProgram::Find, WorkerProgram::Path);
    let StartArgs { start_timeout, chaos, .. } = typed.start;
    let settings =
        Pool::builder().worker_program(program).start_timeout(start_timeout).chaos(chaos);
    let mut stage = Stage::new(settings, listener.control.kill.clone(), say);
    stage.workers = typed.workers;
    stage.seed = typed.seed;
    lesson.give(&mut stage)
}
