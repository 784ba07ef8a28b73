//! `--plot`: a picture beside the results.

use std::{
    io::{self, Write},
    path::Path,
};

use super::{
    Exit, Failure,
    failure::is_closed_pipe,
    output::{Destination, Output},
    signals::Listener,
};
use crate::{
    commands::estimate::{Header, Observer, Refusal, Timing},
    estimate::{Density, Volume},
    input::{Points, Widths},
    plot::{self, Chart, DensityPlot, Format},
    report::timeline::Group,
};

/// The option that names the picture of an estimate.
pub(crate) const OPTION: &str = "--plot";

/// The file of a picture, which is seen only when it is whole.
#[derive(Debug)]
pub(crate) struct PictureFile {
    destination: Destination,
    output: Output,
    format: Format,
}

impl PictureFile {
    /// Begins the file that `option` names.
    pub(crate) fn open(
        option: &'static str,
        path: &Path,
        listener: &Listener,
    ) -> Result<Self, Failure> {
        let format = Format::of_file(path).ok_or_else(|| {
            let name = path.display();
            Failure::invalid(option, format!("`{name}` is named neither `.svg` nor `.png`"))
        })?;
        let destination = Destination::new(Some(path.to_owned()));
        let output = destination.open(&listener.control.kill)?;
        Ok(Self { destination, output, format })
    }

    /// Draws `chart` into it.
    pub(crate) fn write(mut self, chart: &Chart) -> Result<(), Failure> {
        let picture = plot::draw(chart, self.format)
            .map_err(|error| Failure::new(Exit::Unexpected, error))?;
        let written = self.output.write_all(picture.as_bytes());
        let result = written.and_then(|()| self.output.commit());
        result.map_err(|source| self.destination.write_error(source).into())
    }
}

/// Remembers what it sees for a picture, and shows it to another observer.
pub(crate) struct Sketch<'a> {
    observer: &'a mut dyn Observer,
    plot: Option<DensityPlot>,
    /// What the densities are of.
    data: String,
    /// Whether nobody reads the other's output any more. For the sake of the picture that is no
    /// reason to end the estimate.
    is_unread: bool,
}

impl<'a> Sketch<'a> {
    pub(crate) fn new(observer: &'a mut dyn Observer) -> Self {
        Self { observer, plot: None, data: String::new(), is_unread: false }
    }

    /// The picture of all that was seen; `None` if that was nothing.
    pub(crate) fn chart(&self) -> Option<Chart> {
        self.plot.as_ref().map(|plot| plot.chart(&self.data))
    }

    /// Lets the other observer print, if it still can.
    fn print(&mut self, print: impl FnOnce(&mut dyn Observer) -> io::Result<()>) -> io::Result<()> {
        if self.is_unread {
            return Ok(());
        }
        match print(self.observer) {
            Err(error) if is_closed_pipe(&error) => {
                self.is_unread = true;
                Ok(())
            }
            result => result,
        }
    }
}

impl Observer for Sketch<'_> {
    fn prepare(&mut self, points: &Points, widths: &Widths) -> Result<(), Refusal> {
        self.observer.prepare(points, widths)?;
        let widths: Vec<f64> = widths.as_slice().iter().map(|width| width.h()).collect();
        self.plot = Some(DensityPlot::new(points, &widths)?);
        Ok(())
    }

    fn begin(&mut self, header: Header) {
        let volume = match header.volume {
            Volume::Cube => "",
            Volume::Notebook => ", volume h",
        };
        self.data = format!("n={}, d={}, {}{volume}", header.n, header.d, header.kernel.name());
        self.observer.begin(header);
    }

    fn result(&mut self, density: &Density) -> io::Result<()> {
        if let Some(plot) = &mut self.plot {
            plot.push(density);
        }
        self.print(|observer| observer.result(density))
    }

    fn progress(&mut self, done: u64) {
        self.observer.progress(done);
    }

    fn end(&mut self, timing: &Timing) -> io::Result<()> {
        self.print(|observer| observer.end(timing))
    }

    fn timeline(&mut self, timeline: Group) {
        self.observer.timeline(timeline);
    }
}
