//! `parzen bench`: from arguments to a request, and from figures to text.

use std::{
    io::{self, Write},
    num::{NonZeroU32, NonZeroUsize},
    process, thread,
};

#[cfg(feature = "plot")]
use super::picture::PictureFile;
use super::{
    Exit, Failure,
    args::{BenchArgs, BenchFormat, BenchOutputArgs, Compare},
    estimate,
    failure::is_closed_pipe,
    output::{Destination, Output, check_files},
    progress::{Progress, When},
    side_file::SideFile,
    signals::Listener,
    value::{MAX_WORKERS, WorkerList},
};
use crate::{
    bench::{self as benches, Axis, Benchmark, Settings, SweepSpec},
    commands::bench::{self, Error, Observer, Request},
    estimate::Stop,
    report::{
        csv, html, json,
        table::{self, Style},
        timeline, trace,
    },
};
#[cfg(feature = "plot")]
use crate::{commands::estimate::Backend, plot};

/// The numbers of workers that the notebook compares.
const NOTEBOOK_WORKERS: [u32; 4] = [2, 3, 4, 6];

/// Rounds, unless said otherwise.
const ROUNDS: u32 = 5;

/// Rounds, if it is to be quick.
const QUICK_ROUNDS: u32 = 3;

pub(crate) fn run(typed: BenchArgs, listener: &Listener) -> Result<Exit, Failure> {
    let destination = Destination::new(typed.output.output.clone());
    let format = destination.format(typed.output.format)?;
    check_files(
        typed.output.files(),
        typed.samples.file().into_iter().chain(typed.places.files()),
    )?;
    let when = typed.output.progress;
    let side_files = SideFiles::open(&typed.output, listener)?;
    #[cfg(feature = "plot")]
    let pictures = Pictures::open(&typed, listener)?;
    let request = request(typed)?;
    let output = destination.open(&listener.control.kill)?;
    let mut watcher = Watcher { listener, when, progress: Progress::Hidden };
    let result = bench::run(&request, &listener.control, &mut watcher);
    watcher.progress.finish();
    let stop = &listener.control.stop;
    let benchmark = result.map_err(|error| failure(error, stop))?;
    // First of all, because nothing else may cost them.
    let written = write(output, &benchmark, format);
    side_files.write(&benchmark)?;
    #[cfg(feature = "plot")]
    pictures.write(&benchmark)?;
    match written {
        Err(error) if !is_closed_pipe(&error) => Err(destination.write_error(error).into()),
        Ok(()) | Err(_) if benchmark.interrupted => {
            Ok(stop.reason().map_or(Exit::Unexpected, Exit::from))
        }
        Ok(()) | Err(_) => Ok(Exit::Done),
    }
}

fn request(typed: BenchArgs) -> Result<Request, Failure> {
    let rounds = typed.how.rounds.map(NonZeroU32::get);
    let rounds = rounds.unwrap_or(if typed.how.quick { QUICK_ROUNDS } else { ROUNDS });
    let workers = workers(typed.workers, typed.sweep.as_ref(), typed.how.quick)?;
    Ok(Request {
        samples: typed.samples.into(),
        places: typed.places.0,
        widths: typed.widths,
        counting: typed.how.method,
        workers,
        backends: typed.backends,
        settings: Settings {
            rounds,
            warmup: typed.how.warmup,
            max_repeats: rounds,
            max_foreign: typed.how.max_foreign.0,
            seed: typed.how.seed,
        },
        sweep: typed.sweep,
        per_job_copy: typed.compare == Some(Compare::PerJobCopy),
        order: typed.output.html.is_some(),
        worker_program: typed.how.start.worker_program,
        start_timeout: typed.how.start.start_timeout,
        chaos: typed.how.start.chaos,
    })
}

