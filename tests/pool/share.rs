//! Numbers that all workers read in place.

use std::fs;

use parzen_worker::{protocol::codec, tasks::demo::Sum};

use crate::support::{alone, pool};

const N: usize = 4_000_000;

fn resident_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn many_workers_read_the_same_numbers() {
    alone(|| {
        let pool = pool(4);
        let numbers: Vec<f64> = (0..N).map(|number| number as f64).collect();
        let shared = pool.share(&numbers).unwrap();
        let mut handle = Vec::new();
        codec::encode(&shared.handle(), &mut handle).unwrap();
        assert!(handle.len() < 64, "{} bytes", handle.len());
        let step = N / 40;
        let parts = (0..40).map(|part| (shared.handle(), part * step, (part + 1) * step));
        let sums = pool.map::<Sum>(parts).unwrap();
        let total = (N as f64) * (N as f64 - 1.0) / 2.0;
        assert_eq!(sums.iter().sum::<f64>(), total);
        // 32 MB were shared: no worker has them as its own.
        for pid in pool.pids() {
            assert!(resident_kib(pid) < 16 << 10, "{} KiB", resident_kib(pid));
        }
        pool.join().unwrap();
    });
}

#[test]
fn a_range_outside_and_memory_that_is_gone_are_errors() {
    alone(|| {
        let pool = pool(1);
        let pids = pool.pids();
        let shared = pool.share(&[1.0, 2.0]).unwrap();
        let handle = shared.handle();
        assert_eq!(pool.apply::<Sum>((handle, 0, 2)).unwrap(), 3.0);
        assert!(pool.apply::<Sum>((handle, 1, 3)).unwrap_err().task_error().is_some());
        let empty = pool.share::<f64>(&[]).unwrap();
        assert_eq!(pool.apply::<Sum>((empty.handle(), 0, 0)).unwrap(), 0.0);
        drop(shared);
        // This one was never opened by the worker.
        let gone = pool.share(&[5.0]).unwrap().handle();
        assert!(pool.apply::<Sum>((gone, 0, 1)).unwrap_err().task_error().is_some());
        assert_eq!(pool.pids(), pids);
        pool.join().unwrap();
    });
}

#[test]
fn shared_numbers_outlive_their_pool_and_serve_another() {
    alone(|| {
        let first = pool(1);
        let shared = first.share(&[1.5; 1000]).unwrap();
        first.terminate();
        let second = pool(2);
        assert_eq!(second.apply::<Sum>((shared.handle(), 0, 1000)).unwrap(), 1500.0);
        second.join().unwrap();
    });
}
