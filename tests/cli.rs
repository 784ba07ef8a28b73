//! The program as its users see it: arguments in; output, errors and exit code out.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// Backends that every test of results runs on.
const BACKENDS: &[&str] = &["serial", "threads", "processes"];

/// What the notebook prints for its twelve widths, and the counts behind it.
const NOTEBOOK: [(&str, u64, &str); 12] = [
    ("0.1", 16, "0.016"),
    ("0.2", 61, "0.0305"),
    ("0.3", 135, "0.045"),
    ("0.4", 247, "0.06175"),
    ("0.5", 390, "0.078"),
    ("0.6", 547, "0.0911666666667"),
    ("0.7", 742, "0.106"),
    ("0.8", 939, "0.117375"),
    ("0.9", 1194, "0.132666666667"),
    ("1", 1445, "0.1445"),
    ("1.1", 1728, "0.157090909091"),
    ("1.2", 2022, "0.1685"),
];

#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn command<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.args(args).stdin(Stdio::null()).env_remove("PARZEN_WORKER").env_remove("RUST_LOG");
    command
}

fn parzen<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    command(args).output().unwrap()
}

/// Runs `line`, split at spaces, which must succeed in silence; gives standard output.
fn stdout(line: &str) -> String {
    let output = parzen(line.split_whitespace());
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{line}: {err}");
    assert_eq!(err, "", "{line}");
    out
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// Checks that `args` fail as they should: the exit code, no output, one line `error: …` that has
/// `message` in it, and nothing else but hints.
fn check_failure<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>, code: i32, message: &str) {
    let mut command = command(args);
    let output = command.output().unwrap();
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {err}");
    assert_eq!(out, "", "{command:?}");
    let (error, hints) = err.split_once('\n').unwrap();
    assert!(error.starts_with("error: ") && error.contains(message), "{command:?}: {error}");
    assert!(hints.lines().all(|line| line.starts_with("hint: ")), "{command:?}: {err}");
}

fn check_usage(line: &str, message: &str) {
    check_failure(line.split_whitespace(), 2, message);
}

fn write(directory: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn the_notebooks_densities_are_the_notebooks() {
    for backend in BACKENDS {
        let table = stdout(&format!("estimate --volume notebook --backend {backend}"));
        let rows: Vec<Vec<&str>> =
            table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["h", "count", "density"]);
        for (row, (h, count, density)) in rows[1..].iter().zip(NOTEBOOK) {
            assert_eq!(row, &[h, &count.to_string(), density], "{backend}");
        }
        assert_eq!(rows.len(), 1 + NOTEBOOK.len());
    }
}

#[test]
fn the_default_divides_by_the_volume_of_the_cube() {
    for backend in BACKENDS {
        let csv = stdout(&format!("estimate --format csv --backend {backend} --workers 2"));
        let mut lines = csv.lines();
        assert_eq!(lines.next(), Some("h,x1,x2,count,density"));
        for (line, (_, count, _)) in lines.by_ref().zip(NOTEBOOK) {
            let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            let [h, x1, x2, found, density] = fields[..] else { panic!("{line}") };
            assert_eq!((x1, x2, found), (0.0, 0.0, count as f64));
            assert_eq!(density, count as f64 / 10_000.0 / h.powf(2.0), "{backend}: {line}");
        }
        assert_eq!(lines.next(), None);
    }
}

#[test]
fn json_has_everything() {
    for backend in BACKENDS {
        let line = format!("estimate --format json --backend {backend} -w 2 --at 0,0 --at -1,2");
        let json: Value = serde_json::from_str(&stdout(&line)).unwrap();
        assert_eq!(json["n"], 10_000);
        assert_eq!(json["d"], 2);
        assert_eq!(json["kernel"], "hypercube");
        assert_eq!(json["volume"], "cube");
        assert_eq!(json["backend"], *backend);
        assert_eq!(json["order"], "width");
        assert!(json["workers"].as_u64().unwrap() <= 2);
        let results = json["results"].as_array().unwrap();
        assert_eq!(results.len(), 24);
        assert_eq!(results[2]["count"], 61);
        assert_eq!(results[3]["point"], serde_json::json!([-1.0, 2.0]));
        assert!(json["timing"].as_object().unwrap().values().all(|time| time.is_f64()));
    }
}

