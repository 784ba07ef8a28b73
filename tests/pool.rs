//! The pool with real processes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use parzen::pool::{Pool, WorkerProgram};
use parzen_worker::tasks::demo::{Crash, Cube, Way};

fn pool(workers: u32) -> Pool {
    let program = WorkerProgram::Path(env!("CARGO_BIN_EXE_parzen-worker").into());
    Pool::builder().workers(workers).worker_program(program).start().unwrap()
}

#[test]
fn cubes() {
    let pool = pool(4);
    assert_eq!(pool.map::<Cube>(1..=6).unwrap(), [1, 8, 27, 64, 125, 216]);
    assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
    let error = pool.apply::<Crash>((1, Way::Kill)).unwrap_err();
    assert!(error.is_crash(), "{error}");
    assert_eq!(pool.map::<Cube>(0..200_000).unwrap().len(), 200_000);
    pool.join().unwrap();
}
