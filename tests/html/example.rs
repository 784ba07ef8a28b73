//! A benchmark that never was.

use parzen::{
    bench::{Backend, Case, Job, Machine, Parts, PoolState, Round, Sharing, Worker},
    report::{
        html::{Align, Column, Page, Picture, Table, arrivals, render},
        timeline,
    },
};

const MS: u64 = 1_000_000;

const N_WIDTHS: u64 = 12;
const N_CHUNKS: u64 = 4;

const BARS: &str = r##"<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="800" height="220" viewBox="0 0 800 220">
<rect width="800" height="220" fill="#ffffff"/>
<g font-family="sans-serif" font-size="16" fill="#333333">
<rect x="140" y="20" width="600" height="40" fill="#888888"/><text x="20" y="45">serial</text>
<rect x="140" y="80" width="310" height="40" fill="#4682b4"/><text x="20" y="105">threads × 2</text>
<rect x="140" y="140" width="330" height="40" fill="#d9822b"/><text x="20" y="165">processes × 2</text>
</g><line x1="740" y1="10" x2="740" y2="190" stroke="#222222" stroke-dasharray="6 4"/></svg>"##;

const LINES: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="800" height="260" viewBox="0 0 800 260">
<rect width="800" height="260" fill="#ffffff"/><path d="M60 230L740 30" stroke="#999999" stroke-dasharray="6 4"/>
<path d="M60 230L280 170L500 120L740 95" stroke="#d9822b" fill="none" stroke-width="3"/></svg>"##;

/// The page of it.
pub(crate) fn html() -> String {
    let rounds = [
        round(Backend::Serial, 1, 0),
        round(Backend::Threads, 2, 1),
        round(Backend::Processes, 2, 2),
        round(Backend::Processes, 6, 3),
    ];
    let name = |round: &Round| round.case.to_string();
    let groups: Vec<_> =
        rounds.iter().map(|round| timeline::of_round(&name(round), round, 4000)).collect();
    let last = &rounds[3];
    render(&Page {
        title: "Serial, threads, processes",
        about: &[
            "Densities of 10000 samples, 12 widths at 1 point; 5 rounds of each case.".to_owned()
        ],
        warnings: &[
            "Others used 14 % of the machine in 2 of 20 rounds, which were repeated.".to_owned()
        ],
        conclusion: &[
            "Two worker processes are 1.82 times as fast as the serial backend (1.79 to 1.84), \
             and within 3 % of two threads."
                .to_owned(),
            "Starting them takes 4.1 ms, which pays from about 9000 samples on.".to_owned(),
        ],
        tables: &[times(), parts()],
        pictures: &[
            Picture { caption: "Time of each case, as a share of the serial one", svg: BARS },
            Picture { caption: "Speed-up against workers, and the ideal", svg: LINES },
        ],
        timeline: &groups,
        arrivals: &arrivals(&last.jobs, last.started_ns),
        arrivals_of: "Here: one round of 6 processes.",
        machine: &machine(),
    })
}

fn round(backend: Backend, workers: u32, order: u32) -> Round {
    let started_ns = 5_000_000 * MS + u64::from(order) * 500 * MS;
    let start_ns = if backend == Backend::Processes { 4 * MS } else { MS / 10 };
    let parts = Parts { start_ns, share_ns: MS, dispatch_ns: MS / 5, ..Parts::default() };
    let jobs = jobs(backend, workers, started_ns + parts.total_ns());
    let end_ns = jobs.iter().map(|job| job.finished_ns).max().unwrap();
    let work_ns = end_ns - started_ns - parts.total_ns();
    let parts = Parts { work_ns, collect_ns: MS / 2, stop_ns: start_ns / 3, ..parts };
    let worker = |worker: u32| Worker {
        worker,
        pid: (backend == Backend::Processes).then_some(4001 + worker),
        launched_ns: (backend == Backend::Processes)
            .then_some(started_ns + MS + u64::from(worker) * 200_000),
        ready_ns: (backend == Backend::Processes)
            .then_some(started_ns + 3 * MS + u64::from(worker) * 150_000),
        ..Worker::default()
    };
    Round {
        case: Case { backend, workers, pool: PoolState::Fresh, sharing: Sharing::Once },
        round: 4,
        order,
        started_ns,
        wall_ns: parts.total_ns(),
        parts,
        compute_ns: 0,
        idle_ns: 0,
        merge_ns: 0,
        traffic: None,
        workers: (0..workers).map(worker).collect(),
        jobs,
        foreign_share: 0.02,
        lost: 0,
        digest: 7,
    }
}

