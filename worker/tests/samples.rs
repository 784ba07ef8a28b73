//! Samples: every layout gives the same numbers, and a file that changed is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write,
    os::unix::ffi::OsStrExt,
    path::Path,
    time::{Duration, SystemTime},
};

use parzen_worker::{
    samples::{Element, Error, Order, Place, Samples, Source},
    shared::Segment,
};
use proptest::prelude::*;
use tempfile::TempDir;

/// `offset` bytes, then `rows` as `element` and `order` say, then one byte too many.
#[expect(clippy::cast_possible_truncation, reason = "exact, see `check_layout`")]
fn stored(rows: &[f64], d: usize, offset: usize, element: Element, order: Order) -> Vec<u8> {
    let mut bytes = vec![0xFF; offset];
    let n = rows.len() / d;
    for idx in 0..rows.len() {
        let number = match order {
            Order::RowMajor => rows[idx],
            Order::ColumnMajor => rows[idx % n * d + idx / n],
        };
        match element {
            Element::F32 => bytes.extend((number as f32).to_le_bytes()),
            Element::F64 => bytes.extend(number.to_le_bytes()),
        }
    }
    bytes.push(0xFF);
    bytes
}

fn source(place: Place, n: usize, d: usize) -> Source {
    Source { place, offset: 0, element: Element::F64, order: Order::RowMajor, n, d }
}

fn place(path: &Path) -> Place {
    Place::of_file(path, &File::open(path).unwrap().metadata().unwrap()).unwrap()
}

/// A directory with one file of these numbers, and what names it.
fn file_of(numbers: &[f64]) -> (TempDir, Source) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.npy");
    fs::write(&path, bytemuck::cast_slice(numbers)).unwrap();
    (dir, source(place(&path), numbers.len(), 1))
}

fn samples_in_memory(rows: &[f64], d: usize) -> Samples {
    let segment = Segment::from_bytes(bytemuck::cast_slice(rows)).unwrap();
    let place = Place::Segment(segment.reference());
    Samples::open(&source(place, rows.len() / d, d)).unwrap()
}

/// All numbers are multiples of 1/4, so single precision holds them exactly.
fn check_layout(rows: &[f64], d: usize, offset: usize, element: Element, order: Order) {
    let n = rows.len() / d;
    let bytes = stored(rows, d, offset, element, order);
    let segment = Segment::from_bytes(&bytes).unwrap();
    let place = Place::Segment(segment.reference());
    let source = Source { place, offset: offset as u64, element, order, n, d };
    let samples = Samples::open(&source).unwrap();
    assert_eq!((samples.n(), samples.d(), samples.source()), (n, d, &source));

    let mut scratch = vec![f64::NAN; 3];
    for part in [0..n, 0..0, n..n, 0..1, n - 1..n, n / 3..n / 3 + n / 2] {
        let found = samples.rows(part.clone(), &mut scratch);
        assert_eq!(found, &rows[part.start * d..part.end * d], "{part:?} of {source:?}");
    }
    assert_eq!(samples.first_not_finite(), None);
}

proptest! {
    #[test]
    fn every_layout_gives_the_same_numbers(
        d in 1..12_usize,
        rows in prop::collection::vec((-1000..1000_i32).prop_map(|i| f64::from(i) / 4.0), 12..2000),
        offset in 0..20_usize,
    ) {
        let rows = &rows[..rows.len() / d * d];
        for element in [Element::F32, Element::F64] {
            for order in [Order::RowMajor, Order::ColumnMajor] {
                check_layout(rows, d, offset, element, order);
            }
        }
    }
}

#[test]
fn many_columns_and_many_rows_are_gathered() {
    for (n, d) in [(3, 5000), (5000, 3), (700, 600)] {
        let rows: Vec<f64> = (0..n * d).map(|idx| (idx % 4096) as f64).collect();
        check_layout(&rows, d, 1, Element::F64, Order::ColumnMajor);
        check_layout(&rows, d, 4, Element::F32, Order::ColumnMajor);
    }
}

#[test]
fn rows_of_f64_are_read_in_place() {
    let samples = samples_in_memory(&[1.0, 2.0, 3.0, 4.0], 2);
    let mut scratch = Vec::new();
    assert_eq!(samples.rows(1..2, &mut scratch), [3.0, 4.0]);
    assert_eq!(scratch.capacity(), 0);
}

