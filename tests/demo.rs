//! The lessons: what they say is true, told from their figures.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashSet;

use assert_cmd::Command;
use serde_json::Value;

fn demo(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    command.env_remove("PARZEN_WORKER").env_remove("RUST_LOG").arg("demo").args(args);
    let output = command.timeout(std::time::Duration::from_secs(60)).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    assert!(stderr.is_empty(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn figures(lesson: &str, args: &[&str]) -> Value {
    let text = demo(&[&[lesson, "--format", "json"], args].concat());
    let mut all: Value = serde_json::from_str(&text).unwrap();
    all[lesson].take()
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn without_a_name_the_lessons_are_listed() {
    let list = demo(&[]);
    let names: Vec<_> =
        list.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
    let expected = [
        "process",
        "order",
        "pool",
        "window",
        "density",
        "benchmark",
        "cpu-io",
        "crash",
        "threads",
        "all",
    ];
    assert_eq!(names, expected);
}

#[test]
fn processes_draw_strings_of_their_own_and_a_seed_repeats_them() {
    let first = figures("process", &["--seed", "7"]);
    let drawn = strings(&first["strings"]);
    assert_eq!(drawn.len(), 4);
    let text = demo(&["process", "--seed", "7"]);
    assert!(text.contains(&format!("as the notebook prints them: {drawn:?}\n")), "{text}");
    for string in &drawn {
        assert_eq!(string.len(), 5, "{string}");
        assert!(string.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{string}");
    }
    assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), 4, "streams differ");
    let pids = numbers(&first["pids"]);
    assert_eq!(pids.iter().collect::<HashSet<_>>().len(), 4, "processes differ");
    let same = strings(&first["same_seed_strings"]);
    assert!(same.iter().all(|string| *string == same[0]), "{same:?}");

    assert_eq!(figures("process", &["--seed", "7"])["strings"], first["strings"]);
    assert_ne!(figures("process", &["--seed", "8"])["strings"], first["strings"]);
}

#[test]
fn strings_arrive_out_of_order_and_are_sorted() {
    let order = figures("order", &[]);
    let pairs =
        |name: &str| -> Vec<(u64, String)> { serde_json::from_value(order[name].clone()).unwrap() };
    let (arrived, sorted) = (pairs("arrived"), pairs("sorted"));
    assert_eq!(order["arrived_out_of_order"], true);
    assert_ne!(arrived, sorted);
    assert_eq!(sorted.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(sorted.iter().collect::<HashSet<_>>(), arrived.iter().collect::<HashSet<_>>());
    let strings = strings(&order["strings"]);
    assert!(sorted.into_iter().map(|(_, string)| string).eq(strings));
}

#[test]
fn six_ways_give_six_cubes() {
    let pools = figures("pool", &[]);
    assert_eq!(pools["workers"], 4);
    let calls = pools["calls"].as_array().unwrap();
    let names: Vec<_> = calls.iter().map(|call| call["name"].as_str().unwrap()).collect();
    let expected = ["apply", "map", "apply_async", "map_async", "imap", "imap_unordered"];
    assert_eq!(names, expected);
    for call in calls {
        let mut results = numbers(&call["results"]);
        if call["name"] == "imap_unordered" {
            results.sort_unstable();
        }
        assert_eq!(results, [1, 8, 27, 64, 125, 216], "{call}");
        let blocks = call["name"] == "apply" || call["name"] == "map";
        assert_eq!(call["blocks"], blocks, "{call}");
        // Each cube takes 20 ms, and no two of `apply` overlap.
        let (handed_in_us, done_us) =
            (call["handed_in_us"].as_f64().unwrap(), call["done_us"].as_f64().unwrap());
        assert!(20_000.0 <= done_us && handed_in_us <= done_us, "{call}");
        assert!(call["name"] != "apply" || 120_000.0 <= done_us, "{call}");
    }
    let text = demo(&["pool", "-w", "1"]);
    assert!(text.contains("a pool of 1 worker process, six ways"), "{text}");
    assert_eq!(text.matches("[1, 8, 27, 64, 125, 216]").count(), 6, "one worker keeps any order");
}

#[test]
fn three_of_ten_samples_are_in_the_window() {
    let window = figures("window", &[]);
    assert_eq!(window["inside"].as_array().unwrap().len(), 3);
    assert_eq!(window["outside"].as_array().unwrap().len(), 7);
    assert_eq!((&window["count"], &window["density"]), (&Value::from(3), &Value::from(0.3)));
    assert!(demo(&["window"]).contains("p(x) = (3 / 10) / h^3 = 0.3\n"));
}

#[test]
fn the_notebooks_twelve_lines_are_printed_as_they_were() {
    let text = demo(&["density"]);
    let notebook = "\
h = 0.1, p(x) = 0.016
h = 0.2, p(x) = 0.0305
h = 0.3, p(x) = 0.045
h = 0.4, p(x) = 0.06175
h = 0.5, p(x) = 0.078
h = 0.6, p(x) = 0.0911666666667
h = 0.7, p(x) = 0.106
h = 0.8, p(x) = 0.117375
h = 0.9, p(x) = 0.132666666667
h = 1.0, p(x) = 0.1445
h = 1.1, p(x) = 0.157090909091
h = 1.2, p(x) = 0.1685
actual probability density: 0.159154943092
";
    assert!(text.contains(notebook), "{text}");
}

#[test]
fn dividing_by_the_area_leaves_no_best_width() {
    let density = figures("density", &[]);
    assert_eq!(density["closest_by_h"].as_f64(), Some(1.1));
    assert_eq!(density["closest_by_area"].as_f64(), Some(0.1));
    let agree: Vec<f64> = serde_json::from_value(density["within_two_errors"].clone()).unwrap();
    assert_eq!(agree.len(), 7, "h = 0.1 is no better than six others");
    let truth = density["true_density"].as_f64().unwrap();
    assert!((truth - 0.159_154_943_092).abs() < 1e-12);
    let counts: Vec<_> =
        density["rows"].as_array().unwrap().iter().map(|row| &row["count"]).collect();
    assert_eq!(counts, [16, 61, 135, 247, 390, 547, 742, 939, 1194, 1445, 1728, 2022]);
    assert_eq!(density["rows"][0]["by_area"].as_f64().map(|p| (p * 100.0).round()), Some(16.0));
}

#[test]
fn both_columns_stand_beside_the_truth() {
    let text = demo(&["density", "-w", "2"]);
    let row = text.lines().find(|line| line.trim_start().starts_with("0.1 ")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(cells[..6], ["0.1", "16", "0.016", "0.16", "±", "0.0400"], "{text}");
    // The notebook's value is far from the truth, that by the area close to it.
    let place = cells[6];
    assert!(place.find('h').unwrap() < 5 && 20 < place.find('A').unwrap(), "{place}");
}

#[test]
fn serial_is_compared_with_the_notebooks_numbers_of_processes() {
    let comparison = figures("benchmark", &[]);
    assert_eq!(comparison["machine"]["available"].as_u64().map(|cores| 0 < cores), Some(true));
    let runs = comparison["runs"].as_array().unwrap();
    assert_eq!(
        runs.iter().map(|run| run["n"].as_u64()).collect::<Vec<_>>(),
        [Some(10_000), Some(1_000_000)]
    );
    for run in runs {
        assert_eq!(run["widths"], 100);
        let cases = run["cases"].as_array().unwrap();
        let processes: Vec<_> = cases.iter().map(|case| case["processes"].as_u64()).collect();
        assert_eq!(processes, [None, Some(2), Some(3), Some(4), Some(6)]);
        let seconds = |case: &Value| case["seconds"].as_f64().unwrap();
        let serial = seconds(&cases[0]);
        for case in cases {
            let percent = case["percent_of_serial"].as_f64().unwrap();
            assert!((percent - 100.0 * serial / seconds(case)).abs() < 1e-9, "{case}");
            let share = case["start_share"].as_f64().unwrap();
            assert!((0.0..1.0).contains(&share), "{case}");
            assert_eq!(0.0 < share, !case["processes"].is_null(), "{case}");
        }
        let quartile = |case: &Value, name: &str| case[name].as_f64().unwrap();
        let mut best = &cases[0];
        for case in &cases[1..] {
            if quartile(case, "upper_quartile_s") < quartile(best, "lower_quartile_s") {
                best = case;
            }
        }
        assert_eq!(run["helped_up_to"], best["processes"], "{run}");
    }
}

#[test]
fn the_benchmark_is_told_with_bars_and_its_machine() {
    let text = demo(&["benchmark", "-w", "2"]);
    for n in ["n=10000", "n=1000000"] {
        assert!(text.contains(n), "{text}");
    }
    let is_bar = |line: &&str| line.contains('|') && line.trim_end().ends_with('%');
    let bars: Vec<_> = text.lines().filter(is_bar).collect();
    assert_eq!(bars.len(), 4, "serial and 2 processes, twice: {text}");
    assert_eq!(text.matches("On ").count(), 2, "the cores stand beside each conclusion: {text}");
    assert!(text.contains("cores ") && text.contains("compiler "), "{text}");
}

#[test]
#[cfg(feature = "plot")]
fn lessons_with_a_picture_draw_it_as_svg_and_png() {
    let directory = tempfile::tempdir().unwrap();
    for (lesson, words) in [
        ("window", vec!["inside the window: 3", "outside the window: 7", "p(x) = 0.3"]),
        ("density", vec!["count / n / h²", "as in the notebook", "true density 0.159155"]),
        ("benchmark", vec!["time in seconds for n=10000", "number of processes", "100.00%"]),
    ] {
        let file = |extension: &str| directory.path().join(format!("{lesson}.{extension}"));
        let (svg, png) = (file("svg"), file("png"));
        demo(&[
            lesson,
            "-w",
            "2",
            "--plot",
            svg.to_str().unwrap(),
            "--plot",
            png.to_str().unwrap(),
        ]);
        let text = std::fs::read_to_string(svg).unwrap();
        for word in words {
            assert!(text.contains(word), "{lesson}: no {word:?}");
        }
        assert!(std::fs::read(png).unwrap().starts_with(b"\x89PNG"), "{lesson}");
    }
}

#[test]
#[cfg(feature = "plot")]
fn a_picture_is_asked_for_where_there_is_one() {
    let directory = tempfile::tempdir().unwrap();
    for lesson in ["all", "crash"] {
        let file = directory.path().join("x.svg");
        let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
        let command = command.args(["demo", lesson, "--plot"]).arg(&file);
        let output = command.assert().code(2).get_output().clone();
        assert!(output.stdout.is_empty(), "{lesson}: the lesson was not begun");
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("`window`, `density`, `benchmark`"), "{stderr}");
        assert!(!file.exists());
    }
}

#[test]
fn a_worker_program_that_is_none_is_told_with_a_hint() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parzen"));
    let output = command
        .args(["demo", "pool", "--worker-program", "/bin/true"])
        .assert()
        .code(4)
        .get_output()
        .clone();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: failed to start the workers: `/bin/true` exited"),
        "{stderr}"
    );
    assert!(stderr.contains("\nhint: `--worker-program` names another"), "{stderr}");
}

#[test]
fn waiting_overlaps_whatever_the_cores() {
    let figures = figures("cpu-io", &[]);
    let seconds = |kind: &str, way: &str| figures[kind][way].as_f64().unwrap();
    // Eight waits of 40 ms one after another; four at a time need two turns, and no core.
    let serial = seconds("io_bound", "serial_s");
    assert!(0.32 <= serial);
    for way in ["threads_s", "processes_s"] {
        assert!(0.08 <= seconds("io_bound", way), "{figures}");
        assert!(seconds("io_bound", way) < serial, "nothing overlapped: {figures}");
        assert!(0.0 < seconds("cpu_bound", way), "{figures}");
    }
    let others = &figures["used_by_others"];
    assert!(others.is_null() || others.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)));
    let text = demo(&["cpu-io", "-w", "1"]);
    assert!(text.contains("in 1 thread,") && text.contains("in 1 process."), "{text}");
}

