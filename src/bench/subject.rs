//! What all cases estimate.

use std::io;

use bytemuck::cast_slice;
use parzen_worker::{
    TaskError,
    samples::{Order, Samples, Source},
    shared::Segment,
    tasks::density::Method,
};
use serde::Serialize;

use crate::{
    estimate::{Error, Prepared, Problem, Volume},
    input::{Input, Location, NOTEBOOK_D, NotebookStream},
};

/// Most samples and widths that show in which order results arrive.
const ORDER_ROWS: usize = 1 << 18;
const ORDER_WIDTHS: usize = 25;

/// Samples, points and widths, and how to count: the same for every case.
#[derive(Debug)]
pub struct Subject {
    name: String,
    location: Location,
    source: Source,
    /// Owns the memory that the samples are in, if they are not in a file.
    segment: Option<Segment>,
    points: Vec<f64>,
    widths: Vec<f64>,
    method: Method,
}

/// How large a [`Subject`] is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outline {
    /// Where the samples are from.
    pub samples: String,
    /// Samples.
    pub n: usize,
    /// Numbers in a sample.
    pub d: usize,
    /// Points.
    pub points: usize,
    /// Widths.
    pub widths: usize,
    /// The narrowest and the widest.
    pub width_range: (f64, f64),
    /// How samples are counted: `direct` or `shared`.
    pub method: &'static str,
    /// Jobs.
    pub jobs: u64,
    /// Chunks of samples.
    pub chunks: u64,
    /// Bytes of the samples.
    pub sample_bytes: u64,
    /// Whether workers read the samples where they are, in a file, so that sharing them costs
    /// nothing.
    pub mapped: bool,
}

impl Subject {
    /// Densities of the samples in `input` at `points`, row after row, for ascending `widths`.
    #[must_use]
    pub fn new(input: Input, points: Vec<f64>, widths: Vec<f64>, method: Method) -> Self {
        let Input { source, segment, location, .. } = input;
        Self { name: location.to_string(), location, source, segment, points, widths, method }
    }

    /// The same with the first `n` samples only, or, of the notebook's own, with `n` of them drawn.
    ///
    /// # Errors
    ///
    /// Fails if the samples cannot be mapped or copied.
    pub fn resized(&self, n: usize) -> Result<Self, Error> {
        let (source, segment) = match self.location {
            Location::Notebook => in_memory(&NotebookStream::new().samples(n), NOTEBOOK_D),
            Location::StandardInput | Location::File(_) => self.first_rows(n)?,
        }
        .map_err(Error::Share)?;
        Ok(Self {
            name: self.name.clone(),
            location: self.location.clone(),
            source,
            segment,
            points: self.points.clone(),
            widths: self.widths.clone(),
            method: self.method,
        })
    }

    /// The first `n` rows: in place, if they are the first bytes.
    fn first_rows(&self, n: usize) -> Result<io::Result<(Source, Option<Segment>)>, Error> {
        let n = n.min(self.source.n);
        if self.segment.is_none() && self.source.order == Order::RowMajor {
            return Ok(Ok((Source { n, ..self.source.clone() }, None)));
        }
        let samples = self.open()?;
        Ok(in_memory(samples.rows(0..n, &mut Vec::new()), self.source.d))
    }

    /// The same with other widths, ascending.
    #[must_use]
    pub fn with_widths(self, widths: Vec<f64>) -> Self {
        Self { widths, ..self }
    }

    /// What shows in which order results arrive: jobs of one width each, so that one can be done
    /// before another. It is small, because that is not the fast way, and because more widths than
    /// a few are a thicket.
    ///
    /// # Errors
    ///
    /// Fails if the samples cannot be mapped or copied.
    pub fn for_order(&self) -> Result<Self, Error> {
        let step = self.widths.len().div_ceil(ORDER_WIDTHS).max(1);
        let widths = self.widths.iter().copied().step_by(step).collect();
        let smaller = self.resized(self.n().min(ORDER_ROWS))?.with_widths(widths);
        let points = self.points.get(..smaller.source.d).unwrap_or_default().to_vec();
        Ok(Self { points, method: Method::Direct, ..smaller })
    }

    /// The narrowest and the widest width.
    #[must_use]
    pub fn width_range(&self) -> (f64, f64) {
        let ends = self.widths.first().zip(self.widths.last());
        ends.map_or((0.0, 0.0), |(&narrowest, &widest)| (narrowest, widest))
    }

    /// Samples there are.
    #[must_use]
    pub fn n(&self) -> usize {
        self.source.n
    }

    /// Whether more samples can be drawn than there are.
    #[must_use]
    pub fn is_endless(&self) -> bool {
        self.location == Location::Notebook
    }

    /// Results there will be.
    #[must_use]
    pub fn n_densities(&self) -> usize {
        self.points.len() / self.source.d.max(1) * self.widths.len()
    }