#[test]
fn the_first_number_that_is_not_finite_is_found_in_row_order() {
    for element in [Element::F32, Element::F64] {
        for order in [Order::RowMajor, Order::ColumnMajor] {
            let mut rows = vec![0.5; 3 * 100_000];
            rows[3 * 99_999] = f64::NAN;
            rows[3 * 70_001 + 2] = f64::NEG_INFINITY;
            rows[3 * 70_002] = f64::INFINITY;
            let segment = Segment::from_bytes(&stored(&rows, 3, 0, element, order)).unwrap();
            let place = Place::Segment(segment.reference());
            let source = Source { place, offset: 0, element, order, n: 100_000, d: 3 };
            let samples = Samples::open(&source).unwrap();
            assert_eq!(samples.first_not_finite(), Some((70_001, 2, f64::NEG_INFINITY)));
        }
    }
}

#[test]
#[should_panic(expected = "rows 1..3 of 2")]
fn rows_beyond_the_end_are_a_bug_of_the_caller() {
    let _ = samples_in_memory(&[1.0, 2.0], 1).rows(1..3, &mut Vec::new());
}

#[test]
fn a_file_is_opened_by_what_names_it() {
    let (_dir, source) = file_of(&[1.0, 2.0]);
    let samples = Samples::open(&source).unwrap();
    assert_eq!(samples.clone().rows(0..2, &mut Vec::new()), [1.0, 2.0]);
}

#[test]
fn too_small_a_file_is_refused() {
    let (_dir, whole) = file_of(&[1.0, 2.0, 3.0]);
    let refused = |source: &Source| Samples::open(source).unwrap_err();
    let error = refused(&Source { offset: 8, ..whole.clone() });
    let message = "3×1 numbers of 8 bytes do not fit into 24 bytes from byte 8 on";
    assert_eq!(error.to_string(), message);
    for (offset, n, d) in
        [(0, 4, 1), (0, 1, 4), (25, 1, 1), (u64::MAX, 1, 1), (0, usize::MAX, 2), (0, 1 << 61, 1)]
    {
        let error = refused(&Source { offset, n, d, ..whole.clone() });
        assert!(matches!(error, Error::OutOfBounds { .. }), "{error:?}");
    }
    for (n, d) in [(0, 1), (1, 0)] {
        let error = refused(&Source { n, d, ..whole.clone() });
        assert!(matches!(error, Error::Empty { .. }), "{error:?}");
    }
}

#[test]
fn an_empty_file_is_refused() {
    let (_dir, empty) = file_of(&[]);
    let error = Samples::open(&Source { n: 1, ..empty }).unwrap_err();
    assert!(matches!(error, Error::OutOfBounds { len: 0, .. }), "{error:?}");
}

fn check_changed(change: fn(&Path)) {
    let (dir, source) = file_of(&[1.0, 2.0]);
    let path = dir.path().join("x.npy");
    change(&path);
    let error = Samples::open(&source).unwrap_err();
    assert!(matches!(error, Error::Changed(_)), "{error:?}");
    assert!(error.to_string().ends_with("x.npy` changed since it was opened"), "{error}");
}

#[test]
fn a_file_that_changed_is_refused() {
    check_changed(|path| File::options().write(true).open(path).unwrap().set_len(8).unwrap());
    check_changed(|path| {
        File::options().append(true).open(path).unwrap().write_all(&[0]).unwrap();
    });
    check_changed(|path| {
        let later = SystemTime::now() + Duration::from_secs(1);
        File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
    });
    check_changed(|path| {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        let copy = path.with_extension("copy");
        fs::copy(path, &copy).unwrap();
        File::options().write(true).open(&copy).unwrap().set_modified(modified).unwrap();
        fs::rename(copy, path).unwrap();
    });
    check_changed(|path| {
        fs::remove_file(path).unwrap();
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
    });
}

#[test]
fn a_file_that_is_gone_is_refused() {
    let (dir, source) = file_of(&[1.0]);
    drop(dir);
    assert!(matches!(Samples::open(&source), Err(Error::Open { .. })));
}

#[test]
fn any_file_name_crosses_a_wire() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(OsStr::from_bytes(b"not \xFF utf-8"));
    fs::write(&path, [0; 8]).unwrap();
    let source = source(place(&path), 1, 1);
    let wire = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<Source>(&wire).unwrap(), source);
    assert!(Samples::open(&source).is_ok());
}