#[test]
fn jsonl_in_either_order_has_the_same_results() {
    let results = |line: &str| -> Vec<Value> {
        stdout(line).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    for backend in BACKENDS {
        let line = format!("estimate --format jsonl --backend {backend} -w 2 --chunk-rows 1000");
        let sorted = results(&line);
        let widths: Vec<f64> = sorted.iter().map(|result| result["h"].as_f64().unwrap()).collect();
        assert!(widths.is_sorted() && widths.len() == 12, "{widths:?}");

        let mut arrived = results(&format!("{line} --order completion"));
        let numbers: Vec<u64> = arrived.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
        arrived.sort_by(|a, b| a["h"].as_f64().unwrap().total_cmp(&b["h"].as_f64().unwrap()));
        for (a, b) in sorted.iter().zip(&arrived) {
            for field in ["h", "point", "count", "density"] {
                assert_eq!(a[field], b[field], "{backend}");
            }
            assert!(a["started_ns"].as_u64().unwrap() <= a["finished_ns"].as_u64().unwrap());
            assert!(a["finished_ns"].as_u64().unwrap() < 60_000_000_000, "not since the start");
        }
    }
}

#[test]
fn methods_and_chunks_change_nothing() {
    let expected = stdout("estimate --format csv --backend serial");
    for backend in BACKENDS {
        for how in ["--method direct", "--method shared", "--method direct --chunk-rows 77"] {
            let line = format!("estimate --format csv --backend {backend} --workers 3 {how}");
            assert_eq!(stdout(&line), expected, "{line}");
        }
    }
}

#[test]
fn points_are_answered_in_the_order_typed() {
    let directory = TempDir::new().unwrap();
    let points = write(&directory, "points.csv", "5,6\n7,8\n");
    let line = format!(
        "estimate --backend serial --widths 1 --format csv --at -1,2 --points {points} \
         --grid -1:1:2,0:0:1 --at 3e1,4"
    );
    let csv = stdout(&line);
    let points: Vec<&str> = csv
        .lines()
        .skip(1)
        .map(|line| {
            let (point, _) = line.strip_prefix("1.0,").unwrap().rsplit_once(',').unwrap();
            point.rsplit_once(',').unwrap().0
        })
        .collect();
    assert_eq!(points, ["-1.0,2.0", "5.0,6.0", "7.0,8.0", "-1.0,0.0", "1.0,0.0", "30.0,4.0"]);
}

#[test]
fn samples_come_from_files_and_standard_input() {
    let directory = TempDir::new().unwrap();
    let text = "a,b\n0,0.1\n0.2,9\n-0.2,-9\n";
    let path = write(&directory, "samples.csv", text);
    let options = "--backend serial --widths 1 --format csv";
    let expected = "h,x1,x2,count,density\n1.0,0.0,0.0,1,0.3333333333333333\n";
    assert_eq!(stdout(&format!("estimate {path} {options}")), expected);

    let expected_a = "h,x1,count,density\n1.0,0.0,3,1.0\n";
    assert_eq!(stdout(&format!("estimate {path} --columns a {options}")), expected_a);

    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_parzen"));
    let run = command.arg("estimate").arg("-").args(options.split(' ')).write_stdin(text);
    run.assert().success().stdout(expected);
}

#[test]
fn a_file_appears_whole_and_its_name_says_the_format() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.csv");
    let line = format!("estimate --backend serial -o {}", path.display());
    assert_eq!(stdout(&line), "");
    assert!(fs::read_to_string(&path).unwrap().starts_with("h,x1,x2,count,density\n0.1,"));

    // A failure leaves what was there.
    fs::write(&path, "old").unwrap();
    let samples = write(&directory, "nan.csv", "1,2\n3,nan\n");
    check_failure(["estimate", &samples, "-o", path.to_str().unwrap()], 3, "nan.csv");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    let mut names = names(directory.path());
    names.sort();
    assert_eq!(names, ["nan.csv", "x.csv"]);
}

#[test]
fn output_files_that_cannot_be_are_refused_at_once() {
    let directory = TempDir::new().unwrap();
    let inside = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    check_failure(["estimate", "-o", &inside("x.xml")], 2, "x.xml");
    check_failure(["estimate", "-o", &inside("none/x.csv")], 3, "none/x.csv");
    check_failure(["estimate", "--format", "csv", "-o", &inside("")], 3, "failed to create");
}

