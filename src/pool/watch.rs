//! One thread for each pool that waits for what nobody else can: deadlines, ends of processes whose
//! channels stay open, and what workers write to their standard error.

use std::{collections::HashSet, env, os::fd::AsFd, sync::Arc, time::Instant};

use parzen_worker::protocol::WorkerId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    door,
    driver::{Driver, mark_own_thread, now},
    state::{Process, Worker},
};

/// Watches until the pool is done and its owner gone.
pub(super) fn run(driver: &Arc<Driver>) {
    mark_own_thread();
    // Here, where no worker waits for it.
    door::sweep(&env::temp_dir());
    let mut ended = HashSet::new();
    loop {
        let Some(Survey { processes, deadline }) = survey(driver, &mut ended) else { return };
        let readable = wait(driver, &processes, &ended, deadline);
        for (id, process, news) in readable {
            if news.stderr {
                process.stderr.drain(&driver.settings.on_stderr);
            }
            if news.exit {
                // What it started must not outlive it, nor, if that left its group, keep its pump
                // waiting for what it holds the channel open for.
                process.child.kill();
                process.hang_up();
                ended.insert(id);
            }
        }
        if driver.lock().deadline().is_some_and(|deadline| deadline <= now()) {
            driver.time_out();
        }
    }
}

/// Something happened at a process.
struct News {
    stderr: bool,
    exit: bool,
}

/// What there is to watch.
struct Survey {
    processes: Vec<(WorkerId, Process)>,
    /// When to wake at the latest.
    deadline: Option<Instant>,
}

/// What there is to watch now; `None` when the watch may go.
fn survey(driver: &Driver, ended: &mut HashSet<WorkerId>) -> Option<Survey> {
    let mut state = driver.lock();
    if state.is_over() {
        return None;
    }
    ended.retain(|id| state.workers.contains_key(id));
    let deadline = state.deadline();
    state.watch_until = deadline;
    let live = |(&id, worker): (&WorkerId, &Worker)| Some((id, worker.process.clone()?));
    Some(Survey { processes: state.workers.iter().filter_map(live).collect(), deadline })
}

fn wait<'a>(
    driver: &Driver,
    processes: &'a [(WorkerId, Process)],
    ended: &HashSet<WorkerId>,
    deadline: Option<Instant>,
) -> Vec<(WorkerId, &'a Process, News)> {
    let mut fds = vec![PollFd::from_borrowed_fd(driver.waker.as_fd(), PollFlags::IN)];
    let mut owners = Vec::new();
    for (id, process) in processes {
        if !process.stderr.has_ended() {
            fds.push(PollFd::from_borrowed_fd(process.stderr.fd(), PollFlags::IN));
            owners.push((*id, process, false));
        }
        if !ended.contains(id) {
            fds.push(PollFd::from_borrowed_fd(process.child.pidfd(), PollFlags::IN));
            owners.push((*id, process, true));
        }
    }
    let left = deadline.map(|deadline| deadline.saturating_duration_since(now()));
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    // An interrupted wait is a short one.
    let _ = poll(&mut fds, timeout.as_ref());
    if !fds[0].revents().is_empty() {
        let mut count = [0; 8];
        let _ = rustix::io::read(&driver.waker, &mut count);
    }
    let happened = fds[1..].iter().map(|fd| !fd.revents().is_empty());
    owners
        .into_iter()
        .zip(happened)
        .filter(|&(_, happened)| happened)
        .map(|((id, process, exit), _)| (id, process, News { stderr: !exit, exit }))
        .collect()
}
