//! The pool with real processes.

use std::time::Duration;

use parzen::pool::{Builder, Pool, WorkerProgram};
use parzen_worker::tasks::demo::{Crash, Cube, Hang, Sleep, Way};

/// Far longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(30);

fn builder(workers: u32) -> Builder {
    let program = WorkerProgram::Path(env!("CARGO_BIN_EXE_parzen-worker").into());
    Pool::builder().workers(workers).worker_program(program)
}

#[test]
fn results_come_in_the_order_of_their_inputs() {
    let pool = builder(4).start().unwrap();
    assert_eq!(pool.map::<Cube>(1..=6).unwrap(), [1, 8, 27, 64, 125, 216]);
    assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
    let cubes = pool.map::<Cube>(0..200_000).unwrap();
    assert!(cubes.iter().zip(0_i64..).all(|(&cube, x)| cube == x * x * x));
    assert_eq!(cubes.len(), 200_000);
    pool.join().unwrap();
}

#[test]
fn a_job_that_kills_its_workers_fails_alone() {
    let pool = builder(2).start().unwrap();
    let error = pool.apply::<Crash>((1, Way::Kill)).unwrap_err();
    assert!(error.is_crash(), "{error}");
    assert_eq!(
        error.to_string(),
        "3 workers died running this job; the last was killed by SIGKILL (9)"
    );
    assert_eq!(pool.apply::<Cube>(3).unwrap(), 27);
}

#[test]
fn a_job_cancelled_while_it_waits_at_a_worker_does_not_hold_it() {
    let pool = builder(1).prefetch(2).start().unwrap();
    let first = pool.apply_async::<Sleep>((1, Duration::from_millis(300))).unwrap();
    // Sent ahead, because others wait behind it; it would never end.
    let endless = pool.apply_async::<Hang>(false).unwrap();
    let others = [2, 3].map(|number| pool.apply_async::<Cube>(number).unwrap());
    endless.cancel();
    assert!(endless.get().unwrap_err().is_cancelled());
    assert_eq!(first.get().unwrap().0, 1);
    for (pending, cube) in others.into_iter().zip([8, 27]) {
        assert_eq!(pending.get_timeout(DEADLINE).unwrap().unwrap(), cube);
    }
    pool.join().unwrap();
}
