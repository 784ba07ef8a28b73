//! The page of a benchmark.

use super::{Align, Arrival, Column, Page, Picture, Table, arrivals, render};
use crate::{
    bench::Benchmark,
    report::{
        conclusion::{conclusions, warnings},
        grid::Grid,
        table, timeline,
    },
};

/// The page of `benchmark`, whose coordinator had the process id `coordinator`, with pictures of it.
#[must_use]
pub fn of_benchmark(benchmark: &Benchmark, pictures: &[Picture<'_>], coordinator: u32) -> String {
    let order = benchmark.order.as_ref();
    let arrivals: Vec<Arrival> =
        order.map(|round| arrivals(&round.jobs, round.started_ns)).unwrap_or_default();
    let arrivals_of = order.map(|round| {
        let n = round.jobs.iter().map(|job| job.rows.0 + job.rows.1).max().unwrap_or(0);
        format!("Here: one round of {}, with n={n} and jobs of one width each.", round.case)
    });
    let grids = table::grids(benchmark).into_iter().map(|(title, grid)| of_grid(title, &grid));
    let tables: Vec<Table> = grids.filter(|table| !table.rows.is_empty()).collect();
    render(&Page {
        title: "Serial, threads and processes",
        about: &table::intro(benchmark),
        warnings: &warnings(benchmark).iter().map(|text| sentence(text)).collect::<Vec<_>>(),
        conclusion: &conclusions(benchmark),
        tables: &tables,
        pictures,
        timeline: &timeline::of_benchmark(benchmark, coordinator),
        arrivals: &arrivals,
        arrivals_of: arrivals_of.as_deref().unwrap_or_default(),
        machine: &benchmark.machine,
    })
}

/// All columns but those of names are numbers.
fn of_grid(title: &str, grid: &Grid) -> Table {
    let column = |&name: &&str| Column {
        name: name.to_owned(),
        align: if name == "case" { Align::Text } else { Align::Number },
    };
    Table {
        caption: title.to_owned(),
        columns: grid.header().iter().map(column).collect(),
        rows: grid.rows().to_vec(),
        note: None,
    }
}

/// `text` as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}
