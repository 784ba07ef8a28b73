//! `parzen estimate`: from arguments to a request, and from results to text.

use std::{
    io,
    path::{Path, PathBuf},
};

#[cfg(feature = "plot")]
use super::picture::{self, PictureFile, Sketch};
use super::{
    Exit, Failure,
    args::EstimateArgs,
    crash,
    failure::is_closed_pipe,
    format::{Format, Report},
    output::{Destination, Output, check_files},
    progress::{Progress, When},
    side_file::SideFile,
    signals::Listener,
};
use crate::{
    commands::estimate::{self, Error, Header, Observer, Place, ProcessSettings, Request, Timing},
    estimate::{self as estimates, Density, JobError, JournalError, Stop},
    input,
    pool::StartError,
    report::{timeline::Group, trace},
};

pub(crate) fn run(typed: EstimateArgs, listener: &Listener) -> Result<Exit, Failure> {
    let destination = Destination::new(typed.output.output.clone());
    let format = destination.format(typed.output.format)?;
    check_files(
        typed.output.files(),
        typed.samples.file().into_iter().chain(typed.places.files()),
    )?;
    check_journal(&typed)?;
    #[cfg(feature = "plot")]
    let picture = match &typed.output.plot {
        Some(path) => Some(PictureFile::open(picture::OPTION, path, listener)?),
        None => None,
    };
    let trace = SideFile::open("--trace", typed.output.trace.as_deref(), listener)?;
    let mut printer = Printer {
        listener,
        output: destination.open(&listener.control.kill)?,
        format,
        when: typed.output.progress,
        rows_on_terminal: format.is_streamed() && destination.is_terminal(),
        report: None,
        progress: Progress::Hidden,
        timeline: None,
        journal: typed.output.journal.clone(),
        has_begun: false,
    };
    let request = request(typed);
    let estimate =
        |observer: &mut dyn Observer| estimate::run(&request, &listener.control, observer);

    #[cfg(feature = "plot")]
    let (result, chart) = if picture.is_some() {
        let mut sketch = Sketch::new(&mut printer);
        (estimate(&mut sketch), sketch.chart())
    } else {
        (estimate(&mut printer), None)
    };
    #[cfg(not(feature = "plot"))]
    let result = estimate(&mut printer);

    let timeline = printer.timeline.take();
    let exit = printer.finish(result, &destination);
    let traced = trace
        .zip(timeline)
        .map_or(Ok(()), |(trace, timeline)| trace.write(|out| trace::write(&[timeline], out)));
    let exit = exit?;
    traced?;
    #[cfg(feature = "plot")]
    picture.zip(chart).map_or(Ok(()), |(picture, chart)| picture.write(&chart))?;
    Ok(exit)
}

fn request(typed: EstimateArgs) -> Request {
    Request {
        samples: typed.samples.into(),
        places: typed.places.0,
        widths: typed.widths,
        kernel: typed.kernel,
        volume: typed.volume.into(),
        workers: typed.how.workers,
        backend: typed.how.backend,
        order: typed.how.order,
        counting: typed.how.method,
        chunk_rows: typed.how.chunk_rows.0,
        journal: typed.output.journal,
        timeline: typed.output.trace.is_some(),
        processes: ProcessSettings {
            worker_program: typed.how.start.worker_program,
            start_timeout: typed.how.start.start_timeout,
            job_timeout: typed.how.job_timeout,
            max_crashes: typed.how.max_crashes,
            chaos: typed.how.start.chaos,
        },
    }
}

