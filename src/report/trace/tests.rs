use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::report::timeline::Phase;

fn job(job: u64, started_ns: u64, finished_ns: u64) -> Job {
    let (rows, widths, points) = ((5 * job, 5), (0.1 + 0.2, 0.1), 3);
    Job { job, worker: 0, started_ns, finished_ns, rows, widths, points }
}

fn jobs(numbers: &[u64], start_ns: u64, end_ns: u64) -> Slice {
    let jobs = numbers.iter().map(|&number| job(number, start_ns, end_ns)).collect();
    Slice { what: What::Jobs(jobs), start_ns, end_ns }
}

fn trace(groups: &[Group]) -> Value {
    let mut out = Vec::new();
    write(groups, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn events<'a>(trace: &'a Value, ph: &str) -> Vec<&'a Value> {
    let events = trace["traceEvents"].as_array().unwrap();
    events.iter().filter(|event| event["ph"] == ph).collect()
}

fn group(name: &str, places: &[Place]) -> Group {
    let start = Slice { what: What::Phase(Phase::Start), start_ns: 1_000, end_ns: 2_500 };
    let tracks = places.iter().enumerate().map(|(index, &place)| {
        let slices = vec![start.clone(), jobs(&[0, 1], 3_001, 4_000)];
        Track::new(format!("track {index}"), place, slices)
    });
    Group { name: name.to_owned(), tracks: tracks.collect() }
}

/// Process and thread of each track, in order.
fn ids(trace: &Value) -> Vec<(u64, u64)> {
    let named = events(trace, "M").into_iter().filter(|event| event["name"] == "thread_name");
    named.map(|event| (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap())).collect()
}

#[test]
fn slices_have_names_times_and_arguments() {
    let trace = trace(&[group("run", &[Place::Process(Some(42))])]);
    assert_eq!(trace["displayTimeUnit"], "ms");
    let job = |job: u64| json!({"job": job, "h": [0.1, 0.30000000000000004], "rows": [5 * job, 5], "points": 3});
    assert_eq!(
        events(&trace, "X"),
        [
            &json!({"name": "start", "ph": "X", "cat": "phase", "ts": 0.0, "dur": 1.5,
                    "pid": 42, "tid": 42}),
            &json!({"name": "h 0.1..0.3, rows 0..10, 2 jobs", "ph": "X", "cat": "job", "ts": 2.001,
                    "dur": 0.999, "pid": 42, "tid": 42, "args": {"jobs": [job(0), job(1)]}}),
        ]
    );
}

#[test]
fn a_single_group_has_its_real_processes() {
    let places = [
        Place::Process(Some(42)),
        Place::Process(Some(43)),
        Place::Process(None),
        // The id of a worker that had gone.
        Place::Process(Some(43)),
    ];
    let trace = trace(&[group("run", &places)]);
    let (lost, again) = (u64::from(UNKNOWN), u64::from(UNKNOWN) + 1);
    assert_eq!(ids(&trace), [(42, 42), (43, 43), (lost, lost), (again, again)]);
    let metadata = events(&trace, "M");
    let named: Vec<&Value> = metadata
        .iter()
        .filter(|e| e["name"] == "process_name")
        .map(|e| &e["args"]["name"])
        .collect();
    assert_eq!(named, ["track 0", "track 1", "track 2", "track 3"]);
}

#[test]
fn threads_are_in_the_coordinators_process() {
    let places = [Place::Process(Some(1)), Place::Thread(0), Place::Thread(1)];
    let first = u64::from(UNKNOWN);
    assert_eq!(ids(&trace(&[group("run", &places)])), [(1, 1), (1, first), (1, first + 1)]);
}

#[test]
fn several_groups_are_processes_that_begin_at_0() {
    let places = [Place::Process(Some(42)), Place::Process(Some(43))];
    let trace = trace(&[group("serial", &places[..1]), group("processes", &places)]);
    assert_eq!(ids(&trace), [(1, 42), (2, 42), (2, 43)]);
    let starts = events(&trace, "X").into_iter().filter(|event| event["name"] == "start");
    assert!(starts.clone().count() == 3 && starts.clone().all(|event| event["ts"] == 0.0));
}

#[test]
fn no_group_is_an_empty_trace() {
    assert_eq!(trace(&[]), json!({"traceEvents": [], "displayTimeUnit": "ms"}));
}

/// Any slices, from some time after the machine was started.
fn any_slices() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let start = 10_u64.pow(15)..10_u64.pow(15) + 100_000;
    prop::collection::vec((start, 0_u64..20_000), 1..30)
}

proptest! {
    #[test]
    fn nothing_overlaps_and_times_ascend(tracks in prop::collection::vec(any_slices(), 1..5)) {
        let track = |(number, times): (u32, &Vec<(u64, u64)>)| {
            let slice = |&(start, length)| jobs(&[0], start, start + length);
            let place = Place::Process((number != 1).then_some(number + 10));
            Track::new("w", place, times.iter().map(slice).collect())
        };
        let tracks = (0..).zip(&tracks).map(track).collect();
        let trace = trace(&[Group { name: "run".to_owned(), tracks }]);
        let mut last_ts = 0.0;
        let mut ends = BTreeMap::new();
        for event in events(&trace, "X") {
            let number = |key: &str| event[key].as_f64().unwrap();
            let (ts, end) = (number("ts"), number("ts") + number("dur"));
            prop_assert!(last_ts <= ts);
            last_ts = ts;
            let track = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
            let before = ends.insert(track, end);
            prop_assert!(before.is_none_or(|before| before <= ts), "{before:?} {event}");
        }
    }
}
