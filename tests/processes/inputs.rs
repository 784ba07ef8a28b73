//! Samples of all kinds, good and bad, in worker processes.

use std::{fmt::Write, fs, io::Write as _, path::Path, process::Stdio, thread};

use tempfile::TempDir;

use crate::{
    fakes,
    program::{Ended, PARZEN, Program, command},
    starts,
};

const BACKENDS: [&str; 3] = ["serial", "threads", "processes"];

/// Numbers that look random, all of which an `f32` holds.
fn scatter(idx: usize) -> f32 {
    let bits = (idx as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52;
    f32::from(u16::try_from(bits).unwrap()) / 512.0 - 4.0
}

fn npy(element: &str, is_fortran: bool, n: usize, d: usize, numbers: &[u8]) -> Vec<u8> {
    let order = if is_fortran { "True" } else { "False" };
    let header =
        format!("{{'descr': '{element}', 'fortran_order': {order}, 'shape': ({n}, {d}), }}");
    let header = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\x00".as_slice(), &118_u16.to_le_bytes(), header.as_bytes(), numbers].concat()
}

fn estimate(path: &str, options: &str) -> Ended {
    Program::start(&format!("estimate {path} {options}")).end()
}

fn csv(path: &str, options: &str) -> String {
    let ended = estimate(path, &format!("--format csv {options}"));
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    ended.stdout
}

#[test]
fn two_million_samples_in_another_order_give_the_same_counts() {
    const N: usize = 2_000_000;
    const D: usize = 3;
    let directory = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let rows = (0..N * D).flat_map(|idx| f64::from(scatter(idx)).to_le_bytes()).collect::<Vec<_>>();
    let columns = (0..D).flat_map(|j| (0..N).map(move |i| scatter(i * D + j)));
    let columns = columns.flat_map(f32::to_le_bytes).collect::<Vec<_>>();
    let doubles = write("doubles.npy", npy("<f8", false, N, D, &rows));
    let singles = write("singles.npy", npy("<f4", true, N, D, &columns));

    let options = "--grid -3:3:8,-2:2:5,-2:2:5 --widths geomspace:0.1:4:20";
    let expected = csv(&doubles, &format!("{options} --backend serial"));
    assert_eq!(expected.lines().count(), 1 + 200 * 20);
    assert_eq!(csv(&singles, &format!("{options} -w 2")), expected);
}

#[test]
fn standard_input_reaches_the_workers() {
    let mut text = String::from("x,y\n");
    for idx in 0..100_000 {
        writeln!(text, "{},{}", scatter(2 * idx), scatter(2 * idx + 1)).unwrap();
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.csv");
    fs::write(&path, &text).unwrap();
    let options = "--at 0,0 --at 1,-1 --format csv";
    let expected = estimate(path.to_str().unwrap(), &format!("{options} --backend serial")).stdout;
    assert_eq!(expected.lines().count(), 25);

    let mut command = command(PARZEN, &format!("estimate - {options} -w 3"));
    let (reader, mut writer) = std::io::pipe().unwrap();
    let program = Program::start_command({
        command.stdin(Stdio::from(reader));
        command
    });
    let feed = thread::Builder::new().name("feed".to_owned());
    let feed = feed.spawn(move || writer.write_all(text.as_bytes())).unwrap();
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout == expected);
    feed.join().unwrap().unwrap();
}

#[test]
fn what_is_wrong_with_samples_is_told_alike_on_every_backend() {
    let directory = TempDir::new().unwrap();
    let check = |name: &str, bytes: Vec<u8>, code: i32, message: &str| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        let path = path.to_str().unwrap();
        let expected = format!("error: {}\n", message.replace("PATH", path));
        for backend in BACKENDS {
            for method in ["direct", "shared"] {
                let options = format!("--backend {backend} --method {method} -w 3 --chunk-rows 9");
                let Ended { status, stdout, stderr, .. } = estimate(path, &options);
                assert_eq!((status.code(), stdout.as_str()), (Some(code), ""), "{backend}");
                let errors = stderr.lines().filter(|line| !line.starts_with("hint: "));
                assert_eq!(errors.map(|e| format!("{e}\n")).collect::<String>(), expected);
            }
        }
    };
    let mut numbers: Vec<f64> = (0..200).map(|idx| f64::from(scatter(idx))).collect();
    numbers[2 * 70 + 1] = f64::NAN;
    numbers[2 * 99] = f64::INFINITY;
    let bytes = |numbers: &[f64]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let needed = "a finite number is needed";
    let message = format!("`PATH` has `NaN` in row 71, column 2: {needed}");
    check("nan.npy", npy("<f8", false, 100, 2, &bytes(&numbers)), 3, &message);
    numbers[2 * 70 + 1] = 0.0;
    let message = format!("`PATH` has `inf` in row 100, column 1: {needed}");
    check("inf.npy", npy("<f8", false, 100, 2, &bytes(&numbers)), 3, &message);

    let columns: Vec<u8> = (0..200)
        .flat_map(|idx| (if idx == 130 { f32::NEG_INFINITY } else { scatter(idx) }).to_le_bytes())
        .collect();
    let message = format!("`PATH` has `-inf` in row 31, column 2: {needed}");
    check("columns.npy", npy("<f4", true, 100, 2, &columns), 3, &message);
}

/// Runs an estimate, of which the samples in `path` change when its second worker comes, with the
/// worker program `fake`.
fn run_while_samples_change(path: &Path, fake: &str, options: &str) -> Ended {
    let (path, begun) = (path.display(), path.with_file_name("begun"));
    let (worker, begun) = (fakes::shell_command(fake), begun.display());
    let worker = format!("test ! -e '{begun}' || echo >>'{path}'; : >'{begun}'; {worker}");
    let line = format!("estimate {path} -w 1 --method direct --widths 1,2,3,4 {options}");
    starts::run(&worker, &line)
}

/// The second worker comes when one that looked for NaN is done: then only jobs find out.
#[test]
fn samples_that_change_are_bad_data() {
    let directory = TempDir::new().unwrap();
    // Errors name what links lead to.
    let path = directory.path().canonicalize().unwrap().join("x.npy");
    fs::write(&path, npy("<f8", false, 1, 1, &1_f64.to_le_bytes())).unwrap();
    let ended = run_while_samples_change(&path, "is_killed_once", "--format csv");
    let path = path.display();
    assert_eq!(ended.status.code(), Some(3), "{}", ended.stderr);
    let error = format!("error: failed to open the inputs: `{path}` changed since it was opened\n");
    assert_eq!(ended.stderr, error);
}

/// The second worker comes when a job has run out of time.
#[test]
fn a_job_that_takes_too_long_is_that_though_the_samples_change() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.npy");
    fs::write(&path, npy("<f8", false, 1, 1, &1_f64.to_le_bytes())).unwrap();
    let ended = run_while_samples_change(&path, "hangs", "--job-timeout 1s");
    assert_eq!(ended.status.code(), Some(4), "{}", ended.stderr);
    assert!(
        ended.stderr.starts_with("error: 2 of 4 jobs failed, first job 2: "),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.ends_with("\nhint: `--job-timeout` gives it longer\n"),
        "{}",
        ended.stderr
    );
}