/// Jobs of all widths and chunks, in the order in which they end.
fn jobs(backend: Backend, workers: u32, from_ns: u64) -> Vec<Job> {
    let mut free_ns: Vec<u64> =
        (0..workers).map(|worker| from_ns + u64::from(worker) * 40_000).collect();
    let mut jobs: Vec<Job> = (0..N_WIDTHS * N_CHUNKS)
        .map(|job| {
            let worker = (0..workers).min_by_key(|&worker| free_ns[worker as usize]).unwrap();
            let started_ns = free_ns[worker as usize];
            // Some take longer than others, so that they overtake.
            let length_ns = 300_000 + (job * 7919 % 13) * 150_000;
            let finished_ns = started_ns + length_ns;
            let pause_ns = if backend == Backend::Serial { 8_000 } else { 25_000 };
            free_ns[worker as usize] = finished_ns + pause_ns;
            let h = (job / N_CHUNKS + 1) as f64 * 0.1;
            let rows = (job % N_CHUNKS * 2500, 2500);
            Job { job, worker, started_ns, finished_ns, rows, widths: (h, h), points: 1 }
        })
        .collect();
    jobs.sort_by_key(|job| job.finished_ns);
    jobs
}

fn column(name: &str, align: Align) -> Column {
    Column { name: name.to_owned(), align }
}

fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|&text| text.to_owned()).collect()).collect()
}

fn times() -> Table {
    Table {
        caption: "Time of each case".to_owned(),
        columns: vec![
            column("Case", Align::Text),
            column("Median", Align::Number),
            column("Spread", Align::Number),
            column("Against serial", Align::Number),
            column("95 % of resamples", Align::Number),
        ],
        rows: rows(&[
            &["serial", "32.1 ms", "0.4 ms", "1", ""],
            &["threads × 2", "17.2 ms", "0.3 ms", "1.87", "1.85 to 1.88"],
            &["processes × 2", "17.6 ms", "0.5 ms", "1.82", "1.79 to 1.84"],
            &["processes × 6", "19.0 ms", "1.1 ms", "1.69", "1.61 to 1.75"],
        ]),
        note: Some(
            "Spread is half of the range that the middle half of the rounds takes.".to_owned(),
        ),
    }
}

fn parts() -> Table {
    Table {
        caption: "Where the time goes (ms)".to_owned(),
        columns: vec![
            column("Case", Align::Text),
            column("Start", Align::Number),
            column("Share", Align::Number),
            column("Dispatch", Align::Number),
            column("Work", Align::Number),
            column("Collect", Align::Number),
            column("Stop", Align::Number),
            column("Sent", Align::Number),
            column("Peak memory", Align::Number),
        ],
        rows: rows(&[
            &["serial", "0.1", "1.0", "0.2", "32.0", "0.5", "0.0", "", "12 MiB"],
            &["processes × 2", "4.1", "1.0", "0.2", "16.1", "0.5", "1.3", "172 KiB", "4 MiB"],
        ]),
        note: None,
    }
}

fn machine() -> Machine {
    Machine {
        system: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        kernel: "6.1.0-18-amd64".to_owned(),
        host: "example".to_owned(),
        architecture: "x86_64".to_owned(),
        processor: "Example Processor 2.10 GHz".to_owned(),
        logical_cores: 4,
        physical_cores: Some(2),
        affinity: vec![0, 1],
        quota: Some(2.0),
        available: 2,
        memory: 16 << 30,
        memory_available: 11 << 30,
        memory_limit: Some(8 << 30),
        version: "0.1.0".to_owned(),
        compiler: "rustc 1.91.0".to_owned(),
        profile: "release".to_owned(),
        protocol: 1,
    }
}
