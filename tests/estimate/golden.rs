//! Counts and densities of independent programs.

use std::fs;

use parzen::estimate::{Density, Problem, Volume};
use serde::{Deserialize, de::DeserializeOwned};

use crate::data::{Dataset, METHODS, backends, estimate, golden_path, problem};

#[derive(Deserialize)]
struct HypercubeCounts {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    data: String,
    #[serde(rename = "q")]
    point: Vec<f64>,
    #[serde(rename = "h")]
    widths: Vec<f64>,
    #[serde(rename = "div")]
    counts: Vec<u64>,
    density: Vec<f64>,
    tutorial_density: Vec<f64>,
}

#[derive(Deserialize)]
struct Tutorial {
    printed_table: Table,
    benchmark: Table,
}

#[derive(Deserialize)]
struct Table {
    #[serde(rename = "h")]
    widths: Vec<f64>,
    #[serde(rename = "k_n")]
    counts: Vec<u64>,
    #[serde(default)]
    density_over_h: Vec<f64>,
    #[serde(default)]
    density_over_h_pow_d: Vec<f64>,
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(golden_path(name)).unwrap()).unwrap()
}

fn counts(densities: &[Density]) -> Vec<u64> {
    densities.iter().map(|density| density.count).collect()
}

fn values(densities: &[Density]) -> Vec<f64> {
    densities.iter().map(|density| density.density).collect()
}

#[test]
fn counts_and_densities_are_those_of_numpy() {
    let mut backends = backends();
    for case in read::<HypercubeCounts>("hypercube_counts.json").cases {
        let dataset = Dataset::golden(&case.data);
        let prepared = dataset.prepare(&case.point, &case.widths);
        for method in METHODS {
            let cube = problem(&prepared, method, 0);
            let notebook = Problem { volume: Volume::Notebook, ..cube };
            for executor in &mut backends {
                let what = format!("{} at {:?}, {method:?}", case.data, case.point);
                let densities = estimate(&cube, &mut **executor);
                assert_eq!(counts(&densities), case.counts, "{what}");
                assert_eq!(values(&densities), case.density, "{what}");
                let densities = estimate(&notebook, &mut **executor);
                assert_eq!(values(&densities), case.tutorial_density, "{what}");
            }
        }
    }
}

#[test]
fn the_notebook_prints_these_numbers() {
    let table = read::<Tutorial>("tutorial.json").printed_table;
    let mut backends = backends();
    let dataset = Dataset::golden("tutorial_1");
    let prepared = dataset.prepare(&[0.0, 0.0], &table.widths);
    for method in METHODS {
        let cube = problem(&prepared, method, 0);
        let notebook = Problem { volume: Volume::Notebook, ..cube };
        for executor in &mut backends {
            let densities = estimate(&notebook, &mut **executor);
            assert_eq!(counts(&densities), table.counts);
            assert_eq!(values(&densities), table.density_over_h);
            assert_eq!(values(&estimate(&cube, &mut **executor)), table.density_over_h_pow_d);
        }
    }
}

#[test]
fn the_notebook_times_these_widths() {
    let table = read::<Tutorial>("tutorial.json").benchmark;
    let mut backends = backends();
    let dataset = Dataset::golden("tutorial_2");
    let prepared = dataset.prepare(&[0.0, 0.0], &table.widths);
    for method in METHODS {
        for executor in &mut backends {
            let densities = estimate(&problem(&prepared, method, 0), &mut **executor);
            assert_eq!(counts(&densities), table.counts);
        }
    }
}
