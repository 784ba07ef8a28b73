use super::*;
use crate::bench::{Case, Parts, PoolState, Sharing};

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
    Run {
        name: "test",
        backend,
        coordinator: 7,
        phases: &PHASES,
        workers,
        lost,
        jobs,
        has_all_jobs: true,
    }
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
fn nobody_waits_where_jobs_are_not_known() {
    let jobs = [job(0, 0, 170, 200), job(1, 0, 210, 220)];
    let some = |backend| Run { has_all_jobs: false, ..run(backend, &[], &[], &jobs) };
    let worker = "worker 0: idle 160-170, job 0 170-200, idle 200-210, job 1 210-220, stop 310-320";
    check(some(Backend::Threads), &[COORDINATOR, worker]);
    check(
        some(Backend::Serial),
        &["coordinator: start 100-150, share 150-160, dispatch 160-170, job 0 170-200, \
           collect 200-210, job 1 210-220, collect 300-310, stop 310-320"],
    );
}

#[test]
fn the_parts_of_a_round_follow_one_another() {
    let round = |case: Case, jobs: Vec<Job>| Round {
        case,
        round: 0,
        order: 0,
        started_ns: 1000,
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
        jobs,
        foreign_share: 0.0,
        lost: 0,
        digest: 0,
    };
    let jobs = vec![job(0, 1, 1030, 1040)];
    let threads = of_round("x", &round(Case::threads(2), jobs.clone()), 7);
    assert_eq!(
        texts(&threads),
        [
            "coordinator: start 1000-1010, share 1010-1020, dispatch 1020-1030, work 1030-1040, \
             collect 1040-1050, stop 1050-1060",
            "worker 0: idle 1020-1050, stop 1050-1060",
            "worker 1: idle 1020-1030, job 0 1030-1040, idle 1040-1050, stop 1050-1060",
        ]
    );
    assert_eq!((threads.started_ns(), threads.finished_ns()), (1000, 1060));
    let case = Case::processes(1, PoolState::Warm, Sharing::Once);
    let worker = Worker { pid: Some(9), ..worker(1, 10, 20) };
    let warm = Round { workers: vec![worker], ..round(case, jobs) };
    let warm = of_round("x", &warm, 7);
    assert_eq!(warm.tracks[1].place(), Place::Process(Some(9)));
    assert_eq!(
        texts(&warm)[1],
        "worker 1: idle 1000-1030, job 0 1030-1040, idle 1040-1050, stop 1050-1060"
    );
}
