//! What the tests share: a process for each, an audit after it, waits that end.

mod alone;
mod audit;
mod program;
mod wait;

pub(crate) use alone::alone;
pub(crate) use audit::children_of;
pub(crate) use program::{Scripts, builder, pool, this_test, with_small_files, worker_program};
pub(crate) use wait::{PATIENCE, eventually, now, within};

use rustix::process::{Pid, Signal, kill_process};

/// A number from the environment, so that a soak can ask for more.
pub(crate) fn rounds(usual: u32) -> u32 {
    std::env::var("PARZEN_TEST_ROUNDS").map_or(usual, |rounds| rounds.parse().unwrap())
}

/// Sends `signal` to process `pid`; says whether it was still there.
pub(crate) fn send_signal(pid: u32, signal: Signal) -> bool {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), signal).is_ok()
}