/// The numbers of workers to compare.
fn workers(
    asked: Option<WorkerList>,
    sweep: Option<&SweepSpec>,
    is_quick: bool,
) -> Result<Vec<NonZeroU32>, Failure> {
    let number = |n: u64| {
        let n = u32::try_from(n).ok().filter(|&n| n <= MAX_WORKERS).and_then(NonZeroU32::new);
        let message = format!("expected numbers of workers from 1 to {MAX_WORKERS}");
        n.ok_or_else(|| Failure::invalid("--sweep", message))
    };
    match (asked, sweep) {
        (Some(_), Some(SweepSpec { axis: Axis::Workers, .. })) => {
            Err(Failure::invalid("--workers", "`--sweep workers=SPEC` says how many there are"))
        }
        (Some(WorkerList(list)), _) => Ok(list),
        (None, Some(SweepSpec { axis: Axis::Workers, values })) => {
            values.iter().map(|&n| number(n)).collect()
        }
        (None, Some(SweepSpec { axis: Axis::N | Axis::Widths, .. })) => Ok(vec![cores()]),
        (None, None) if is_quick => Ok(vec![cores()]),
        (None, None) => Ok(NOTEBOOK_WORKERS.into_iter().filter_map(NonZeroU32::new).collect()),
    }
}

fn cores() -> NonZeroU32 {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    u32::try_from(cores).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN)
}

/// The pictures that were asked for.
#[cfg(feature = "plot")]
struct Pictures {
    times: Option<PictureFile>,
    speed_up: Option<PictureFile>,
}

#[cfg(feature = "plot")]
impl Pictures {
    fn open(typed: &BenchArgs, listener: &Listener) -> Result<Self, Failure> {
        let (times, speed_up) = (&typed.output.plot, &typed.output.plot_speed_up);
        let has = |backend| typed.backends.contains(&backend);
        let compares = has(Backend::Serial) && (has(Backend::Threads) || has(Backend::Processes));
        let open = |option, path: &Option<std::path::PathBuf>| match path {
            Some(_) if !compares => Err(Failure::invalid(
                option,
                "it shows other backends beside serial, so both are needed",
            )),
            Some(path) => PictureFile::open(option, path, listener).map(Some),
            None => Ok(None),
        };
        Ok(Self { times: open("--plot", times)?, speed_up: open("--plot-speed-up", speed_up)? })
    }

    /// Draws them. There is none of a benchmark that was stopped too early.
    fn write(self, benchmark: &Benchmark) -> Result<(), Failure> {
        for (file, chart) in
            [(self.times, plot::of_times(benchmark)), (self.speed_up, plot::of_speed_up(benchmark))]
        {
            file.zip(chart).map_or(Ok(()), |(file, chart)| file.write(&chart))?;
        }
        Ok(())
    }
}

/// Shows how far the benchmark is.
struct Watcher<'a> {
    listener: &'a Listener,
    when: When,
    progress: Progress,
}

impl Observer for Watcher<'_> {
    fn begin(&mut self) {
        self.listener.set_running();
        self.progress = Progress::start_rounds(self.when);
    }

    fn progress(&mut self, benches::Progress { done, all, case }: benches::Progress) {
        self.progress.update_all(done, all, format!(", {case}"));
    }
}

/// What is written besides the figures, if it was asked for.
struct SideFiles {
    html: Option<SideFile>,
    trace: Option<SideFile>,
}

impl SideFiles {
    fn open(typed: &BenchOutputArgs, listener: &Listener) -> Result<Self, Failure> {
        let html = SideFile::open("--html", typed.html.as_deref(), listener)?;
        let trace = SideFile::open("--trace", typed.trace.as_deref(), listener)?;
        Ok(Self { html, trace })
    }

    fn write(self, benchmark: &Benchmark) -> Result<(), Failure> {
        let coordinator = process::id();
        if let Some(trace) = self.trace {
            let groups = timeline::of_benchmark(benchmark, coordinator);
            trace.write(|out| trace::write(&groups, out))?;
        }
        if let Some(html) = self.html {
            let drawn = drawn(benchmark)?;
            let pictures: Vec<html::Picture<'_>> =
                drawn.iter().map(|(caption, svg)| html::Picture { caption, svg }).collect();
            let page = html::of_benchmark(benchmark, &pictures, coordinator);
            html.write(|out| out.write_all(page.as_bytes()))?;
        }
        Ok(())
    }
}