#[test]
fn numbers_out_of_range_are_usage_errors() {
    for (options, message) in [
        ("--workers 0", "--workers"),
        ("--workers -1", "from 1 to"),
        ("--workers 100000", "from 1 to"),
        ("--workers two", "`auto` or a number"),
        ("--chunk-rows 0", "--chunk-rows"),
        ("--start-timeout 0", "--start-timeout"),
        ("--job-timeout 0s", "--job-timeout"),
        ("--job-timeout soon", "500ms"),
        ("--max-crashes -1", "a whole number"),
        ("--columns a", "cannot choose columns of the notebook's samples"),
        ("--kernel gauss", "hypercube"),
        ("--volume none", "notebook"),
        ("--backend none", "serial"),
        ("--order none", "completion"),
        ("--method none", "shared"),
        ("--format none", "jsonl"),
        ("--progress sometimes", "never"),
        ("--no-such-option", "--no-such-option"),
    ] {
        check_usage(&format!("estimate {options}"), message);
    }
    check_usage("estimates", "estimates");
}

#[test]
fn widths_that_are_none_are_usage_errors() {
    for spec in [
        "0",
        "-1",
        "nan",
        "inf",
        "1,x",
        "1,,2",
        "",
        "linspace:0.1:1:0",
        "linspace:0.1:1",
        "arange:1:0:0.1",
        "arange:0:1:0.1",
        "arange:0.1:1:0",
        "geomspace:0:1:3",
        "cubes:1:2:3",
    ] {
        check_failure(["estimate", "--widths", spec], 2, "--widths");
    }
}

#[test]
fn points_that_do_not_fit_are_usage_errors() {
    check_usage("estimate --at 1", "`--at`: a point here has 1 number, but each sample has 2");
    check_usage("estimate --at 0,0 --at 1,2,3", "`--at`");
    check_usage("estimate --at 1,x", "`x`");
    check_usage("estimate --at 1,nan", "nan");
    check_usage("estimate --grid 0:1:2,0:1:2,0:1:2", "--grid");
    check_usage("estimate --grid 0:1,0:1", "--grid");
    check_usage("estimate --grid 0:1:0,0:1:2", "--grid");
}

/// A `.npy` file with this header and data.
fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{header}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn bad_files_are_named() {
    let directory = TempDir::new().unwrap();
    let header = |descr: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}")
    };
    for (name, bytes) in [
        ("empty.csv", vec![]),
        ("empty.npy", vec![]),
        ("ragged.csv", b"1,2\n3\n".to_vec()),
        ("word.csv", b"1,2\n3,x\n".to_vec()),
        ("nan.csv", b"1,2\n3,nan\n".to_vec()),
        ("header.csv", b"a,b\n".to_vec()),
        ("short.npy", npy(&header("<f8", "(4, 2)"), &[0; 24])),
        ("object.npy", npy(&header("|O", "(1,)"), b"\x80\x04N.")),
        ("big.npy", npy(&header(">f8", "(1, 2)"), &[0; 16])),
        ("cube.npy", npy(&header("<f8", "(1, 1, 2)"), &[0; 16])),
        ("none.npy", npy(&header("<f8", "(0, 2)"), &[])),
        ("nan.npy", npy(&header("<f8", "(1, 1)"), &f64::NAN.to_le_bytes())),
        ("text.npy", b"1,2\n".to_vec()),
    ] {
        let path = write(&directory, name, bytes);
        for backend in BACKENDS {
            check_failure(["estimate", &path, "--backend", backend], 3, name);
        }
    }
    check_failure(["estimate", "no/such.csv"], 3, "no/such.csv");
    let mistaken = parzen(["estimate", "--widths", "1", "0.5"]);
    assert!(texts(&mistaken).1.contains("\nhint: this stands where the samples do"));
    check_failure(["estimate", "no/such.npy"], 3, "no/such.npy");
    check_failure(["estimate", directory.path().to_str().unwrap()], 3, "");
    check_failure(["estimate", "--points", "no/such.csv"], 3, "no/such.csv");
    let good = write(&directory, "good.csv", "1,2\n3,4\n");
    check_failure(["estimate", &good, "--columns", "z"], 3, "z");
}

#[test]
fn workers_that_cannot_be_started_are_told() {
    let line = "estimate --backend processes --worker-program /no/such/worker";
    check_failure(line.split(' '), 4, "failed to start the workers");
}

