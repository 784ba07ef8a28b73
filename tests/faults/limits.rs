//! What the system may refuse the coordinator: memory, descriptors, room on a disk, directories.

use std::{
    fs::{self, File},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread,
};

use rustix::{
    process::{Pid, Resource, Rlimit, WaitOptions, geteuid, getrlimit, setrlimit, waitpid},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use crate::support::{PATIENCE, alone, children_of, eventually, within};

const PARZEN: &str = env!("CARGO_BIN_EXE_parzen");

/// Runs the program under a shell that sets a limit first, and waits for its end.
fn limited(limit: &str, line: &str) -> Output {
    shell(&format!("{limit}; exec '{PARZEN}' {line}"))
}

/// Runs a line of a shell, which becomes the program, and waits for its end.
#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn shell(line: &str) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line).stdin(Stdio::null());
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG");
    let output = within(PATIENCE, || command.output().unwrap());
    // A worker whose coordinator is gone has a second to go. It is this process's child then.
    eventually("its workers are gone", || {
        let left = children_of(std::process::id());
        for dead in left.iter().filter(|child| child.state == 'Z') {
            let _ = waitpid(Pid::from_raw(dead.pid.cast_signed()), WaitOptions::NOHANG);
        }
        left.is_empty().then_some(())
    });
    output
}

/// Runs the program where no file, shared memory included, may have more than `bytes`.
fn with_small_files(bytes: u64, line: &str) -> Output {
    // Not with `ulimit`, whose blocks are larger in some shells than in others.
    let before = getrlimit(Resource::Fsize);
    let limit = Rlimit { current: Some(bytes), ..before };
    setrlimit(Resource::Fsize, limit).unwrap();
    let output = limited("true", line);
    setrlimit(Resource::Fsize, before).unwrap();
    output
}

/// What is expected without any limit.
fn right() -> &'static str {
    static RIGHT: OnceLock<String> = OnceLock::new();
    RIGHT.get_or_init(|| {
        let output = limited("true", "estimate --backend serial --format csv");
        String::from_utf8(output.stdout).unwrap()
    })
}

/// Demands the right result, or nothing, one error line that says `reason`, and `code`.
fn right_or_told(output: &Output, code: i32, reason: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => assert_eq!(String::from_utf8_lossy(&output.stdout), right()),
        other => {
            assert_eq!(other, Some(code), "{stderr}");
            assert!(output.stdout.is_empty());
            assert!(stderr.starts_with("error: ") && stderr.contains(reason), "{stderr}");
            assert_eq!(stderr.lines().filter(|line| line.starts_with("error: ")).count(), 1);
            assert!(stderr.lines().skip(1).all(|line| line.starts_with("hint: ")), "{stderr}");
        }
    }
}

#[test]
fn few_descriptors_are_enough_or_told() {
    alone(|| {
        for (limit, workers) in [(32, 1), (64, 2), (1000, 40)] {
            let line = format!("estimate -w {workers} --format csv");
            let output = limited(&format!("ulimit -n {limit}"), &line);
            assert_eq!(output.status.code(), Some(0), "{limit}: {output:?}");
            right_or_told(&output, 0, "");
        }
        for (limit, workers) in [(16, 1), (32, 20), (100, 1000)] {
            let line = format!("estimate -w {workers} --format csv");
            let output = limited(&format!("ulimit -n {limit}"), &line);
            assert_eq!(output.status.code(), Some(4), "{limit}: {output:?}");
            right_or_told(&output, 4, &format!("the limit is {limit}"));
        }
    });
}

#[test]
fn a_soft_limit_of_descriptors_is_raised() {
    alone(|| {
        let output = limited("ulimit -S -n 32", "estimate -w 30 --format csv");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        right_or_told(&output, 0, "");
    });
}

#[test]
fn too_many_workers_are_a_usage_error() {
    alone(|| {
        let output = limited("true", "estimate -w 10000");
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("10000") && stderr.contains("1024"), "{stderr}");
    });
}

#[test]
fn samples_that_do_not_fit_into_memory_are_told() {
    alone(|| {
        let home = tempfile::tempdir().unwrap();
        let samples = home.path().join("x.npy");
        // 50 million zeros, of which the disk need not have any.
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (50000000,), }\n";
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        fs::write(&samples, [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat())
            .unwrap();
        File::options().append(true).open(&samples).unwrap().set_len(400_000_100).unwrap();
        let line = format!("estimate {} -w 2 --widths 0.5 --format csv", samples.display());
        let output = limited("ulimit -v 200000", &line);
        right_or_told(&output, 3, "Cannot allocate memory");
        assert!(!output.status.success(), "the limit is none");
    });
}

/// Bytes of the notebook's samples, which are in shared memory.
const NOTEBOOK: u64 = 160_000;

