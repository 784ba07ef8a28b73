//! Arguments and results that do not fit into a message.

use std::{fs, io, os::fd::AsRawFd, time::Duration};

use parzen::pool::Pool;
use parzen_worker::tasks::demo::{Cube, Echo};
use rustix::{
    io::dup,
    process::{Resource, Rlimit, Signal, getrlimit, setrlimit},
};

use crate::{
    actors::tasks::{Endless, Heavy, Overflow, Slip, Slippery},
    support::{Scripts, alone, builder, eventually, pool, rounds, send_signal, with_small_files},
};

const LARGE: usize = 100_000_000;

fn bytes(n: usize) -> Vec<u8> {
    let period: Vec<u8> = (0..250).collect();
    period.repeat(n / 250)
}

/// Shared memory that this process has open.
fn segments() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    targets.filter(|target| target.to_string_lossy().contains("memfd:")).count()
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn every_size_around_the_limits_arrives() {
    alone(|| {
        for prefetch in [1, 2, 16] {
            let pool = builder(1).prefetch(prefetch).start().unwrap();
            let limits = [96 * 1024, 48 * 1024, 6 * 1024, 191 * 1024, 192 * 1024, 212_448];
            let sizes = limits.into_iter().flat_map(|limit: usize| limit - 20..limit + 20);
            for size in sizes {
                let there = pool.apply::<Echo>((vec![1; size].into(), 0)).unwrap();
                let back = pool.apply::<Echo>((Vec::new().into(), size)).unwrap();
                assert_eq!((there.len(), back.len()), (size, size));
            }
            let sizes = (0..300).map(|n| n * 1031);
            let inputs = sizes.clone().map(|size| (vec![3; size].into(), 7));
            let results = pool.map::<Echo>(inputs).unwrap();
            assert!(sizes.zip(results).all(|(size, result)| result.len() == size + 7));
            pool.join().unwrap();
        }
    });
}

#[test]
fn a_result_for_which_there_is_no_descriptor_fails_alone() {
    alone(|| {
        let pool = pool(1);
        let pids = pool.pids();
        let large = || pool.apply::<Echo>((Vec::new().into(), 1_000_000));
        assert_eq!(large().unwrap().len(), 1_000_000);
        let limit = getrlimit(Resource::Nofile);
        // The lowest that is not in use.
        let next = dup(io::stdin()).unwrap().as_raw_fd();
        let none = Rlimit { current: Some(u64::try_from(next).unwrap()), ..limit };
        setrlimit(Resource::Nofile, none).unwrap();
        let error = large();
        setrlimit(Resource::Nofile, limit).unwrap();
        assert_eq!(error.unwrap_err().to_string(), "the result cannot be received");
        assert_eq!(large().unwrap().len(), 1_000_000);
        assert_eq!(pool.pids(), pids, "it is not the worker's fault");
        pool.join().unwrap();
    });
}

#[test]
fn a_hundred_megabytes_go_there_and_back() {
    alone(|| {
        let pool = pool(2);
        let argument = bytes(LARGE);
        let there = pool.apply::<Echo>((argument.clone().into(), 0)).unwrap();
        assert!(*there == argument);
        drop(there);
        let back = pool.apply::<Echo>((Vec::new().into(), LARGE)).unwrap();
        assert!(back.len() == LARGE && back.iter().all(|&byte| byte == 0xAB));
        drop(back);
        no_segments();
        pool.join().unwrap();
    });
}

/// What was sent goes a moment after the result is there.
fn no_segments() {
    eventually("its shared memory is gone", || (segments() == 0).then_some(()));
}

/// Who holds what when a large argument, or a large result, ends in the middle.
fn slips(pool: &Pool, files: &Scripts, (reading, writing): (&str, &str), n: usize) {
    let name = |file: &str| if file.is_empty() { String::new() } else { files.name(file) };
    let input = Slippery { file: name(reading), bytes: bytes(n) };
    let result = pool.apply::<Slip>((input, name(writing))).unwrap();
    let mut expected = bytes(n);
    expected.rotate_left(1);
    assert!(result.bytes == expected);
    for file in [reading, writing] {
        assert!(file.is_empty() || files.path(file).exists(), "a worker was to slip on {file}");
    }
}

#[test]
fn a_worker_that_dies_reading_its_argument_or_writing_its_result_is_replaced() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(2).start().unwrap();
        slips(&pool, &files, ("", ""), 20_000_000);
        slips(&pool, &files, ("reading", ""), LARGE / 2);
        slips(&pool, &files, ("", "writing"), LARGE / 2);
        slips(&pool, &files, ("both", "as-well"), 20_000_000);
        no_segments();
        pool.join().unwrap();
    });
}