#[test]
fn a_killed_worker_costs_nothing_but_time() {
    for (options, workers) in [(&[][..], 2), (&["-w", "1"], 1), (&["-w", "5"], 5)] {
        let crash = figures("crash", options);
        assert_eq!((&crash["all_right"], &crash["lost"]), (&true.into(), &1.into()), "{crash}");
        let mut arrived = numbers(&crash["arrived"]);
        arrived.sort_unstable();
        assert!(arrived.into_iter().eq(0..8 * workers));
        let (before, after) = (numbers(&crash["pids_before"]), numbers(&crash["pids_after"]));
        assert_eq!((before.len() as u64, after.len() as u64), (workers, workers));
        let killed = crash["killed_pid"].as_u64().unwrap();
        assert!(before.contains(&killed) && !after.contains(&killed));
        // It may have been between two jobs.
        let charged = numbers(&crash["charged"]);
        assert!(charged.len() <= 1, "only the running job is charged: {crash}");
        assert_eq!(numbers(&crash["run_again"]), charged, "it knows that it is run again");
        let storm = &crash["storm"];
        assert_eq!((&storm["jobs"], &storm["all_right"]), (&200.into(), &true.into()), "{crash}");
        // With a probability of 0.1 and 0.05 a job.
        let blows = ["killed", "stopped"].map(|blow| storm[blow].as_u64().unwrap());
        assert!((1..=60).contains(&blows[0]) && (1..=40).contains(&blows[1]), "{crash}");
    }
}

