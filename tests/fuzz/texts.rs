//! What users type and what files hold.

use std::{
    fs,
    num::{NonZeroU64, NonZeroUsize},
    path::Path,
};

use parzen::{
    bench::SweepSpec,
    input::{
        self, Columns, Grid, Input, Location, Point, SampleSpec, Widths,
        generate::{Covariance, Distribution, Recipe},
    },
};
use parzen_worker::samples::Samples;

use crate::{Fuzz, fuzz};

/// Points of a grid that are worth making: more take time and no other path.
const FEW_POINTS: usize = 10_000;

const D: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Parses what can be typed at all.
fn with_text(bytes: &[u8], parse: impl FnOnce(&str)) {
    parse(&String::from_utf8_lossy(bytes));
}

#[test]
fn widths() {
    let seeds = texts(&[
        "0.1,0.2,0.5",
        "arange:0.1:1.3:0.1",
        "linspace:1:1.2:100",
        "geomspace:1e-3:10:7",
        "1",
    ]);
    // Some ask for the most that are accepted, a million.
    let fuzz = Fuzz { name: "widths", n_cases: 300, most_memory: 64 << 20 };
    fuzz.run(seeds, |bytes| {
        with_text(bytes, |text| {
            if let Ok(widths) = text.parse::<Widths>() {
                let all = widths.as_slice();
                assert!(!all.is_empty());
                assert!(all.iter().all(|width| width.h().is_finite() && 0.0 < width.h()));
                assert!(all.windows(2).all(|pair| pair[0].h() <= pair[1].h()), "{text:?}");
            }
        });
    });
}

#[test]
fn points_and_grids() {
    let seeds = texts(&["0,0", "-1.5,2e3", "-3:3:61,-3:3:61", "0:1:5,0.25", "1:1:1,-1:-2:3"]);
    fuzz("points", seeds, |bytes| {
        with_text(bytes, |text| {
            if let Ok(point) = text.parse::<Point>() {
                assert!(point.as_slice().iter().all(|x| x.is_finite()), "{text:?}");
            }
            if let Ok(grid) = text.parse::<Grid>() {
                let counts: Vec<usize> = grid.counts().collect();
                // One axis stands for all dimensions.
                let expected = if let [count] = counts[..] { vec![count; 2] } else { counts };
                let m = expected.iter().fold(1_usize, |m, &count| m.saturating_mul(count));
                if m <= FEW_POINTS {
                    let points = grid.points(D).map(|points| points.m());
                    assert_eq!(points.ok(), (expected.len() == 2).then_some(m), "{text:?}");
                }
            }
        });
    });
}

#[test]
fn columns() {
    let seeds = texts(&["a,b", "1,3", "\"x,y\",z"]);
    fuzz("columns", seeds, |bytes| {
        with_text(bytes, |text| {
            let _ = text.parse::<Columns>();
        });
    });
}

#[test]
fn sweeps() {
    let seeds = texts(&[
        "n=1000,2000",
        "workers=1,2,4",
        "widths=arange:1:9:2",
        "n=geomspace:10:1000:3",
        "n=linspace:1e14:1e15:4",
    ]);
    // As many numbers as widths, and again as whole ones.
    let fuzz = Fuzz { name: "sweeps", n_cases: 300, most_memory: 64 << 20 };
    fuzz.run(seeds, |bytes| {
        with_text(bytes, |text| match text.parse::<SweepSpec>() {
            Ok(SweepSpec { values, .. }) => {
                let (first, last) = (values.first().unwrap(), values.last().unwrap());
                assert!(1 <= *first && *last <= 1_000_000_000_000_000, "{text:?}");
                assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{text:?}");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        });
    });
}

/// Opens `bytes` as a file of samples, and reads all of it.
fn open(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    let location = Location::File(path.to_owned());
    let opened = input::open(&SampleSpec { location, columns: None });
    match opened {
        Ok(Input { source, segment, .. }) => {
            let samples = Samples::open(&source).unwrap();
            assert_eq!((samples.n(), samples.d()), (source.n, source.d));
            let found = samples.first_not_finite();
            assert!(segment.is_none() || found.is_none(), "a text has {found:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(points) = input::read_points(path, None, D) {
        assert!(points.iter().flatten().all(|x| x.is_finite()));
    }
}

#[test]
fn comma_separated_samples() {
    let seeds = texts(&[
        "x,y\n1,2\n3,4\n",
        "1,2\r\n3.5,-4e-3\r\n",
        "\u{feff}\"a b\",c\n1,2\n",
        "1;2\n3;4\n",
        "7\n\n8\n",
    ]);
    let directory = tempfile::tempdir().unwrap();
    for name in ["x.csv", "x.tsv"] {
        let fuzz = Fuzz { name: "csv", n_cases: 600, most_memory: 16 << 20 };
        fuzz.run(seeds.clone(), |bytes| open(&directory.path().join(name), bytes));
    }
}

/// A `.npy` file, made by hand.
fn npy(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let len = header.len();
    if version == 1 {
        bytes.extend(u16::try_from(len).unwrap().to_le_bytes());
    } else {
        bytes.extend(u32::try_from(len).unwrap().to_le_bytes());
    }
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn numpy_samples() {
    let data: Vec<u8> = [0.0_f64, 1.0, -2.5, 3.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let header = |descr: &str, order: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n")
    };
    let seeds = vec![
        npy(1, &header("<f8", "False", "2, 2"), &data),
        npy(1, &header("<f8", "True", "2, 2"), &data),
        npy(2, &header("<f4", "False", "8,"), &data),
        npy(3, &header("<f8", "False", "1, 4"), &data),
        npy(1, &header(">f8", "False", "4,"), &data),
        npy(1, &header("<f8", "False", "9223372036854775807, 2"), &data),
        npy(1, "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (4,), }\n", &data),
    ];
    let directory = tempfile::tempdir().unwrap();
    fuzz("npy", seeds, |bytes| open(&directory.path().join("x.npy"), bytes));
}

/// Whatever is taken for a covariance gives samples, which are numbers.
fn draw(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    match Covariance::read(path, D) {
        Ok(covariance) => {
            assert_eq!(covariance.d(), D);
            let n = NonZeroU64::new(2).unwrap();
            let recipe = Recipe::new(Distribution::Gauss(covariance), n, 1).unwrap();
            let is_finite = |row: &[f64]| row.iter().all(|x| x.is_finite()).then_some(()).ok_or(());
            assert_eq!(recipe.each_row(is_finite), Ok(()));
        }
        Err(error) => assert!(error.to_string().contains(path.to_str().unwrap()), "{error}"),
    }
}

#[test]
fn covariances() {
    let directory = tempfile::tempdir().unwrap();
    let fuzz = |name, seeds| {
        let fuzz = Fuzz { name: "covariances", n_cases: 1000, most_memory: 16 << 20 };
        fuzz.run(seeds, |bytes| draw(&directory.path().join(name), bytes));
    };
    fuzz("x.csv", texts(&["2,0.5\n0.5,1\n", "1,0\n0,1e308\n", "1e-320,0\n0,3\n", "1,1\n1,1\n"]));
    let data: Vec<u8> = [2.0_f64, 0.5, 0.5, 1.0].iter().flat_map(|x| x.to_le_bytes()).collect();
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }\n";
    fuzz("x.npy", vec![npy(1, header, &data)]);
}
