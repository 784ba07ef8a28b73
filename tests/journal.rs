//! `--journal`: what becomes of a file that is cut off, damaged, full, in use or of something else.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const BACKENDS: [&str; 3] = ["serial", "threads", "processes"];

/// Three chunks, two widths: six jobs.
const LINE: &str = "--widths 1,2 --method direct --chunk-rows 2 --at 0.5 --format csv";
const N_JOBS: u64 = 6;
const SAMPLES: &str = "0.1\n0.2\n0.9\n-3\n1.25\n7\n";

/// A directory with samples and a place for their journal.
struct Place {
    directory: TempDir,
    samples: PathBuf,
    journal: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let [samples, journal] = ["x.csv", "x.journal"].map(|name| directory.path().join(name));
        fs::write(&samples, SAMPLES).unwrap();
        Self { directory, samples, journal }
    }

    /// `parzen estimate` with samples, journal and `line`.
    fn run(&self, line: &str) -> Output {
        let mut command = command(env!("CARGO_BIN_EXE_parzen"));
        self.arguments(&mut command, line).output().unwrap()
    }

    fn arguments<'a>(&self, command: &'a mut Command, line: &str) -> &'a mut Command {
        command.arg("estimate").arg(&self.samples).arg("--journal").arg(&self.journal);
        command.args(line.split_whitespace())
    }

    /// What a run that must succeed prints.
    fn stdout(&self, line: &str) -> String {
        let output = self.run(line);
        let (out, err) = texts(&output);
        assert!(output.status.success() && err.is_empty(), "{line}: {err}");
        out
    }

    /// How many jobs a run does not need to run.
    fn n_resumed(&self, line: &str) -> u64 {
        let json: Value =
            serde_json::from_str(&self.stdout(&line.replace("--format csv", "--format json")))
                .unwrap();
        json["timing"]["resumed_jobs"].as_u64().unwrap()
    }

    /// Checks that a run fails with this code and a line that begins like this, prints no result and
    /// leaves the journal as it is.
    fn check_refused(&self, line: &str, code: i32, message: &str) {
        let before = fs::read(&self.journal).unwrap();
        let output = self.run(line);
        let (out, err) = texts(&output);
        assert_eq!((output.status.code(), out.as_str()), (Some(code), ""), "{line}: {err}");
        let message = message.replace("FILE", &format!("`{}`", self.journal.display()));
        assert!(err.starts_with(&format!("error: {message}\n")), "{line}: {err}");
        assert!(err.lines().skip(1).all(|line| line.starts_with("hint: ")), "{err}");
        assert!(fs::read(&self.journal).unwrap() == before, "{line}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_journal_cut_off_anywhere_gives_the_same_bytes() {
    let place = Place::new();
    let line = format!("{LINE} --backend serial");
    let expected = place.stdout(&line);
    let whole = fs::read(&place.journal).unwrap();
    for len in 0..=whole.len() {
        fs::write(&place.journal, &whole[..len]).unwrap();
        assert_eq!(place.stdout(&line), expected, "{len} bytes");
        assert!(fs::read(&place.journal).unwrap() == whole, "{len} bytes");
    }
}

#[test]
fn a_flipped_bit_is_never_believed() {
    let place = Place::new();
    let line = format!("{LINE} --backend serial");
    fs::write(&place.journal, "").unwrap();
    let expected = place.stdout(&line);
    let whole = fs::read(&place.journal).unwrap();
    let mut n_refused = 0;
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(&place.journal, &damaged).unwrap();
        let output = place.run(&line);
        let (out, err) = texts(&output);
        if output.status.success() {
            assert_eq!((out, err), (expected.clone(), String::new()), "byte {at}");
            assert!(fs::read(&place.journal).unwrap() == whole, "byte {at}");
        } else {
            n_refused += 1;
            assert_eq!((output.status.code(), out), (Some(3), String::new()), "byte {at}");
            let name = format!("`{}`", place.journal.display());
            assert!(err.starts_with("error: ") && err.contains(&name), "byte {at}: {err}");
            assert!(fs::read(&place.journal).unwrap() == damaged, "byte {at}");
        }
    }
    // All of the header and nothing but the header.
    let records = whole.len() - n_refused;
    assert_eq!(records, 6 * (4 + 4 + 8), "six records: length, job with one count, checksum");
}

#[test]
fn a_finished_journal_needs_no_worker() {
    let place = Place::new();
    let expected = place.stdout(LINE);
    for backend in BACKENDS {
        let line = format!("{LINE} --backend {backend} --worker-program /no/such/program");
        assert_eq!(place.stdout(&line), expected);
        assert_eq!(place.n_resumed(&line), N_JOBS);
    }
    let output = place.run(&format!("{LINE} --progress always"));
    assert_eq!(texts(&output).1, "6/6 jobs, 0.0/s\n");
}