#[test]
fn a_crash_is_told_event_by_event() {
    let crash = figures("crash", &[]);
    let events: Vec<String> = crash["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["what"].as_str().unwrap().to_owned())
        .collect();
    let place = |what: &str| events.iter().position(|event| event.contains(what));
    let lost = place("is lost: it was killed by SIGKILL (9)").unwrap();
    let started = place("in place of").unwrap();
    assert_eq!(lost, 0, "{events:?}");
    assert!(place("is ready").is_some_and(|ready| started < ready), "{events:?}");
    let jobs = [numbers(&crash["charged"]), numbers(&crash["uncharged"])].concat();
    for job in jobs {
        let back = place(&format!("job {job} goes back")).unwrap();
        let given = place(&format!("job {job} is given to")).unwrap();
        let done = place(&format!("job {job} has its result")).unwrap();
        assert!(lost < back && back < given && given < done, "{events:?}");
    }
    let text = demo(&["crash"]);
    assert!(text.contains("event by event:") && text.contains("Every job gave its result, once"));
}

#[test]
fn accidents_stay_in_their_process() {
    let threads = figures("threads", &[]);
    let error = |name: &str| threads[name]["error"].as_str().unwrap().to_owned();
    assert!(error("panic").contains("panicked at") && error("panic").contains("task 5 panicked"));
    assert!(error("abort").contains("SIGABRT"), "{threads}");
    for name in ["panic", "abort"] {
        assert_eq!(threads[name]["others_right"], true, "{name}");
    }
    for name in ["start_us", "round_trip_us", "share_us"] {
        for way in ["threads", "processes"] {
            assert!(threads[name][way].as_f64().is_some_and(|us| 0.0 < us), "{name} {way}");
        }
    }
    let memory = |name: &str| threads[name].as_u64().unwrap();
    assert!(memory("fresh_memory") + (60 << 20) < memory("worker_memory"), "{threads}");
}
