use super::*;
use crate::bench::Parts;

const PHASES: [PhaseTime; 6] = [
    PhaseTime { phase: Phase::Start, start_ns: 100, end_ns: 150 },
    PhaseTime { phase: Phase::Share, start_ns: 150, end_ns: 160 },
    PhaseTime { phase: Phase::Dispatch, start_ns: 160, end_ns: 170 },
    PhaseTime { phase: Phase::Work, start_ns: 170, end_ns: 300 },
    PhaseTime { phase: Phase::Collect, start_ns: 300, end_ns: 310 },
    PhaseTime { phase: Phase::Stop, start_ns: 310, end_ns: 320 },
];

fn job(job: u64, worker: u32, started_ns: u64, finished_ns: u64) -> Job {
    let (rows, widths, points) = ((0, 10), (0.2, 0.1), 1);
    Job { job, worker, started_ns, finished_ns, rows, widths, points }
}

fn worker(worker: u32, launched_ns: u64, ready_ns: u64) -> Worker {
    let (launched_ns, ready_ns) = (Some(launched_ns), Some(ready_ns));
    Worker { worker, pid: Some(1000 + worker), launched_ns, ready_ns, ..Worker::default() }
}

fn run<'a>(backend: Backend, workers: &'a [Worker], lost: &'a [u32], jobs: &'a [Job]) -> Run<'a> {
    Run { name: "test", backend, coordinator: 7, phases: &PHASES, workers, lost, jobs }
}

/// Each track as `name: what begin-end, ..`.
fn texts(group: &Group) -> Vec<String> {
    let slice = |slice: &Slice| {
        let what = match &slice.what {
            What::Phase(phase) => phase.name().to_owned(),
            What::Idle => "idle".to_owned(),
            What::Jobs(jobs) => {
                let numbers: Vec<String> = jobs.iter().map(|job| job.job.to_string()).collect();
                format!("job {}", numbers.join("+"))
            }
        };
        format!("{what} {}-{}", slice.start_ns, slice.end_ns)
    };
    let track = |track: &Track| {
        let slices: Vec<String> = track.slices().iter().map(slice).collect();
        format!("{}: {}", track.name(), slices.join(", "))
    };
    group.tracks.iter().map(track).collect()
}

fn check(run: Run<'_>, expected: &[&str]) {
    assert_eq!(texts(&run.group()), expected);
}

const COORDINATOR: &str = "coordinator: start 100-150, share 150-160, dispatch 160-170, \
                           work 170-300, collect 300-310, stop 310-320";

#[test]
fn worker_processes_start_wait_work_and_stop() {
    let jobs = [job(1, 1, 170, 300), job(0, 0, 175, 200), job(2, 0, 175, 200)];
    check(
        run(Backend::Processes, &[worker(0, 110, 120), worker(1, 115, 150)], &[], &jobs),
        &[
            COORDINATOR,
            "worker 0: start 100-110, handshake 110-120, idle 120-175, job 0+2 175-200, \
             idle 200-310, stop 310-320",
            "worker 1: start 100-115, handshake 115-150, idle 150-170, job 1 170-300, \
             idle 300-310, stop 310-320",
        ],
    );
}

#[test]
fn warm_workers_wait_from_the_begin() {
    check(
        run(Backend::Processes, &[worker(0, 10, 20)], &[], &[job(0, 0, 170, 300)]),
        &[COORDINATOR, "worker 0: idle 100-170, job 0 170-300, idle 300-310, stop 310-320"],
    );
}

#[test]
fn a_lost_worker_ends_with_its_last_job_and_another_begins_later() {
    let (lost, next) = (worker(0, 110, 120), worker(1, 210, 220));
    // Given up with its worker: nothing is known of when it ran.
    let unknown = job(1, 0, 0, 0);
    let jobs = [job(0, 0, 170, 200), unknown, job(2, 1, 250, 300)];
    check(
        run(Backend::Processes, &[lost, next], &[0], &jobs),
        &[
            COORDINATOR,
            "worker 0: start 100-110, handshake 110-120, idle 120-170, job 0 170-200",
            "worker 1: handshake 210-220, idle 220-250, job 2 250-300, idle 300-310, stop 310-320",
        ],
    );
}

#[test]
fn a_worker_that_only_its_jobs_tell_of_has_a_track() {
    let group = run(Backend::Processes, &[], &[], &[job(0, 5, 180, 190)]).group();
    assert_eq!(group.tracks[1].name(), "worker 5");
    assert_eq!(group.tracks[1].place(), Place::Process(None));
}

#[test]
fn threads_belong_to_the_coordinator() {
    let group = run(Backend::Threads, &[], &[], &[job(0, 0, 170, 300)]).group();
    let worker = "worker 0: idle 160-170, job 0 170-300, idle 300-310, stop 310-320";
    assert_eq!(texts(&group), [COORDINATOR, worker]);
    assert_eq!(group.tracks[1].place(), Place::Thread(0));
}

#[test]
fn the_serial_coordinator_works_itself() {
    check(
        run(Backend::Serial, &[], &[], &[job(0, 0, 170, 200), job(1, 0, 210, 300)]),
        &["coordinator: start 100-150, share 150-160, dispatch 160-170, job 0 170-200, \
           collect 200-210, job 1 210-300, collect 300-310, stop 310-320"],
    );
}

#[test]
fn each_case_shows_its_last_round() {
    let case = |backend, workers| Case {
        backend,
        workers,
        pool: PoolState::Fresh,
        sharing: Sharing::Once,
    };
    let round = |case: Case, started_ns: u64| Round {
        case,
        round: 0,
        order: 0,
        started_ns,
        wall_ns: 60,
        parts: Parts {
            start_ns: 10,
            share_ns: 10,
            dispatch_ns: 10,
            work_ns: 10,
            collect_ns: 10,
            stop_ns: 10,
        },
        compute_ns: 10,
        idle_ns: 0,
        merge_ns: 0,
        traffic: None,
        workers: Vec::new(),
        jobs: vec![job(0, 0, started_ns + 30, started_ns + 40)],
        foreign_share: 0.0,
        lost: 0,
        digest: 0,
    };
    let (serial, processes) = (case(Backend::Serial, 1), case(Backend::Processes, 2));
    let rounds = [round(serial, 1000), round(processes, 2000), round(serial, 3000)];
    let groups = of_rounds(&rounds, 7);
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["serial", "processes × 2, fresh pool"]);
    assert_eq!((groups[0].started_ns(), groups[0].finished_ns()), (3000, 3060));
    assert_eq!((groups[1].started_ns(), groups[1].finished_ns()), (2000, 2060));
}