#[test]
fn only_the_missing_jobs_are_run() {
    let place = Place::new();
    let trace = place.directory.path().join("trace.json");
    place.stdout(LINE);
    let whole = fs::read(&place.journal).unwrap();
    // In the middle of the fourth record from the end.
    fs::write(&place.journal, &whole[..whole.len() - 3 * 16 - 5]).unwrap();
    for backend in BACKENDS {
        let before = fs::read(&place.journal).unwrap();
        let line =
            format!("{LINE} --backend {backend} --trace {} --progress always", trace.display());
        let output = place.run(&line);
        assert!(output.status.success(), "{output:?}");
        let trace: Value = serde_json::from_slice(&fs::read(&trace).unwrap()).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let n_run = events.iter().filter_map(|event| event["args"]["jobs"].as_array());
        assert_eq!(n_run.map(Vec::len).sum::<usize>(), 4, "{backend}");
        assert!(texts(&output).1.starts_with("6/6 jobs, "), "{output:?}");
        fs::write(&place.journal, before).unwrap();
    }
    assert_eq!(place.n_resumed(LINE), 2);
    assert_eq!(place.n_resumed(LINE), N_JOBS);
}

#[test]
fn how_it_is_done_and_shown_may_change() {
    let place = Place::new();
    let expected = place.stdout(LINE);
    let whole = fs::read(&place.journal).unwrap();
    for options in [
        "--backend serial",
        "--backend threads -w 3",
        "-w 1",
        "--order completion --backend serial",
        "--job-timeout 1m --max-crashes 9",
    ] {
        fs::write(&place.journal, &whole[..whole.len() - 20]).unwrap();
        let printed = place.stdout(&format!("{LINE} {options}"));
        assert_eq!(sorted(&printed), sorted(&expected), "{options}");
    }
    let without = |line: &str| {
        let mut command = command(env!("CARGO_BIN_EXE_parzen"));
        let command = command.arg("estimate").arg(&place.samples).args(line.split_whitespace());
        texts(&command.output().unwrap()).0
    };
    // Whoever leaves the method open gets that of the journal, whatever the order.
    let auto = LINE.replace("--method direct", "");
    for line in [format!("{LINE} --volume notebook"), auto.clone()] {
        assert_eq!(place.stdout(&line), without(&line));
        assert_eq!(place.n_resumed(&line), N_JOBS);
    }
    fs::remove_file(&place.journal).unwrap();
    place.stdout(&auto);
    assert_eq!(place.n_resumed(&format!("{auto} --order completion")), N_JOBS / 2);
}

#[test]
fn the_journal_of_another_estimate_is_refused() {
    let place = Place::new();
    place.stdout(LINE);
    let check = |from: &str, to: &str, difference: &str| {
        let message = format!("the journal FILE is of another estimate: its {difference}");
        place.check_refused(&LINE.replace(from, to), 3, &message);
    };
    check("--widths 1,2", "--widths 1,3", "widths differ: 2 from 1 to 2, now 2 from 1 to 3");
    check("--widths 1,2", "--widths 0.5", "widths differ: 2 from 1 to 2, now only 0.5");
    check("--at 0.5", "--at 0.5 --at 1", "points differ: 1, now 2");
    check("--at 0.5", "", "points differ: 1, now others");
    check("direct", "shared", "methods differ: direct, now shared");
    check("--chunk-rows 2", "--chunk-rows 3", "chunks differ: 3 of 2 rows, now 2 of 3 rows");
    check("--chunk-rows 2", "", "chunks differ: 3 of 2 rows, now 1 of 6 rows");

    let check_samples = |text: &str, difference: &str| {
        fs::write(&place.samples, text).unwrap();
        check("", "", &format!("samples differ: 6×1, now {difference}"));
    };
    check_samples(&SAMPLES.replace("1.25", "1.26"), "others");
    check_samples("0.2\n0.1\n0.9\n-3\n1.25\n7\n", "others");
    check_samples(&format!("{SAMPLES}8\n"), "7×1");
    // The same numbers written otherwise are the same samples.
    fs::write(&place.samples, SAMPLES.replace("1.25", "125e-2")).unwrap();
    assert_eq!(place.n_resumed(LINE), N_JOBS);
}

#[test]
fn standard_input_is_known_by_its_content() {
    let place = Place::new();
    let expected = place.stdout(LINE);
    let run = |text: &str| {
        let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_parzen"));
        let line = format!("{LINE} --worker-program /no/such/program");
        command.args(["estimate", "-", "--journal"]).arg(&place.journal);
        command.args(line.split_whitespace()).write_stdin(text).assert()
    };
    run(SAMPLES).success().stdout(expected);
    run(&SAMPLES.replace('7', "8")).code(3).stdout("");
}

