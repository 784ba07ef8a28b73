//! What the system may refuse the coordinator: memory, descriptors, room on a disk, directories.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread,
};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::{PATIENCE, alone, children_of, within};

const PARZEN: &str = env!("CARGO_BIN_EXE_parzen");

/// Runs the program under a shell that sets a limit first, and waits for its end.
#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn limited(limit: &str, line: &str) -> Output {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("{limit}; exec '{PARZEN}' {line}")).stdin(Stdio::null());
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG");
    let output = within(PATIENCE, || command.output().unwrap());
    // A worker whose coordinator is gone has a second to go.
    crate::support::eventually("its workers are gone", || {
        children_of(std::process::id()).is_empty().then_some(())
    });
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
        for (limit, workers) in [(32, 1), (64, 2), (20_000, 40)] {
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

#[test]
fn a_full_disk_leaves_no_half_a_file() {
    alone(|| {
        let home = tempfile::tempdir().unwrap();
        let grid = "--grid -3:3:60,-3:3:60 --widths 0.1,0.2,0.3";
        for name in ["x.csv", "x.json", "x.svg"] {
            let file = home.path().join(name);
            let option = if name == "x.svg" { "--plot" } else { "-o" };
            let line = format!("estimate {grid} -w 2 {option} {}", file.display());
            // In blocks of 512 bytes. The shared memory with the samples counts as a file, too.
            let output = limited("trap '' XFSZ; ulimit -f 8000", &line);
            assert!(output.status.success(), "{name}: {output:?}");
            fs::remove_file(&file).unwrap();
            let output = limited("trap '' XFSZ; ulimit -f 8", &line);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(matches!(output.status.code(), Some(1 | 3)), "{name}: {output:?}");
            assert!(stderr.starts_with("error: ") && stderr.contains("File too large"), "{stderr}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{name}");
        }
        let output = limited("exec > /dev/full", "estimate -w 2");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains("standard output: No space left"), "{stderr}");
    });
}

#[test]
fn no_umask_opens_the_door() {
    alone(|| {
        for umask in ["0", "0777"] {
            let output = limited(&format!("umask {umask}"), "estimate -w 4 --format csv");
            right_or_told(&output, 4, "failed to make a socket");
            assert!(umask != "0" || output.status.success(), "{output:?}");
            assert_eq!(fs::read_dir(std::env::temp_dir()).unwrap().count(), 0);
        }
    });
}

/// Processes inherit the cores of the thread that starts them.
#[test]
fn auto_counts_the_cores_that_may_be_used() {
    alone(|| {
        let all = sched_getaffinity(None).unwrap();
        let first = (0..CpuSet::MAX_CPU).find(|&core| all.is_set(core)).unwrap();
        let mut one = CpuSet::new();
        one.set(first);
        let workers = |cores: CpuSet| {
            let run = move || {
                sched_setaffinity(None, &cores).unwrap();
                limited("true", "estimate --format json").stdout
            };
            let stdout = thread::Builder::new().spawn(run).unwrap().join().unwrap();
            let json: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
            json["workers"].as_u64().unwrap()
        };
        assert_eq!(workers(one), 1);
        // With a quota of time there may be fewer than cores.
        assert!((1..=u64::from(all.count())).contains(&workers(all)));
    });
}

#[test]
fn a_directory_that_is_none_is_named() {
    alone(|| {
        for directory in ["/proc", "/no/such/directory"] {
            assert!(directory == "/proc" || !Path::new(directory).exists());
            let output = limited(&format!("export TMPDIR={directory}"), "estimate -w 2");
            assert_eq!(output.status.code(), Some(4));
            right_or_told(&output, 4, &format!("failed to make a socket in `{directory}`"));
        }
    });
}
