//! Density tiles, against counts from independent programs, however samples lie and are cut.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{fs::File, path::PathBuf};

use parzen_worker::{
    TaskError,
    samples::{Element, Order, Place, Source},
    shared::{Segment, Shared},
    tasks::density::{Inputs, Method, Opened, Part, Partial, compute},
};
use serde::Deserialize;

const METHODS: [Method; 2] = [Method::Direct, Method::Shared];

#[derive(Deserialize)]
struct Golden {
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
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/golden").join(name)
}

fn cases() -> Vec<Case> {
    let file = File::open(golden("hypercube_counts.json")).unwrap();
    serde_json::from_reader::<_, Golden>(file).unwrap().cases
}

/// The samples of a file whose header is known to have 128 bytes.
fn npy(name: &str, d: usize) -> Source {
    const HEADER: u64 = 128;
    let path = golden(&format!("{name}.npy"));
    let metadata = File::open(&path).unwrap().metadata().unwrap();
    let n = usize::try_from(metadata.len() - HEADER).unwrap() / size_of::<f64>() / d;
    let place = Place::of_file(path, &metadata).unwrap();
    Source { place, offset: HEADER, element: Element::F64, order: Order::RowMajor, n, d }
}

fn segment(numbers: &[f64]) -> Segment {
    Segment::from_bytes(bytemuck::cast_slice(numbers)).unwrap()
}

fn in_memory(segment: &Segment, d: usize) -> Source {
    let n = usize::try_from(segment.reference().len()).unwrap() / size_of::<f64>() / d;
    let place = Place::Segment(segment.reference());
    Source { place, offset: 0, element: Element::F64, order: Order::RowMajor, n, d }
}

fn open(samples: Source, points: &[f64], widths: &[f64]) -> Result<Opened, TaskError> {
    let (points, widths) = (segment(points), segment(widths));
    let (points, widths) = (Shared::new(&points).unwrap(), Shared::new(&widths).unwrap());
    Inputs { samples, points, widths }.open()
}

fn whole(opened: &Opened) -> Part {
    let (n, d) = (opened.samples.n(), opened.samples.d());
    let (points, widths) = (0..opened.points.len() / d, 0..opened.widths.len());
    Part { rows: 0..n, points, widths, check: true }
}

fn counts(opened: &Opened, method: Method, part: &Part) -> Vec<u64> {
    match compute(opened, method, part).unwrap() {
        Partial::Counts(counts) => counts,
        Partial::NotFinite => panic!("the samples are finite"),
    }
}

#[test]
fn counts_are_those_of_numpy() {
    let cases = cases();
    assert_eq!(cases.len(), 27);
    for case in cases {
        let opened = open(npy(&case.data, case.point.len()), &case.point, &case.widths).unwrap();
        for method in METHODS {
            let counts = counts(&opened, method, &whole(&opened));
            assert_eq!(counts, case.counts, "{} at {:?}, {method:?}", case.data, case.point);
        }
    }
}

#[test]
fn the_notebook_s_table_is_reproduced() {
    let case = cases().remove(0);
    assert_eq!(case.data, "tutorial_1");
    let opened = open(npy(&case.data, 2), &case.point, &case.widths).unwrap();
    let found = counts(&opened, Method::Direct, &whole(&opened));
    assert_eq!(found, [16, 61, 135, 247, 390, 547, 742, 939, 1194, 1445, 1728, 2022]);
}

#[test]
fn tiles_add_up_to_the_whole() {
    let points = [0.0, 0.0, 0.5, -0.25, 3.0, 3.0];
    let widths = [0.1, 0.5, 0.5, 1.0, 4.0];
    let opened = open(npy("tutorial_2", 2), &points, &widths).unwrap();
    for method in METHODS {
        let all = counts(&opened, method, &whole(&opened));
        let mut sum = vec![0; all.len()];
        for (rows, points) in [(0..3333, 0..1), (3333..10_000, 0..1), (0..10_000, 1..3)] {
            for widths in [0..2, 2..5] {
                let part =
                    Part { rows: rows.clone(), points: points.clone(), widths, check: false };
                let counts = counts(&opened, method, &part);
                let tile = part.widths.flat_map(|w| points.clone().map(move |p| w * 3 + p));
                tile.zip(counts).for_each(|(idx, count)| sum[idx] += count);
            }
        }
        assert_eq!(sum, all);
    }
}

#[test]
fn a_chunk_of_many_pieces_is_counted_whole() {
    let numbers: Vec<f64> = (0..200_000).map(f64::from).collect();
    let memory = segment(&numbers);
    let opened = open(in_memory(&memory, 1), &[100_000.0], &[10.0, 100_000.0]).unwrap();
    for method in METHODS {
        assert_eq!(counts(&opened, method, &whole(&opened)), [11, 100_001]);
    }
}

#[test]
fn only_a_tile_that_checks_finds_what_is_not_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut numbers = vec![0.0; 100_000];
        numbers[99_999] = bad;
        let memory = segment(&numbers);
        let opened = open(in_memory(&memory, 1), &[0.0], &[1.0]).unwrap();
        for method in METHODS {
            let all = whole(&opened);
            assert_eq!(compute(&opened, method, &all).unwrap(), Partial::NotFinite);
            let unchecked = Part { check: false, ..all.clone() };
            assert!(matches!(compute(&opened, method, &unchecked), Ok(Partial::Counts(_))));
            let finite = Part { rows: 0..99_999, ..all };
            assert_eq!(counts(&opened, method, &finite), [99_999]);
        }
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "such a range may come over a wire")]
fn a_part_that_is_not_there_is_an_error() {
    let opened = open(npy("mix_d3", 3), &[0.0; 6], &[1.0, 2.0]).unwrap();
    let all = whole(&opened);
    let parts = [
        Part { rows: 0..201, ..all.clone() },
        Part { rows: 201..201, ..all.clone() },
        Part { rows: 5..4, ..all.clone() },
        Part { rows: usize::MAX..usize::MAX, ..all.clone() },
        Part { points: 0..3, ..all.clone() },
        Part { points: 0..usize::MAX, ..all.clone() },
        Part { widths: 2..3, ..all.clone() },
        Part { widths: usize::MAX..0, ..all.clone() },
    ];
    for part in parts {
        for method in METHODS {
            let error = compute(&opened, method, &part).unwrap_err();
            assert!(error.message().ends_with("do not exist"), "{error}");
        }
    }
    for empty in [Part { points: 1..1, ..all.clone() }, Part { widths: 2..2, ..all }] {
        assert!(counts(&opened, Method::Shared, &empty).is_empty());
    }
}

#[test]
fn inputs_that_do_not_belong_together_are_refused() {
    let message = |points: &[f64], widths: &[f64]| {
        open(npy("mix_d3", 3), points, widths).unwrap_err().message().to_owned()
    };
    assert_eq!(message(&[0.0; 4], &[1.0]), "4 numbers are not points of 3 numbers each");
    assert_eq!(message(&[0.0; 3], &[2.0, 1.0]), "the widths are not in ascending order");
    assert!(message(&[0.0; 3], &[0.0]).starts_with("a window width must be"));

    let gone = Segment::from_bytes(&[0; 24]).unwrap().reference();
    let samples = Source { place: Place::Segment(gone), ..npy("mix_d3", 3) };
    let error = open(samples, &[0.0; 3], &[1.0]).unwrap_err();
    assert_eq!(error.message(), "failed to open samples in shared memory");
}