/// Pictures for a page: what they show, and the SVG.
#[cfg(feature = "plot")]
fn drawn(benchmark: &Benchmark) -> Result<Vec<(&'static str, String)>, Failure> {
    let charts = [
        ("Time of each case", plot::of_times(benchmark)),
        ("Speed-up over serial against the number of workers", plot::of_speed_up(benchmark)),
    ];
    let charts = charts.into_iter().filter_map(|(caption, chart)| Some((caption, chart?)));
    let draw = |(caption, chart)| {
        let picture = plot::draw(&chart, plot::Format::Svg)
            .map_err(|error| Failure::new(Exit::Unexpected, error))?;
        Ok((caption, String::from_utf8_lossy(picture.as_bytes()).into_owned()))
    };
    charts.map(draw).collect()
}

/// There are none.
#[cfg(not(feature = "plot"))]
fn drawn(_: &Benchmark) -> Result<Vec<(&'static str, String)>, Failure> {
    Ok(Vec::new())
}

fn write(mut output: Output, benchmark: &Benchmark, format: BenchFormat) -> io::Result<()> {
    match format {
        BenchFormat::Table => table::write_benchmark(&mut output, benchmark, Style::Text)?,
        BenchFormat::Md => table::write_benchmark(&mut output, benchmark, Style::Markdown)?,
        BenchFormat::Json => json::write_benchmark(&mut output, benchmark)?,
        BenchFormat::Csv => csv::write_benchmark(&mut output, benchmark)?,
    }
    output.flush()?;
    output.commit()
}

fn failure(error: Error, stop: &Stop) -> Failure {
    match error {
        Error::Estimate(error) => estimate::failure(error, stop),
        Error::Disagree(_) => Failure::new(Exit::Disagree, error)
            .hint("this is a bug in parzen, or in this machine; please report it"),
        Error::Rows { .. } | Error::Widths(_) => Failure::invalid("--sweep", error),
        Error::Memory { .. } => {
            Failure::new(Exit::Usage, error).hint("ask for fewer samples, or for fewer workers")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::Case;

    #[test]
    fn different_results_end_with_their_own_code_and_name_the_case() {
        let (case, reference) = (Case::threads(2), Case::SERIAL);
        let error = Error::Disagree(benches::Error::Disagree { case, reference });
        let failure = failure(error, &Stop::new());
        assert_eq!(failure.exit.code(), 5);
        let text = failure.to_string();
        assert!(
            text.starts_with("error: `2 threads` and `serial` give different results"),
            "{text}"
        );
    }

    #[test]
    fn workers_follow_from_what_is_asked() {
        let list = |asked: Option<&[u32]>, sweep: Option<&str>, is_quick| {
            let asked = asked
                .map(|list| WorkerList(list.iter().copied().filter_map(NonZeroU32::new).collect()));
            let sweep = sweep.map(|spec| spec.parse::<SweepSpec>().unwrap());
            let workers = workers(asked, sweep.as_ref(), is_quick).ok()?;
            Some(workers.into_iter().map(NonZeroU32::get).collect::<Vec<_>>())
        };
        assert_eq!(list(None, None, false), Some(vec![2, 3, 4, 6]));
        assert_eq!(list(None, None, true), Some(vec![cores().get()]));
        assert_eq!(list(None, Some("n=1,2"), false), Some(vec![cores().get()]));
        assert_eq!(list(Some(&[5]), Some("n=1,2"), true), Some(vec![5]));
        assert_eq!(list(None, Some("workers=1,2"), false), Some(vec![1, 2]));
        assert_eq!(list(None, Some("workers=1,2000"), false), None);
        assert_eq!(list(Some(&[5]), Some("workers=1,2"), false), None);
    }
}