#[test]
fn a_closed_pipe_is_success() {
    for format in ["table", "csv", "json", "jsonl"] {
        let line = format!("estimate --backend serial --grid -3:3:200,-3:3:200 --format {format}");
        let mut command = command(line.split(' '));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let mut errors = String::new();
        child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(errors, "", "{format}");
        assert!(child.wait().unwrap().success(), "{format}");
        assert!(!first.is_empty());
    }
}

#[test]
fn a_full_disk_is_told() {
    for format in ["table", "csv", "json", "jsonl"] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = command(["estimate", "--backend", "serial", "--format", format]);
        let output = command.stdout(full).output().unwrap();
        let (_, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1));
        assert!(err.starts_with("error: failed to write standard output: "), "{err}");
    }
}

#[test]
fn progress_is_shown_only_if_wanted() {
    let line = "estimate --backend serial --progress";
    let output = parzen(format!("{line} always").split(' '));
    let (_, err) = texts(&output);
    assert!(
        output.status.success() && err.contains(" jobs, ") && err.lines().count() == 1,
        "{err}"
    );
    for when in ["auto", "never"] {
        stdout(&format!("{line} {when}"));
    }
}

#[test]
fn generated_samples_can_be_estimated() {
    let directory = TempDir::new().unwrap();
    for (kind, options) in [("gauss", ""), ("gauss", "--rho 0.5"), ("mixture", ""), ("uniform", "")]
    {
        for extension in ["npy", "csv"] {
            let path = directory.path().join(format!("x.{extension}"));
            let path = path.to_str().unwrap();
            let line = format!("generate {kind} --n 100 --d 2 --seed 7 {options} -o {path}");
            assert_eq!(stdout(&line), "");
            let first = fs::read(path).unwrap();
            assert_eq!(stdout(&line), "");
            assert_eq!(fs::read(path).unwrap(), first, "the seed decides");
            let line = format!("estimate {path} --backend serial --widths 100 --format csv");
            assert!(stdout(&line).ends_with("\n100.0,0.0,0.0,100,0.0001\n"));
        }
    }
}

#[test]
fn generate_refuses_what_makes_no_sense() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("x.npy");
    let path = path.to_str().unwrap();
    check_usage(&format!("generate gauss --n 0 --d 2 --seed 1 -o {path}"), "--n");
    check_usage(&format!("generate gauss --n 5 --d 0 --seed 1 -o {path}"), "--d");
    check_usage(&format!("generate gauss --n 5 --d 2 --seed 1 --rho 1.5 -o {path}"), "rho");
    check_usage(&format!("generate uniform --n 5 --d 2 --seed 1 --rho 0.5 -o {path}"), "rho");
    check_failure(["generate", "gauss", "--n", "5", "-o", "x.xml"], 2, "x.xml");
    assert!(names(directory.path()).is_empty());
}

#[cfg(not(feature = "plot"))]
#[test]
fn pictures_need_their_feature() {
    check_usage("estimate --plot x.svg", "--plot");
    assert!(!stdout("estimate --help").contains("--plot"));
}

#[test]
fn help_and_version_are_no_errors() {
    assert!(stdout("--version").starts_with("parzen "));
    for command in ["", "estimate ", "generate "] {
        assert!(stdout(&format!("{command}--help")).contains("Usage: parzen"), "{command}");
    }
    assert!(stdout("estimate --help").contains("Examples:"));
    assert!(stdout("completions bash").contains("parzen"));
    assert!(stdout("man").contains(".TH"));
    assert_eq!(parzen([""; 0]).status.code(), Some(2));
}

#[test]
fn an_empty_variable_for_the_worker_program_is_none() {
    for line in ["estimate --backend serial", "estimate -w 2", "demo window", "bench --help"] {
        let output = command(line.split(' ')).env("PARZEN_WORKER", "").output().unwrap();
        assert_eq!((output.status.code(), texts(&output).1.as_str()), (Some(0), ""), "{line}");
    }
    let line = ["estimate", "-w", "2"];
    let output = command(line).env("PARZEN_WORKER", "/no/such/worker").output().unwrap();
    let (_, err) = texts(&output);
    assert!(err.contains("failed to run `/no/such/worker`"), "{err}");
    assert!(err.contains("hint: the program is that of the variable `PARZEN_WORKER`; "), "{err}");
    let typed = ["estimate", "-w", "2", "--worker-program", "/no/worker"];
    let output = command(typed).env("PARZEN_WORKER", "/no/such/worker").output().unwrap();
    assert!(!texts(&output).1.contains("PARZEN_WORKER"), "{output:?}");
    for command in ["estimate", "bench", "demo"] {
        assert!(stdout(&format!("{command} --help")).contains("PARZEN_WORKER"), "{command}");
    }
    check_failure(["estimate", "--worker-program", ""], 2, "--worker-program");
}

