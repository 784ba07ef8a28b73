//! One thread for each pool that waits for what nobody else can: deadlines, ends of processes whose
//! channels stay open, and what workers write to their standard error.

use std::{
    collections::HashMap,
    env,
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, Instant},
};

use parzen_worker::protocol::WorkerId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    door,
    driver::{Driver, mark_own_thread, now},
    pump,
    state::{Process, Worker},
};

/// Time a pump has to notice that its worker is dead. It notices at once, unless a process that the
/// worker forked off holds the worker's channel.
const NOTICE: Duration = Duration::from_secs(1);

/// A process that has ended and whose pump has not said so yet.
#[derive(Clone, Copy)]
struct Ended {
    /// When the pump is given up, if it does nothing until then.
    give_up: Instant,
    /// What the pump was waiting for then.
    waiting_at: Option<u64>,
}

/// Watches until the pool is done and its owner gone.
pub(super) fn run(driver: &Arc<Driver>) {
    mark_own_thread();
    // Here, where no worker waits for it.
    door::sweep(&env::temp_dir());
    let mut ended: HashMap<WorkerId, Ended> = HashMap::new();
    loop {
        let Some(Survey { processes, deadline }) = survey(driver, &mut ended) else { return };
        let readable = wait(driver, &processes, &ended, deadline);
        for (id, process, news) in readable {
            if news.stderr {
                process.stderr.drain(&driver.settings.on_stderr);
            }
            if news.exit {
                // What it started must not hold its channel open, nor outlive it. The number is
                // still its own: the pump reaps it only after this ran or after the channel closed.
                process.child.kill();
                let waiting_at = process.pulse.waiting_at();
                ended.insert(id, Ended { give_up: now() + NOTICE, waiting_at });
            }
        }
        give_up(driver, &processes, &mut ended);
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
fn survey(driver: &Driver, ended: &mut HashMap<WorkerId, Ended>) -> Option<Survey> {
    let mut state = driver.lock();
    if state.is_over() {
        return None;
    }
    ended.retain(|id, _| state.workers.contains_key(id));
    let deadline = ended.values().map(|e| e.give_up).chain(state.deadline()).min();
    state.watch_until = deadline;
    let live = |(&id, worker): (&WorkerId, &Worker)| Some((id, worker.process.clone()?));
    Some(Survey { processes: state.workers.iter().filter_map(live).collect(), deadline })
}

fn wait<'a>(
    driver: &Driver,
    processes: &'a [(WorkerId, Process)],
    ended: &HashMap<WorkerId, Ended>,
    deadline: Option<Instant>,
) -> Vec<(WorkerId, &'a Process, News)> {
    let mut fds = vec![PollFd::from_borrowed_fd(driver.waker.as_fd(), PollFlags::IN)];
    let mut owners = Vec::new();
    for (id, process) in processes {
        if !process.stderr.has_ended() {
            fds.push(PollFd::from_borrowed_fd(process.stderr.fd(), PollFlags::IN));
            owners.push((*id, process, false));
        }
        if !ended.contains_key(id) {
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

/// Reports dead workers in place of pumps that cannot notice.
fn give_up(
    driver: &Arc<Driver>,
    processes: &[(WorkerId, Process)],
    ended: &mut HashMap<WorkerId, Ended>,
) {
    for (id, process) in processes {
        let Some(end) = ended.get_mut(id) else { continue };
        if now() < end.give_up {
            continue;
        }
        let waiting_at = process.pulse.waiting_at();
        if waiting_at.is_some() && waiting_at == end.waiting_at {
            tracing::debug!(worker = id.number(), "its channel is held open by another process");
            pump::replace(driver, *id, process);
        } else {
            *end = Ended { give_up: now() + NOTICE, waiting_at };
        }
    }
}
