//! The Parzen window in a nutshell: count what is inside, divide.

use bytemuck::cast_slice;
use parzen_worker::{samples::Source, shared::Segment, tasks::density::Method};
use serde::Serialize;

use super::{Error, Stage};
use crate::estimate::{self, Prepared, Problem, Serial, Stop, Volume};

/// The notebook's ten samples. The first three are inside the cube.
const SAMPLES: [[f64; 3]; 10] = [
    [0.0, 0.0, 0.0],
    [0.2, 0.2, 0.2],
    [0.1, -0.1, -0.3],
    [-1.2, 0.3, -0.3],
    [0.8, -0.82, -0.9],
    [1.0, 0.6, -0.7],
    [0.8, 0.7, 0.2],
    [0.7, -0.8, -0.45],
    [-0.3, 0.6, 0.9],
    [0.7, -0.6, -0.8],
];

/// The cube and what is in it.
#[derive(Debug, Serialize)]
pub struct Window {
    /// Side of the cube around the origin.
    pub h: f64,
    /// Samples inside the cube.
    pub inside: Vec<[f64; 3]>,
    /// Samples outside.
    pub outside: Vec<[f64; 3]>,
    /// Samples inside, as the estimate counted them.
    pub count: u64,
    /// The estimated density at the origin.
    pub density: f64,
}

pub(super) fn give(stage: &mut Stage<'_>) -> Result<Window, Error> {
    let h = 1.0;
    let estimated = estimate_at_origin(h)?;
    let (inside, outside) = SAMPLES.iter().partition::<Vec<[f64; 3]>, _>(|sample| {
        sample.iter().all(|coordinate| coordinate.abs() <= h / 2.0)
    });
    stage.say("Ten samples in three dimensions, and a cube of side h = 1 around the origin, the");
    stage.say("point whose density is asked for:");
    for sample in &SAMPLES {
        let place = if inside.contains(sample) { "inside" } else { "outside" };
        stage.say(format!("  {:>5} {:>5} {:>5}  {place}", sample[0], sample[1], sample[2]));
    }
    let (count, density) = (estimated.count, estimated.density);
    stage.say(format!("{count} of 10 are inside: p(x) = ({count} / 10) / h^3 = {density}"));
    stage.say("That is all there is to a Parzen window. The rest is how wide it should be.");
    Ok(Window { h, inside, outside, count, density })
}

fn estimate_at_origin(h: f64) -> Result<estimate::Density, Error> {
    let segment = Segment::from_bytes(cast_slice(&SAMPLES));
    let segment = segment.map_err(|source| Error::System { what: "share the samples", source })?;
    let source = Source::in_segment(segment.reference(), SAMPLES.len(), 3);
    let prepared = Prepared::new(source, &[0.0; 3], &[h])?;
    let (method, volume) = (Method::Direct, Volume::Cube);
    let problem = Problem { prepared: &prepared, method, volume, chunk_rows: None };
    let mut density = None;
    estimate::run(&problem, &mut Serial, &Stop::new(), &mut |found| {
        density = Some(found);
        Ok(())
    })?;
    density.ok_or(Error::Estimate(estimate::Error::Unfinished { left: 1 }))
}