    /// How large it is.
    ///
    /// # Errors
    ///
    /// Fails if points and widths cannot be put into shared memory.
    pub fn outline(&self) -> Result<Outline, Error> {
        let prepared = self.prepare()?;
        let plan = self.problem(&prepared).plan();
        Ok(Outline {
            samples: self.name.clone(),
            n: self.source.n,
            d: self.source.d,
            points: self.points.len() / self.source.d.max(1),
            widths: self.widths.len(),
            width_range: self.width_range(),
            method: match self.method {
                Method::Direct => "direct",
                Method::Shared => "shared",
            },
            jobs: plan.n_jobs(),
            chunks: plan.n_chunks(),
            sample_bytes: self.sample_bytes(),
            mapped: self.segment.is_none(),
        })
    }

    pub(super) fn problem<'a>(&self, prepared: &'a Prepared) -> Problem<'a> {
        let (method, volume) = (self.method, Volume::Cube);
        Problem { prepared, method, volume, chunk_rows: None }
    }

    /// Points and widths where workers find them, and the samples where they are.
    pub(super) fn prepare(&self) -> Result<Prepared, Error> {
        Prepared::new(self.source.clone(), &self.points, &self.widths)
    }

    /// As [`prepare`](Self::prepare), in the form of what is shared.
    pub(super) fn in_place(&self) -> Result<Shared, Error> {
        Ok(Shared { prepared: self.prepare()?, bytes: self.small_bytes(), _segment: None })
    }

    /// As [`prepare`](Self::prepare), but samples that are in memory are copied into memory that
    /// workers can read, as whoever has them in memory must do.
    pub(super) fn share(&self, opened: &Samples) -> Result<Shared, Error> {
        if self.segment.is_none() {
            return self.in_place();
        }
        let mut scratch = Vec::new();
        let rows = opened.rows(0..opened.n(), &mut scratch);
        let (source, segment) = in_memory(rows, self.source.d).map_err(Error::Share)?;
        let prepared = Prepared::new(source, &self.points, &self.widths)?;
        let bytes = self.small_bytes() + self.sample_bytes();
        Ok(Shared { prepared, bytes, _segment: segment })
    }

    /// All samples, mapped here.
    pub(super) fn open(&self) -> Result<Samples, Error> {
        Samples::open(&self.source).map_err(|error| Error::Open(TaskError::from(error)))
    }

    /// Bytes of all samples.
    #[must_use]
    pub fn sample_bytes(&self) -> u64 {
        self.source.n as u64 * self.row_bytes()
    }

    /// Bytes of one sample.
    #[must_use]
    pub fn row_bytes(&self) -> u64 {
        (self.source.d * self.source.element.size()) as u64
    }

    /// Bytes of points and widths.
    fn small_bytes(&self) -> u64 {
        (size_of_val(&*self.points) + size_of_val(&*self.widths)) as u64
    }
}

/// What workers read.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) prepared: Prepared,
    /// Bytes that were copied for it.
    pub(super) bytes: u64,
    _segment: Option<Segment>,
}

/// Copies `rows` of `d` numbers into shared memory.
fn in_memory(rows: &[f64], d: usize) -> io::Result<(Source, Option<Segment>)> {
    let segment = Segment::from_bytes(cast_slice(rows))?;
    let source = Source::in_segment(segment.reference(), rows.len() / d.max(1), d);
    Ok((source, Some(segment)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{SampleSpec, open};

    fn rows(subject: &Subject) -> Vec<f64> {
        let samples = subject.open().unwrap();
        samples.rows(0..samples.n(), &mut Vec::new()).to_vec()
    }

    fn subject(location: Location) -> Subject {
        let input = open(&SampleSpec { location, columns: None }).unwrap();
        let d = input.source.d;
        Subject::new(input, vec![0.0; d], vec![0.5, 1.0], Method::Shared)
    }

    #[test]
    fn the_notebooks_samples_are_drawn_as_far_as_asked() {
        let subject = subject(Location::Notebook);
        let more = subject.resized(10_001).unwrap();
        assert_eq!(more.n(), 10_001);
        assert_eq!(rows(&more)[..20_000], rows(&subject));
        assert_eq!(rows(&subject.resized(3).unwrap()), rows(&subject)[..6]);
    }

    #[test]
    fn other_samples_are_cut() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.csv");
        std::fs::write(&path, "1,2\n3,4\n5,6\n").unwrap();
        let subject = subject(Location::File(path));
        assert_eq!(rows(&subject.resized(2).unwrap()), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(subject.resized(9).unwrap().n(), 3);
        let outline = subject.outline().unwrap();
        assert_eq!((outline.n, outline.d, outline.widths, outline.jobs), (3, 2, 2, 1));
        assert_eq!((outline.sample_bytes, outline.mapped), (48, false));
    }
}
