//! `parzen bench` and `parzen info`, as their users see them. Rounds are few and small: what is
//! tested is what is said of them, not how fast they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::{
    collections::HashMap,
    fs,
    io::Read,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "the tests start the program as a user would")]
fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.args(line.split_whitespace()).stdin(Stdio::null());
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG");
    command
}

fn run(line: &str) -> Output {
    command(line).output().unwrap()
}

/// Standard output of `line`, which must succeed in silence.
fn stdout(line: &str) -> String {
    let output = run(line);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.is_empty(), "{line}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

fn json(line: &str) -> Value {
    serde_json::from_str(&stdout(&format!("{line} --format json"))).unwrap()
}

/// A small benchmark that never repeats a round because of what else the machine does.
const SMALL: &str = "bench --quick --rounds 2 --workers 2 --widths 0.5,1 --max-foreign 100%";

fn cases(measurement: &Value) -> Vec<String> {
    let name = |case: &Value| {
        let text = |key: &str| case["case"][key].as_str().unwrap().to_owned();
        let workers = &case["case"]["workers"];
        format!("{} {workers} {} {}", text("backend"), text("pool"), text("sharing"))
    };
    measurement["cases"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn every_backend_has_its_rounds_and_equal_results() {
    let found = json(SMALL);
    let measurement = &found["measurements"][0];
    let expected = [
        "serial 1 fresh once",
        "threads 2 fresh once",
        "processes 2 fresh once",
        "processes 2 warm once",
    ];
    assert_eq!(cases(measurement), expected);
    let rounds = measurement["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 8);
    for round in rounds {
        assert_eq!(round["digest"], rounds[0]["digest"]);
        assert_eq!((round["lost"].as_u64(), round["jobs"].as_u64()), (Some(0), Some(10)));
    }
    assert_eq!(measurement["subject"]["jobs"], 10);
    let serial = &measurement["cases"][0];
    assert!(serial["speedup"].is_null() && serial["wall_ns"]["n"] == 2);
    let threads = &measurement["cases"][1];
    assert!(0.0 < threads["speedup"]["point"].as_f64().unwrap());
    assert!(threads["speedup"]["interval"]["low"].is_f64());
    assert!(!found["conclusions"].as_array().unwrap().is_empty());
    assert_eq!(found["machine"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(found["interrupted"], false);
}

#[test]
fn the_parts_of_a_round_add_up_to_its_whole() {
    let line = "bench --quick --rounds 3 --workers 2 --method direct --max-foreign 1";
    let found = json(&format!("{line} --compare per-job-copy"));
    for round in found["measurements"][0]["rounds"].as_array().unwrap() {
        let part = |name: &str| round["parts"][name].as_u64().unwrap();
        let names = ["start_ns", "share_ns", "dispatch_ns", "work_ns", "collect_ns", "stop_ns"];
        let sum: u64 = names.map(part).iter().sum();
        let whole = round["wall_ns"].as_u64().unwrap();
        assert!(whole.abs_diff(sum) * 50 <= whole, "{whole} and {sum}: {round}");
        let sharing = round["case"]["sharing"].as_str().unwrap();
        let sent = round["traffic"]["bytes_sent"].as_u64();
        match (round["case"]["backend"].as_str().unwrap(), round["case"]["pool"].as_str().unwrap())
        {
            ("processes", "fresh") if sharing == "per-job-copy" => {
                assert!(1000 * 160_000 < sent.unwrap(), "{round}");
            }
            ("processes", "fresh") => {
                // The samples once, and messages.
                assert!((160_000..500_000).contains(&sent.unwrap()), "{round}");
                assert!(0 < part("start_ns") && 0 < part("stop_ns"), "{round}");
            }
            ("processes", _) => {
                assert!(sent.unwrap() < 300_000 && part("start_ns") + part("share_ns") == 0);
            }
            _ => assert_eq!(sent, None),
        }
        let compute: u64 = round["workers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|worker| worker["compute_ns"].as_u64().unwrap())
            .sum();
        assert_eq!(Some(compute), round["compute_ns"].as_u64());
    }
}

#[test]
fn every_format_has_every_case() {
    let table = stdout(SMALL);
    for name in ["serial", "2 threads", "2 processes", "2 processes, warm", "Conclusions"] {
        assert!(table.contains(name), "{name}: {table}");
    }
    assert!(stdout(&format!("{SMALL} --format md")).contains("| 2 processes, warm |"));
    let csv = stdout(&format!("{SMALL} --format csv"));
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns.len(), 5);
    assert!(columns.iter().all(|&n| n == columns[0]), "{csv}");
}

#[test]
fn a_sweep_measures_each_size_and_says_where_processes_pay() {
    let found = json(&format!("{SMALL} --sweep n=100,200,20000"));
    let sizes = found["measurements"].as_array().unwrap().iter();
    let sizes: Vec<u64> = sizes.map(|one| one["subject"]["n"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [100, 200, 20_000]);
    assert_eq!(found["sweep"]["axis"], "n");
    // A fresh and a warm pool.
    assert_eq!(found["sweep"]["break_even"].as_array().unwrap().len(), 2);
    let found = json(&format!("{SMALL} --sweep widths=1,3"));
    let widths = |idx: usize| found["measurements"][idx]["subject"]["widths"].as_u64();
    assert_eq!((widths(0), widths(1)), (Some(1), Some(3)));
    let found = json("bench --quick --rounds 1 --warmup 0 --max-foreign 1 --sweep workers=1,2");
    assert_eq!(cases(&found["measurements"][0]).len(), 7);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let small = directory.path().join("small.csv");
    fs::write(&small, "1,2\n3,4\n").unwrap();
    let small = small.display().to_string();
    for (line, message) in [
        (format!("bench {small} --sweep n=1,3"), "has 2 samples, fewer than 3"),
        ("bench --sweep d=1".to_owned(), "expected `n=SPEC`"),
        ("bench --sweep workers=1,2 --workers 3".to_owned(), "--workers"),
        ("bench --workers 0".to_owned(), "expected numbers from 1 to 1024"),
        ("bench --max-foreign 2".to_owned(), "expected a share"),
        ("bench --rounds 0".to_owned(), "expected a whole number from 1 to 4294967295"),
        ("bench --seed x".to_owned(), "expected a whole number from 0 to 18446744073709551615"),
        ("bench --warmup x".to_owned(), "expected a whole number from 0 to"),
        ("bench --sweep n=0".to_owned(), "0 is not a size: expected numbers from 1 to 1e15"),
        ("bench --sweep workers=0,1".to_owned(), "0 is not a size"),
        (format!("bench {small} -o {small}"), "`--output`: `FILE` is the file of `SAMPLES` too"),
        (format!("bench --points {small} --html {small}"), "`FILE` is the file of `--points` too"),
        ("bench --sweep n=1e14".to_owned(), "bytes of memory"),
        ("bench -o x.jsonl".to_owned(), "cannot tell the format"),
    ] {
        let output = run(&line);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {error}");
        let message = message.replace("FILE", &small);
        assert!(error.starts_with("error: ") && error.contains(&message), "{line}: {error}");
        assert!(output.stdout.is_empty(), "{line}");
    }
    let output = run("bench --worker-program /nowhere --quick --max-foreign 1");
    assert_eq!(output.status.code(), Some(4));
    fs::write(directory.path().join("bad.npy"), "no").unwrap();
    let output = run(&format!("bench {}", directory.path().join("bad.npy").display()));
    assert_eq!(output.status.code(), Some(3));
}

#[cfg(feature = "plot")]
#[test]
fn pictures_are_drawn_besides() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (times, speed_up, figures) = (path("times.svg"), path("speed-up.png"), path("bench.json"));
    stdout(&format!("{SMALL} --plot {times} --plot-speed-up {speed_up} -o {figures}"));
    assert!(fs::read_to_string(times).unwrap().contains("Serial vs. Multiprocessing"));
    assert!(fs::read(speed_up).unwrap().starts_with(b"\x89PNG"));
    serde_json::from_str::<Value>(&fs::read_to_string(figures).unwrap()).unwrap();
    let output = run(&format!("bench --backends serial --plot {}", path("x.svg")));
    assert_eq!(output.status.code(), Some(2));
    // However it is spelled.
    let (one, same) = (path("x.svg"), path("./x.svg"));
    let output = run(&format!("{SMALL} --plot {one} --plot-speed-up {same}"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is the file of `--plot` too"));
}

#[test]
fn the_machine_is_described() {
    let machine: Value = serde_json::from_str(&stdout("info --format json")).unwrap();
    let cores = machine["affinity"].as_array().unwrap().len() as u64;
    let available = machine["available"].as_u64().unwrap();
    assert!(0 < available && available <= cores);
    let table = stdout("info");
    for name in ["processor", "affinity", "cgroup CPU quota", "memory", "kernel", "rustc "] {
        assert!(table.contains(name), "{name}: {table}");
    }
}

/// Work of which a round takes some tenths of a second.
const SLOW: &str = "bench --workers 2 --rounds 3 --warmup 0 --method direct --max-foreign 1 \
                    --grid -3:3:40,-3:3:40 --widths linspace:0.1:2:30 --format json";

fn start(line: &str) -> Child {
    command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What `child` printed, once it has ended.
fn finish(mut child: Child) -> (Option<i32>, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().code(), out, err)
}

/// Ticks that each child process of `parent` ran.
fn children(parent: u32) -> HashMap<u32, u64> {
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<String> =
            stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect();
        let is_child = fields[1].parse() == Ok(parent);
        is_child.then(|| Some((pid, fields[11].parse().ok()?)))?
    });
    stats.collect()
}

/// A worker of `parent` that is computing now.
fn busy_worker(parent: u32) -> u32 {
    let mut before = children(parent);
    let deadline = now() + DEADLINE;
    while now() < deadline {
        thread::sleep(Duration::from_millis(30));
        let after = children(parent);
        let ran = |(pid, ticks): (&u32, &u64)| {
            before.get(pid).is_some_and(|earlier| earlier < ticks).then_some(*pid)
        };
        if let Some(pid) = after.iter().find_map(ran) {
            return pid;
        }
        before = after;
    }
    panic!("no worker of {parent} ever ran");
}

#[expect(clippy::disallowed_methods, reason = "a test with a deadline")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn a_round_whose_worker_is_killed_is_reported_and_repeated() {
    let child = start(&format!("{SLOW} --backends serial,processes"));
    let victim = busy_worker(child.id());
    kill_process(Pid::from_raw(victim.cast_signed()).unwrap(), Signal::KILL).unwrap();
    let (code, out, err) = finish(child);
    assert_eq!(code, Some(0), "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let measurement = &found["measurements"][0];
    let repeated = measurement["repeated"].as_array().unwrap();
    assert_eq!(repeated.len(), 1, "{repeated:?}");
    assert_eq!(
        (repeated[0]["lost"].as_u64(), repeated[0]["again"].as_bool()),
        (Some(1), Some(true))
    );
    let rounds = measurement["rounds"].as_array().unwrap();
    assert_eq!(rounds.len(), 9, "three rounds of three cases count");
    assert!(rounds.iter().all(|round| round["lost"] == 0));
    let warnings = found["warnings"].to_string();
    assert!(warnings.contains("because a worker died"), "{warnings}");
}

#[test]
fn an_interrupted_benchmark_says_what_it_has() {
    let child = start(&format!("{SLOW} --backends processes"));
    busy_worker(child.id());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let (code, out, err) = finish(child);
    assert_eq!(code, Some(130), "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["interrupted"], true);
    assert!(found["warnings"][0].as_str().unwrap().contains("stopped"));
}
