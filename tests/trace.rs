//! `--trace`: the timeline of real runs.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// Twelve widths, three chunks.
const LINE: &str = "estimate --method direct --chunk-rows 4000 --workers 2";

/// Runs `line` with `--trace PATH`; gives its process id too.
#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn run(line: &str, path: &Path) -> (u32, Output) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.args(line.split_whitespace()).arg("--trace").arg(path);
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG");
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = child.spawn().unwrap();
    (child.id(), child.wait_with_output().unwrap())
}

/// Process id and events of a run that must succeed.
fn trace(line: &str) -> (u64, Vec<Value>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.json");
    let (pid, output) = run(line, &path);
    assert!(output.status.success(), "{line}: {output:?}");
    let mut trace: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(trace["displayTimeUnit"], "ms");
    let Value::Array(events) = trace["traceEvents"].take() else { panic!("{trace}") };
    (pid.into(), events)
}

/// Process and thread.
type Id = (u64, u64);

fn id(event: &Value) -> Id {
    (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap())
}

fn track_names(events: &[Value]) -> BTreeMap<Id, &str> {
    let named = events.iter().filter(|event| event["name"] == "thread_name");
    named.map(|event| (id(event), event["args"]["name"].as_str().unwrap())).collect()
}

fn slices(events: &[Value]) -> impl Iterator<Item = &Value> {
    events.iter().filter(|event| event["ph"] == "X")
}

/// Names of the slices of one category on `track`.
fn names<'a>(events: &'a [Value], track: Id, category: &str) -> Vec<&'a str> {
    let own = slices(events).filter(|event| id(event) == track && event["cat"] == category);
    own.map(|event| event["name"].as_str().unwrap()).collect()
}

/// Checks what is true of every trace: times ascend, and nothing overlaps.
fn check_times(events: &[Value]) {
    let mut ends: BTreeMap<Id, f64> = BTreeMap::new();
    let mut last_ts = 0.0;
    for event in slices(events) {
        let (ts, dur) = (event["ts"].as_f64().unwrap(), event["dur"].as_f64().unwrap());
        assert!(last_ts <= ts && 0.0 <= dur, "{event}");
        last_ts = ts;
        let before = ends.insert(id(event), ts + dur);
        assert!(before.is_none_or(|before| before <= ts), "{event} begins before {before:?}");
    }
    assert_eq!(ends.keys().collect::<BTreeSet<_>>(), track_names(events).keys().collect());
}

/// Checks that all jobs of `LINE` are there, too.
fn check(events: &[Value]) {
    check_times(events);
    let jobs = slices(events).filter_map(|event| event["args"]["jobs"].as_array()).flatten();
    let mut numbers: Vec<u64> = jobs.map(|job| job["job"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..12 * 3).collect::<Vec<_>>());
}

#[test]
fn every_process_has_a_track() {
    let (pid, events) = trace(LINE);
    check(&events);
    let tracks = track_names(&events);
    assert_eq!(tracks.len(), 3, "{tracks:?}");
    assert_eq!(tracks.get(&(pid, pid)), Some(&"coordinator"));
    for (&track, &name) in &tracks {
        assert_eq!(track.0, track.1, "{name} is not a process");
        let phases = names(&events, track, "phase");
        if name == "coordinator" {
            let expected = ["read", "share", "start", "dispatch", "work", "collect", "stop"];
            assert_eq!(phases, expected);
        } else {
            assert!(name.starts_with("worker "), "{name}");
            assert_eq!(phases, ["start", "handshake", "stop"], "{name}");
            assert!(!names(&events, track, "idle").is_empty(), "{name}");
        }
    }
    let processes = events.iter().filter(|event| event["name"] == "process_name");
    assert_eq!(processes.count(), 3);
}

#[test]
fn threads_have_tracks_in_one_process() {
    let (pid, events) = trace(&format!("{LINE} --backend threads"));
    check(&events);
    let tracks = track_names(&events);
    assert_eq!(tracks.len(), 3, "{tracks:?}");
    assert!(tracks.keys().all(|track| track.0 == pid), "{tracks:?}");
}

#[test]
fn a_serial_run_is_one_track() {
    let (pid, events) = trace(&format!("{LINE} --backend serial"));
    check(&events);
    assert_eq!(track_names(&events).into_iter().collect::<Vec<_>>(), [((pid, pid), "coordinator")]);
    assert_eq!(names(&events, (pid, pid), "job").len(), 12 * 3);
}

#[test]
fn a_benchmark_has_a_group_for_each_case() {
    let line = "bench --quick --rounds 1 --warmup 0 --workers 2 --max-foreign 1";
    let (_, events) = trace(line);
    check_times(&events);
    let named = events.iter().filter(|event| event["name"] == "process_name");
    let names: Vec<&str> = named.map(|event| event["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["serial", "2 threads", "2 processes", "2 processes, warm"]);
    for (group, tracks) in (1_u64..).zip([1, 3, 3, 3]) {
        let ids = track_names(&events).into_keys().filter(|track| track.0 == group);
        assert_eq!(ids.count(), tracks, "group {group}");
    }
}

#[test]
fn without_a_run_there_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.json");
    let (_, output) = run("estimate none.npy", &path);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_trace_needs_a_file() {
    let (_, output) = run(LINE, Path::new("-"));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
}