#[test]
fn workers_killed_at_any_moment_of_large_jobs_lose_nothing() {
    alone(|| {
        let pool = builder(2).max_crashes(1000).start().unwrap();
        let argument = bytes(6_000_000);
        for round in 0..rounds(8) {
            std::thread::scope(|scope| {
                let jobs: Vec<_> = (0..4)
                    .map(|_| {
                        pool.apply_async::<Echo>((argument.clone().into(), 6_000_000)).unwrap()
                    })
                    .collect();
                let killer = scope.spawn(|| {
                    for strike in 0..3 {
                        let moment = 3 + (round * 7 + strike * 5) % 23;
                        std::thread::sleep(Duration::from_millis(u64::from(moment)));
                        let pids = pool.pids();
                        if let Some(&pid) = pids.get(strike as usize % 2) {
                            send_signal(pid, Signal::KILL);
                        }
                    }
                });
                for job in jobs {
                    let result = job.get().unwrap();
                    assert!(result[..argument.len()] == argument);
                    assert_eq!(result.len(), 12_000_000);
                }
                killer.join().unwrap();
            });
            // A job in between shows that the workers are well.
            assert_eq!(pool.map::<Cube>(0..50).unwrap().len(), 50);
        }
        no_segments();
        pool.join().unwrap();
    });
}

#[test]
fn an_argument_without_end_is_refused() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let before = resident();
        let error = pool.apply::<Endless>(Endless).unwrap_err();
        assert!(error.to_string().contains("at most 1073741824"), "{error}");
        let results: Vec<_> = pool.imap::<Endless>([Endless]).collect();
        assert!(results.len() == 1 && results[0].is_err());
        assert!(resident() < before + (16 << 20));
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        pool.join().unwrap();
    });
}

#[test]
fn a_result_without_end_is_refused() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).start().unwrap();
        let pids = pool.pids();
        let error = pool.apply::<Overflow>(()).unwrap_err();
        assert!(error.to_string().contains("at most 1073741824"), "{error}");
        assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

/// Whether or not there are others, no worker dies of it.
#[test]
fn a_result_for_which_a_worker_has_no_room_is_refused_alone() {
    alone(|| {
        let files = Scripts::new();
        for workers in [1, 2] {
            let program = with_small_files(&files);
            let pool = builder(workers).worker_program(program).max_crashes(0).start().unwrap();
            let pids = pool.pids();
            let sizes = [1, 20_000_000, 300_000, 20_000_000, 2];
            let inputs = sizes.map(|size| (Vec::new().into(), size));
            for (size, result) in sizes.into_iter().zip(pool.imap::<Echo>(inputs)) {
                match result {
                    Ok(bytes) => assert!(bytes.len() == size && size < 20_000_000),
                    Err(error) => {
                        let text = error.to_string();
                        assert!(text.contains("no room for the output: File too large"), "{text}");
                        assert!(size == 20_000_000 && !error.is_crash());
                    }
                }
            }
            assert_eq!(pool.map::<Cube>(0..50).unwrap().len(), 50);
            assert_eq!(pool.pids(), pids);
            pool.join().unwrap();
        }
    });
}

/// The pump comes to what such a worker offered only when it is gone.
#[test]
fn a_worker_killed_with_a_large_result_on_its_way_is_not_blamed_for_it() {
    alone(|| {
        let files = Scripts::new();
        let pool = files.builder(1).prefetch(8).max_crashes(0).start().unwrap();
        let pid = pool.pids()[0];
        let slow = pool.apply_async::<Heavy>(String::new()).unwrap();
        let large = pool.apply_async::<Echo>((Vec::new().into(), 5_000_000)).unwrap();
        let other = pool.apply_async::<Cube>(3).unwrap();
        eventually("it offers its result", || {
            let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(Result::ok);
            let mut targets = links.filter_map(|link| fs::read_link(link.path()).ok());
            targets.any(|target| target.to_string_lossy().contains("memfd:parzen (")).then_some(())
        });
        std::thread::sleep(Duration::from_millis(50));
        assert!(send_signal(pid, Signal::KILL));
        slow.get().unwrap();
        assert_eq!(large.get().unwrap().len(), 5_000_000);
        assert_eq!(other.get().unwrap(), 27);
        pool.join().unwrap();
    });
}
