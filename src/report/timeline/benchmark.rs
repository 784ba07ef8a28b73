//! The timelines of a benchmark.

use super::{Group, of_round};
use crate::{
    bench::{Benchmark, Measurement},
    report::conclusion::of_size,
};

/// One group for each case of each measurement: the round whose time is the median. The
/// coordinator's process id is `coordinator`.
#[must_use]
pub fn of_benchmark(benchmark: &Benchmark, coordinator: u32) -> Vec<Group> {
    let of_measurement = |measurement: &Measurement| -> Vec<Group> {
        let size = of_size(benchmark.sweep.as_ref(), measurement);
        let group = |summary| {
            let round = measurement.typical(summary)?;
            Some(of_round(&format!("{}{size}", round.case), round, coordinator))
        };
        measurement.cases.iter().filter_map(group).collect()
    };
    benchmark.measurements.iter().flat_map(of_measurement).collect()
}