fn check_journal(typed: &EstimateArgs) -> Result<(), Failure> {
    match &typed.output.journal {
        Some(journal) if journal.as_os_str() == "-" => {
            Err(Failure::invalid("--journal", "expected a file, which is read and written"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Prints results while they come.
struct Printer<'a> {
    listener: &'a Listener,
    output: Output,
    format: Format,
    when: When,
    /// Then the bar must make room for each row.
    rows_on_terminal: bool,
    report: Option<Report>,
    progress: Progress,
    timeline: Option<Group>,
    /// What keeps the partials, if anything does.
    journal: Option<PathBuf>,
    /// Whether that could be opened, and its header written.
    has_begun: bool,
}

impl Printer<'_> {
    /// Makes what was printed to `destination` final, and tells how the estimate ended.
    fn finish(
        mut self,
        result: Result<(), Error>,
        destination: &Destination,
    ) -> Result<Exit, Failure> {
        self.progress.finish();
        let result = result.and_then(|()| {
            self.output.commit().map_err(|error| Error::Estimate(estimates::Error::Emit(error)))
        });
        match result {
            Ok(()) => Ok(Exit::Done),
            Err(Error::Estimate(estimates::Error::Emit(error))) if is_closed_pipe(&error) => {
                Ok(Exit::Done)
            }
            Err(Error::Estimate(estimates::Error::Emit(error))) => {
                Err(destination.write_error(error).into())
            }
            Err(error) => {
                let kept = self.journal.filter(|_| keeps_journal(&error, self.has_begun));
                let failure = failure(error, &self.listener.control.stop);
                Err(match kept {
                    Some(journal) => failure.hint(resume_hint(&journal)),
                    None => failure,
                })
            }
        }
    }
}

impl Observer for Printer<'_> {
    fn begin(&mut self, header: Header) {
        self.listener.set_running();
        self.has_begun = true;
        self.progress =
            Progress::start(self.when, self.rows_on_terminal, header.n_jobs, header.workers);
        self.progress.begin_at(header.n_resumed);
        self.report = Some(Report::new(self.format, header));
    }

    fn result(&mut self, density: &Density) -> io::Result<()> {
        let Some(report) = &mut self.report else { return Ok(()) };
        let output = &mut self.output;
        if self.rows_on_terminal {
            self.progress.suspend(|| report.row(output, density))
        } else {
            report.row(output, density)
        }
    }

    fn progress(&mut self, done: u64) {
        self.progress.update(done);
    }

    fn end(&mut self, timing: &Timing) -> io::Result<()> {
        self.progress.finish();
        self.report.take().map_or(Ok(()), |report| report.end(&mut self.output, timing))
    }

    fn timeline(&mut self, timeline: Group) {
        self.timeline = Some(timeline);
    }
}

/// Whether an estimate that failed so, before or after it `has_begun`, could go on from its journal.
fn keeps_journal(error: &Error, has_begun: bool) -> bool {
    match error {
        // Not even its header could be written.
        Error::Estimate(estimates::Error::Journal(_)) if !has_begun => false,
        // Samples that changed on the way were read until then.
        Error::Estimate(estimates::Error::Open(_)) => has_begun,
        Error::Estimate(error) => matches!(
            error,
            estimates::Error::Stopped
                | estimates::Error::Jobs { .. }
                | estimates::Error::Partial { .. }
                | estimates::Error::Pool(_)
                | estimates::Error::Journal(JournalError::Write { .. })
        ),
        _ => false,
    }
}

fn resume_hint(journal: &Path) -> String {
    format!("`{}` has what is finished; the same command goes on from there", journal.display())
}

/// How an estimate that failed ends the program.
pub(super) fn failure(error: Error, stop: &Stop) -> Failure {
    match error {
        Error::Input(error) => {
            let hint = error.hint().or_else(|| input_hint(&error));
            Failure::new(exit_of_input(&error), error).hints(hint)
        }
        Error::NotFinite { .. } => Failure::new(Exit::Data, error),
        Error::Point { place, source } => Failure::invalid(option(place.as_ref()), source),
        // Only a picture is refused.
        Error::Refused(error) => Failure::invalid("--plot", error),
        Error::Start(ref reason) => {
            let mut hints = crash::start_hints(reason);
            hints.extend(threads_hint(reason).map(str::to_owned));
            Failure::new(Exit::Workers, error).hints(hints)
        }
        Error::Estimate(error) => {
            let exit = exit_of(&error, stop);
            let hints = match &error {
                estimates::Error::Jobs { source: JobError::Pool(error), .. }
                | estimates::Error::Pool(error) => crash::hints(&**error),
                estimates::Error::Journal(error) => {
                    error.hint().map(str::to_owned).into_iter().collect()
                }
                _ => Vec::new(),
            };
            Failure::new(exit, error).hints(hints)
        }
    }
}

/// The option that names `place`. Without one there is the origin, which fits any samples but those
/// of too many dimensions.
fn option(place: Option<&Place>) -> &'static str {
    match place {
        Some(Place::Grid(_)) => "--grid",
        Some(Place::File(_)) => "--points",
        Some(Place::At(_)) | None => "--at",
    }
}

fn exit_of_input(error: &input::Error) -> Exit {
    match error {
        input::Error::Columns { .. } => Exit::Usage,
        _ => Exit::Data,
    }
}

/// Recognises what was not meant as samples.
fn input_hint(error: &input::Error) -> Option<&'static str> {
    match error {
        input::Error::Open { path, .. } if path.to_str()?.parse::<f64>().is_ok() => {
            Some("this stands where the samples do; points and widths are written `0,0`, not `0 0`")
        }
        _ => None,
    }
}

/// The way without workers, where starting them fails for their program's sake.
fn threads_hint(error: &StartError) -> Option<&'static str> {
    match error {
        StartError::Run { .. }
        | StartError::NoProgram(_)
        | StartError::Ended { .. }
        | StartError::Stranger { .. }
        | StartError::OtherVersion { .. } => Some("`--backend threads` needs no worker program"),
        _ => None,
    }
}

fn exit_of(error: &estimates::Error, stop: &Stop) -> Exit {
    match error {
        estimates::Error::Points { .. }
        | estimates::Error::PointNotFinite { .. }
        | estimates::Error::Widths => Exit::Usage,
        estimates::Error::Journal(JournalError::Write { .. }) => Exit::Unexpected,
        estimates::Error::Open(_)
        | estimates::Error::NotFinite { .. }
        | estimates::Error::Journal(_) => Exit::Data,
        estimates::Error::Partial { .. }
        | estimates::Error::Jobs { .. }
        | estimates::Error::Unfinished { .. }
        | estimates::Error::Pool(_) => Exit::Workers,
        estimates::Error::Stopped => stop.reason().map_or(Exit::Unexpected, Exit::from),
        estimates::Error::Share(_)
        | estimates::Error::Thread(_)
        | estimates::Error::Panicked
        | estimates::Error::Emit(_) => Exit::Unexpected,
    }
}

#[cfg(test)]
mod tests {
    use parzen_worker::TaskError;

    use super::*;

    #[test]
    fn a_journal_is_said_to_have_something_if_it_can() {
        let write = || JournalError::Write { path: "x".into(), source: io::Error::other("full") };
        let check = |error: estimates::Error, has_begun, expected| {
            let error = Error::Estimate(error);
            assert_eq!(keeps_journal(&error, has_begun), expected, "{error:?} {has_begun}");
        };
        check(estimates::Error::Journal(write()), true, true);
        check(estimates::Error::Journal(write()), false, false);
        check(estimates::Error::Stopped, true, true);
        check(estimates::Error::Open(TaskError::new("changed")), true, true);
        check(estimates::Error::Open(TaskError::new("changed")), false, false);
        check(estimates::Error::Journal(JournalError::NotAJournal("x".into())), true, false);
    }
}
