//! `parzen estimate --plot`.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::file::{Png, Svg};

#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.arg("estimate").args(args).stdin(Stdio::null());
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG");
    command
}

/// Runs an estimate with these options, and a picture of this name in `directory`.
fn run(directory: &TempDir, options: &str, name: &str) -> (Output, PathBuf) {
    let path = directory.path().join(name);
    let mut command = command(options.split_whitespace());
    (command.arg("--plot").arg(&path).output().unwrap(), path)
}

/// The picture of an estimate with these options, which must succeed.
fn svg(options: &str) -> Svg {
    let directory = TempDir::new().unwrap();
    let (output, path) = run(&directory, options, "x.svg");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && errors.is_empty(), "{options}: {errors}");
    assert_eq!(names(directory.path()), ["x.svg"]);
    Svg(fs::read_to_string(path).unwrap())
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Checks that these options are refused with this exit code and message, and without any file.
fn check_failure(options: &str, name: &str, code: i32, message: &str) {
    let directory = TempDir::new().unwrap();
    let (output, _) = run(&directory, options, name);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{options}: {errors}");
    assert!(output.stdout.is_empty(), "{options}");
    let first = errors.lines().next().unwrap();
    assert!(first.starts_with("error: ") && first.contains(message), "{options}: {errors}");
    assert!(names(directory.path()).is_empty(), "{options}");
}

#[test]
fn a_point_is_drawn_against_the_width() {
    let picture = svg("");
    picture.check_words(&[
        "Density at (0, 0) against width (n=10000, d=2, hypercube)",
        "width h",
        "density",
    ]);
    assert_eq!(picture.count("circle", &[]), 12);
    svg("--volume notebook")
        .check_words(&["Density at (0, 0) against width (n=10000, d=2, hypercube, volume h)"]);

    let points = svg("--at 0,0 --at -1.5,2 --widths geomspace:0.1:10:7");
    points.check_words(&["(0, 0)", "(−1.5, 2)", "0.1", "1", "10"]);
    assert_eq!(points.count("circle", &[]), 2 * 7 + 2);
}

#[test]
fn a_line_of_points_is_drawn_along_it() {
    let picture = svg("--grid -3:3:61,0:0:1 --widths 0.2,0.4,0.8");
    let title = "Density at x2=0 (n=10000, d=2, hypercube)";
    picture.check_words(&[title, "x1", "density", "width h", "0.2", "0.4", "0.8"]);
    svg("--grid 1:1:1,-3:3:61 --widths arange:0.1:2.1:0.1").check_words(&["x2", "width h"]);
}

#[test]
fn a_grid_is_a_map() {
    let picture = svg("--grid -3:3:21,-2:2:15 --widths 0.4,0.8");
    picture.check_words(&["x1", "x2", "density", "h=0.4", "h=0.8"]);
    assert!(picture.count("rect", &[]) > 300);
}

#[test]
fn pixels_show_where_the_density_is() {
    let directory = TempDir::new().unwrap();
    let (output, path) = run(&directory, "--grid -3:3:21 --widths 0.8", "x.PNG");
    assert!(output.status.success());
    let picture = Png::read(&fs::read(path).unwrap());
    // The brightest colour is in the middle of the map, the darkest in its corner.
    let bright = picture.count([0xfd, 0xe7, 0x25]);
    assert!(bright > 100 && picture.count([0x44, 0x01, 0x54]) > 10_000, "{bright} pixels");
}

#[test]
fn results_are_the_same_with_a_picture() {
    let directory = TempDir::new().unwrap();
    for format in ["table", "csv", "jsonl --order completion --method direct"] {
        let options = format!("--backend serial --format {format}");
        let plain = command(options.split(' ')).output().unwrap().stdout;
        let (output, _) = run(&directory, &options, "x.svg");
        let lines = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            let untimed =
                text.lines().map(|line| line.split(",\"seq\"").next().unwrap().to_owned());
            untimed.collect::<Vec<_>>()
        };
        assert_eq!(lines(&output.stdout), lines(&plain), "{format}");
    }
}

#[test]
fn the_picture_is_the_same_whatever_the_backend_and_order() {
    let expected = svg("--chunk-rows 3000").0;
    for how in ["--backend threads -w 3", "--order completion", "--backend processes -w 2"] {
        assert_eq!(svg(&format!("--chunk-rows 3000 {how}")).0, expected, "{how}");
    }
}

#[test]
fn a_wrong_extension_is_refused() {
    for name in ["x.jpg", "x", "x.svg.gz"] {
        check_failure("", name, 2, "is named neither `.svg` nor `.png`");
    }
    check_failure("", "none/x.svg", 3, "failed to create");
}

#[test]
fn what_cannot_be_drawn_is_refused_before_it_is_estimated() {
    for (options, message) in [
        ("--widths 0.5", "one point and one width give one number"),
        ("--at 0,0 --at 1,2 --at 5,5 --widths 0.5", "3 points that are neither on a line nor"),
        ("--grid -1:1:9,-1:1:9", "a grid of two axes is drawn for at most 6 widths, not 12"),
        ("--grid -1:1:9,0:0:1 --widths linspace:0.1:1:101", "at most 100 widths, not 101"),
    ] {
        check_failure(options, "x.svg", 2, "invalid `--plot`");
        check_failure(options, "x.svg", 2, message);
        check_failure(&format!("{options} --worker-program /none"), "x.png", 2, message);
    }
}

#[test]
fn a_failure_leaves_what_was_there() {
    let directory = TempDir::new().unwrap();
    fs::write(directory.path().join("x.svg"), "old").unwrap();
    let samples = directory.path().join("nan.csv");
    fs::write(&samples, "1,2\n3,nan\n").unwrap();
    let (output, path) = run(&directory, samples.to_str().unwrap(), "x.svg");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(fs::read_to_string(path).unwrap(), "old");
}

#[test]
fn the_picture_is_another_file_than_the_results() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.svg");
    let path = path.to_str().unwrap();
    let both = command(["--format", "csv", "-o", path, "--plot", path]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
    assert!(names(directory.path()).is_empty());

    let results = directory.path().join("x.csv");
    let options = ["-o", results.to_str().unwrap(), "--plot", path];
    assert!(command(options).output().unwrap().status.success());
    let mut names = names(directory.path());
    names.sort();
    assert_eq!(names, ["x.csv", "x.svg"]);
}

#[test]
fn a_closed_pipe_does_not_cost_the_picture() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.svg");
    let grid = "--grid -3:3:200,-3:3:200 --widths 1 --format csv --plot";
    let mut command = command(grid.split(' '));
    let mut child = command.arg(&path).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(fs::read_to_string(path).unwrap().ends_with("</svg>\n"));
}