#[test]
fn no_other_file_is_taken_for_a_journal() {
    let place = Place::new();
    let not_one = "FILE is not a journal";
    for text in ["h,x1,count,density\n", "0", "\u{89}parzen-journal\n", "\n"] {
        fs::write(&place.journal, text).unwrap();
        place.check_refused(LINE, 3, not_one);
    }
    let other = place.directory.path().join("other.csv");
    fs::write(&other, SAMPLES).unwrap();
    let file = |path: &Path| format!("{LINE} --journal {}", path.display());
    for (path, message) in [
        (Path::new("/dev/full"), "error: `/dev/full` is no regular file"),
        (Path::new("/dev/null"), "error: `/dev/null` is no regular file"),
        (place.directory.path(), "error: failed to open the journal `"),
        (&place.directory.path().join("no/x"), "error: failed to open the journal `"),
        (&other, &format!("error: `{}` is not a journal", other.display())),
    ] {
        let mut command = command(env!("CARGO_BIN_EXE_parzen"));
        let command = command.arg("estimate").arg(&place.samples);
        let output = command.args(file(path).split_whitespace()).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!((output.status.code(), out.as_str()), (Some(3), ""), "{err}");
        assert!(err.starts_with(message), "{err}");
    }
    assert_eq!(fs::read_to_string(&other).unwrap(), SAMPLES);
}

#[test]
fn a_journal_is_no_file_of_another_option() {
    let place = Place::new();
    let journal = place.journal.display();
    let mut options = vec!["-o", "--trace"];
    if cfg!(feature = "plot") {
        options.push("--plot");
    }
    for option in options {
        let output = place.run(&format!("{LINE} {option} {journal}"));
        let (out, err) = texts(&output);
        assert_eq!((output.status.code(), out.as_str()), (Some(2), ""), "{err}");
        let expected = format!("error: invalid `--journal`: `{journal}` is the file of `-");
        assert!(err.starts_with(&expected), "{err}");
        assert!(!place.journal.exists());
    }
    let mut command = command(env!("CARGO_BIN_EXE_parzen"));
    let output = command.args(["estimate", "--journal", "-"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn nothing_is_made_for_an_estimate_that_cannot_be() {
    let place = Place::new();
    fs::write(&place.samples, "1\nx\n").unwrap();
    assert_eq!(place.run(LINE).status.code(), Some(3));
    assert_eq!(place.run(&format!("{LINE} --at 1,2")).status.code(), Some(3));
    assert!(!place.journal.exists());
}

#[test]
fn what_is_finished_when_the_disk_is_full_is_kept() {
    let place = Place::new();
    // 400 jobs of some bytes each; the first block or two of the file have room for a part of them.
    let line = "--widths linspace:1:2:200 --method direct --chunk-rows 3 --format csv";
    for backend in BACKENDS {
        let _ = fs::remove_file(&place.journal);
        let line = format!("{line} --backend {backend}");
        let expected = place.stdout(&line);
        let n_bytes = fs::metadata(&place.journal).unwrap().len();
        fs::remove_file(&place.journal).unwrap();

        // Blocks of 512 bytes or of 1024, as the shell likes it.
        let mut shell = command("sh");
        shell.args(["-c", "ulimit -f 4; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_parzen")]);
        let output = place.arguments(&mut shell, &line).output().unwrap();
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{backend}: {err}");
        let (error, hint) = err.split_once('\n').unwrap();
        let name = format!("`{}`", place.journal.display());
        assert!(
            error.starts_with(&format!("error: failed to write the journal {name}: ")),
            "{err}"
        );
        assert!(hint.starts_with(&format!("hint: {name} has what is finished")), "{err}");
        // Those that come first may be the last to end, where several are run at once.
        assert!(backend != "serial" || 1 < out.lines().count(), "{out}");
        assert!(out.lines().all(|line| expected.lines().any(|one| one == line)), "{backend}");

        let n_kept = fs::metadata(&place.journal).unwrap().len();
        assert!([2048, 4096].contains(&n_kept) && n_kept < n_bytes, "{n_kept} of {n_bytes}");
        assert!(out.lines().count() as u64 <= place.n_resumed(&line), "{backend}");
        assert_eq!(place.stdout(&line), expected);
    }
}

#[test]
fn a_link_to_a_journal_is_followed() {
    let place = Place::new();
    let target = place.directory.path().join("target");
    std::os::unix::fs::symlink(&target, &place.journal).unwrap();
    place.stdout(LINE);
    assert!(place.journal.is_symlink() && target.is_file());
    assert_eq!(place.n_resumed(LINE), N_JOBS);
}

#[test]
fn a_journal_that_may_not_be_written_is_told() {
    let place = Place::new();
    place.stdout(LINE);
    let mut permissions = fs::metadata(&place.journal).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&place.journal, permissions).unwrap();
    // Permissions do not stop the superuser.
    if fs::File::options().append(true).open(&place.journal).is_err() {
        let message = "failed to open the journal FILE: Permission denied (os error 13)";
        place.check_refused(LINE, 3, message);
    }
}

#[test]
fn a_damaged_end_is_told_and_computed_anew() {
    let place = Place::new();
    let expected = place.stdout(LINE);
    let whole = fs::read(&place.journal).unwrap();
    let mut file = fs::File::options().append(true).open(&place.journal).unwrap();
    file.write_all(&[7; 1 << 18]).unwrap();
    let output = place.run(LINE);
    let (out, err) = texts(&output);
    assert!(output.status.success() && out == expected, "{err}");
    assert!(err.contains("WARN") && err.contains("the journal is damaged"), "{err}");
    assert!(fs::read(&place.journal).unwrap() == whole);
}