#[test]
fn no_input_is_replaced() {
    let directory = TempDir::new().unwrap();
    let samples = write(&directory, "s.csv", "1,2\n3,4\n");
    let points = write(&directory, "p.csv", "1,2\n");
    let mut options = vec!["--output", "--trace", "--journal"];
    if cfg!(feature = "plot") {
        options.push("--plot");
    }
    let picture = directory.path().join("s.svg");
    std::os::unix::fs::symlink(&samples, &picture).unwrap();
    for option in options {
        let name = |path: &str| match option {
            "--plot" => picture.to_str().unwrap().to_owned(),
            _ => path.replace("/s.csv", "/./s.csv"),
        };
        let own = name(&samples);
        let message = format!("invalid `{option}`: `{own}` is the file of `SAMPLES` too");
        check_failure(["estimate", &samples, option, &own], 2, &message);
        let input = fs::File::open(&samples).unwrap();
        let output = command(["estimate", "-", option, &own]).stdin(input).output().unwrap();
        assert!(texts(&output).1.contains(&message), "{output:?}");
        if option != "--plot" {
            let message = format!("invalid `{option}`: `{points}` is the file of `--points` too");
            check_failure(["estimate", "--points", &points, option, &points], 2, &message);
        }
    }
    let line = ["generate", "gauss", "--cov", &samples, "-o", &samples];
    check_failure(line, 2, "invalid `--output`: ");
    assert_eq!(fs::read_to_string(samples).unwrap(), "1,2\n3,4\n");
    assert_eq!(fs::read_to_string(points).unwrap(), "1,2\n");
}

#[test]
fn a_link_to_a_file_that_is_not_there_yet_is_that_file() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (link, new) = (path("link.csv"), path("new.csv"));
    std::os::unix::fs::symlink("new.csv", &link).unwrap();
    let message = format!("invalid `--journal`: `{link}` is the file of `--output` too");
    check_failure(["estimate", "--journal", &link, "-o", &new], 2, &message);
    assert_eq!(names(directory.path()), ["link.csv"]);
}

#[test]
fn values_that_are_no_text_are_refused_by_name() {
    use std::os::unix::ffi::OsStrExt;
    let bad = OsStr::from_bytes(b"\xff");
    for option in ["--widths", "--at", "--workers", "--max-crashes"] {
        check_failure([OsStr::new("estimate"), OsStr::new(option), bad], 2, option);
    }
    let output = command(["estimate"]).env("PARZEN_CHAOS", bad).output().unwrap();
    let (_, err) = texts(&output);
    assert!(output.status.code() == Some(2) && err.contains("`PARZEN_CHAOS`"), "{err}");
    let typed = [OsStr::new("estimate"), OsStr::new("--chaos"), bad];
    for variable in ["PARZEN_TEST", "PARZEN_CHAOS"] {
        let output = command(typed).env(variable, "kill=0").output().unwrap();
        let (_, err) = texts(&output);
        assert!(err.contains("--chaos") && !err.contains("PARZEN_CHAOS"), "{err}");
    }
}

#[test]
fn what_would_be_accepted_is_told() {
    check_usage("demo pool -w 0", "expected a number from 1 to 1024");
    check_usage("demo pool --seed -1", "expected a whole number from 0 to 18446744073709551615");
    check_usage("estimate --max-crashes 99999999999", "from 0 to 4294967295");
    let rows = "`auto` or a number of rows from 1 to 18446744073709551615";
    check_usage("estimate --chunk-rows 99999999999999999999", rows);
    check_failure(["estimate", "--at", ""], 2, "accepted is a point such as `0.5,-1`");
    check_failure(["estimate", "--grid", ""], 2, "accepted is a grid such as `-1:1:5,0:1:3`");
    let output = command(["estimate"]).env("PARZEN_INVITATION", "").output().unwrap();
    let (_, err) = texts(&output);
    assert!(output.status.code() == Some(4) && err.contains("`PARZEN_INVITATION`"), "{err}");
}