/// Runs `line` into a file called `name` without a limit, and with one of `bytes`, which is less
/// than it has.
fn leaves_no_half_a_file(line: &str, name: &str, bytes: u64) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(name);
    let line = format!("{line} {}", file.display());
    let output = limited("true", &line);
    assert!(output.status.success(), "{name}: {output:?}");
    let whole = fs::metadata(&file).unwrap().len();
    assert!(bytes < whole, "{name}: the limit is none");
    fs::remove_file(&file).unwrap();
    for before in [None, Some("what was there before")] {
        before.into_iter().for_each(|text| fs::write(&file, text).unwrap());
        let output = with_small_files(bytes, &line);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        let expected = format!("error: failed to write `{}`: File too large", file.display());
        assert!(stderr.starts_with(&expected), "{stderr}");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), before, "{name}");
        let files = fs::read_dir(home.path()).unwrap().count();
        assert_eq!(files, before.iter().count(), "{name}");
    }
    // How long the times are that it tells is chance.
    let output = with_small_files(whole + 1000, &line);
    assert!(output.status.success(), "{name}: {output:?}");
}

#[test]
fn a_full_disk_leaves_no_half_a_file() {
    alone(|| {
        let grid = "estimate --grid -3:3:60,-3:3:60 --widths 0.1,0.2,0.3 -w 2";
        for name in ["x.csv", "x.json"] {
            leaves_no_half_a_file(&format!("{grid} -o"), name, 2 * NOTEBOOK);
        }
    });
}

/// Samples in a file of numbers are mapped, so that the picture is the largest file.
#[test]
#[cfg(feature = "plot")]
fn a_full_disk_leaves_no_half_a_picture() {
    alone(|| {
        let home = tempfile::tempdir().unwrap();
        let samples = home.path().join("x.npy");
        let generate = format!("generate gauss --n 1000 --d 2 --seed 1 -o {}", samples.display());
        assert!(limited("true", &generate).status.success());
        let line = format!("estimate {} -w 2 --plot", samples.display());
        leaves_no_half_a_file(&line, "x.svg", 4096);
    });
}

#[test]
fn a_full_standard_output_is_told() {
    alone(|| {
        let output = limited("exec > /dev/full", "estimate -w 2");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("standard output: No space left"), "{stderr}");
    });
}

#[test]
fn no_room_for_shared_memory_is_told() {
    alone(|| {
        let output = with_small_files(NOTEBOOK - 1, "estimate -w 2 --format csv");
        assert!(!output.status.success(), "the limit is none");
        right_or_told(&output, 3, "samples into shared memory: File too large");
        let output = with_small_files(NOTEBOOK, "estimate -w 2 --format csv");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        right_or_told(&output, 0, "");
    });
}

/// With a umask that takes all rights away, files are made with some of its own.
#[test]
fn any_umask_will_do() {
    alone(|| {
        // The superuser opens what nobody may, unless it gives that up.
        let as_others = if geteuid().is_root() {
            "exec setpriv --bounding-set=-dac_override,-dac_read_search"
        } else {
            "exec"
        };
        for umask in ["0", "0777"] {
            let line = "estimate -w 4 --format csv";
            let output = shell(&format!("umask {umask}; {as_others} '{PARZEN}' {line}"));
            assert!(output.status.success(), "{output:?}");
            right_or_told(&output, 0, "");
            assert_eq!(fs::read_dir(std::env::temp_dir()).unwrap().count(), 0);
        }
    });
}

/// Processes inherit the cores of the thread that starts them.
#[test]
fn auto_counts_the_cores_that_may_be_used() {
    /// Each has all 12 widths for one job.
    fn jobs(rows: u64) -> u64 {
        10_000 / rows
    }
    alone(|| {
        let all = sched_getaffinity(None).unwrap();
        let first = (0..CpuSet::MAX_CPU).find(|&core| all.is_set(core)).unwrap();
        let mut one = CpuSet::new();
        one.set(first);
        let check = |cores: CpuSet, rows: u64| {
            let run = move || {
                sched_setaffinity(None, &cores).unwrap();
                // Counts a quota of time, too.
                let cores = thread::available_parallelism().unwrap().get() as u64;
                let line = format!("estimate --method shared --chunk-rows {rows} --format json");
                (cores, limited("true", &line).stdout)
            };
            let (cores, stdout) = thread::Builder::new().spawn(run).unwrap().join().unwrap();
            let json: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
            assert_eq!(json["workers"].as_u64(), Some(cores.min(jobs(rows))), "{rows} rows a job");
            cores
        };
        assert_eq!(check(one, 10), 1);
        for rows in [10, 5000, 10_000] {
            check(all, rows);
        }
    });
}
