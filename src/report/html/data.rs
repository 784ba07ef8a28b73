//! What the page's script reads.

use serde::Serialize;

use super::Arrival;
use crate::{
    bench::Job,
    report::timeline::{Group, Phase, Place, Slice, Track, What},
};

#[derive(Serialize)]
struct Data<'a> {
    groups: Vec<GroupData<'a>>,
    arrivals: &'a [Arrival],
}

#[derive(Serialize)]
struct GroupData<'a> {
    name: &'a str,
    length_ns: u64,
    tracks: Vec<TrackData<'a>>,
}

#[derive(Serialize)]
struct TrackData<'a> {
    name: &'a str,
    place: String,
    /// Ascending.
    slices: Vec<SliceData>,
}

/// Kind, nanoseconds from the group's begin, duration, and jobs if there are any: there are many
/// slices, so names would be most of the page.
#[derive(Serialize)]
#[serde(untagged)]
enum SliceData {
    Other(Kind, u64, u64),
    Jobs(Kind, u64, u64, Vec<JobData>),
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Idle,
    Job,
    #[serde(untagged)]
    Phase(Phase),
}

/// Number, first row, rows, narrowest and widest window, points.
#[derive(Serialize)]
struct JobData(u64, u64, u64, f64, f64, u64);

/// The data as JSON that cannot end the element it stands in.
pub(super) fn json(groups: &[Group], arrivals: &[Arrival]) -> String {
    let data = Data { groups: groups.iter().map(group_data).collect(), arrivals };
    // A number that JSON does not know becomes null; nothing else here can fail.
    let json = serde_json::to_string(&data).unwrap_or_default();
    json.replace('<', "\\u003c")
}

fn group_data(group: &Group) -> GroupData<'_> {
    let started_ns = group.started_ns();
    GroupData {
        name: &group.name,
        length_ns: group.finished_ns() - started_ns,
        tracks: group.tracks.iter().map(|track| track_data(track, started_ns)).collect(),
    }
}

fn track_data(track: &Track, started_ns: u64) -> TrackData<'_> {
    let place = match track.place() {
        Place::Process(Some(pid)) => format!("process {pid}"),
        Place::Process(None) => "process".to_owned(),
        Place::Thread(number) => format!("thread {number}"),
    };
    let slices = track.slices().iter().map(|slice| slice_data(slice, started_ns)).collect();
    TrackData { name: track.name(), place, slices }
}

fn slice_data(slice: &Slice, started_ns: u64) -> SliceData {
    let (at_ns, length_ns) = (slice.start_ns - started_ns, slice.duration_ns());
    match &slice.what {
        What::Phase(phase) => SliceData::Other(Kind::Phase(*phase), at_ns, length_ns),
        What::Idle => SliceData::Other(Kind::Idle, at_ns, length_ns),
        What::Jobs(jobs) => {
            SliceData::Jobs(Kind::Job, at_ns, length_ns, jobs.iter().map(job_data).collect())
        }
    }
}

fn job_data(job: &Job) -> JobData {
    let (a, b) = job.widths;
    JobData(job.job, job.rows.0, job.rows.1, a.min(b), a.max(b), job.points)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn times_count_from_the_begin_of_their_group() {
        let job = Job {
            job: 7,
            worker: 0,
            started_ns: 1200,
            finished_ns: 1500,
            rows: (40, 20),
            widths: (0.5, 0.25),
            points: 3,
        };
        let slices = vec![
            Slice { what: What::Phase(Phase::Start), start_ns: 1000, end_ns: 1100 },
            Slice { what: What::Idle, start_ns: 1100, end_ns: 1200 },
            Slice { what: What::Jobs(vec![job]), start_ns: 1200, end_ns: 1500 },
        ];
        let track = Track::new("worker 0", Place::Process(Some(42)), slices);
        let group = Group { name: "</script><script>".to_owned(), tracks: vec![track] };
        let arrival = Arrival { h: 0.5, worker: 0, after_ns: 9 };
        let text = json(&[group], &[arrival]);
        assert!(!text.contains('<'));
        let data: Value = serde_json::from_str(&text).unwrap();
        let slices = json!([
            ["start", 0, 100],
            ["idle", 100, 100],
            ["job", 200, 300, [[7, 40, 20, 0.25, 0.5, 3]]],
        ]);
        let track = json!({"name": "worker 0", "place": "process 42", "slices": slices});
        let group = json!({"name": "</script><script>", "length_ns": 500, "tracks": [track]});
        let arrival = json!({"h": 0.5, "worker": 0, "after_ns": 9});
        assert_eq!(data, json!({"groups": [group], "arrivals": [arrival]}));
    }
}
