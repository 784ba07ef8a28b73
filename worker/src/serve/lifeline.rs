//! The thread that listens to the coordinator while the main thread works.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ipc_channel::{IpcError, ipc::IpcBytesReceiver};
use rustix::process::{self, Signal};

use crate::protocol::{Control, JobId, codec};

/// Time between the closing of one channel and word of why. The coordinator says that it wants no
/// more before it closes anything, and the system closes all its channels at once.
const LAST_WORD: Duration = Duration::from_millis(500);

/// What the coordinator has to say beside its jobs, as the main thread hears of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lifeline(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    /// The result segment that the coordinator has not read yet, if there is one.
    offer: Mutex<Option<(JobId, u32)>>,
    /// Changes under the lock of the offer, so that nobody misses it who waits.
    leaving: Arc<AtomicBool>,
    news: Condvar,
}

impl Lifeline {
    /// Starts the thread that listens at `channel`.
    pub(super) fn listen(channel: IpcBytesReceiver) -> io::Result<Self> {
        let lifeline = Self::default();
        let thread = thread::Builder::new().name("lifeline".to_owned());
        // No death signal of the parent beside it: that would end this process before it could end
        // what its tasks have started. A stopped process is woken by the system when its parent is
        // gone, as the group it leads is then an orphan.
        let heard = lifeline.clone();
        thread.spawn(move || heard.run(&channel))?;
        Ok(lifeline)
    }

    /// Whether this worker is to leave.
    pub(super) fn leaving(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.leaving)
    }

    /// Says which item is offered. Before the offer is sent: the answer may come at once.
    pub(super) fn offer(&self, job: JobId, item: u32) {
        *self.offered() = Some((job, item));
    }

    /// Waits until the coordinator has read what is offered. If it goes away instead, so does this
    /// process.
    pub(super) fn wait_until_read(&self) {
        let offered = self.0.news.wait_while(self.offered(), |offered| offered.is_some());
        drop(offered.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until it is known why there are no more jobs. Says whether this worker was asked to
    /// leave. If the coordinator is gone, so is this process, in most cases before this returns.
    pub(super) fn wait_for_word(&self) -> bool {
        let is_unsaid = |_: &mut _| !self.0.leaving.load(Ordering::Relaxed);
        let waited = self.0.news.wait_timeout_while(self.offered(), LAST_WORD, is_unsaid);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn run(&self, channel: &IpcBytesReceiver) -> ! {
        loop {
            match channel.recv() {
                Ok(message) => match codec::decode(&mut message.as_slice()) {
                    Ok(Control::Leave) => self.leave(),
                    Ok(Control::Release(job, item)) => self.release(job, item),
                    Err(_) => die(),
                },
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => die(),
            }
        }
    }

    fn leave(&self) {
        let offered = self.offered();
        self.0.leaving.store(true, Ordering::Relaxed);
        drop(offered);
        self.0.news.notify_all();
    }

    fn release(&self, job: JobId, item: u32) {
        let mut offered = self.offered();
        if *offered == Some((job, item)) {
            *offered = None;
            self.0.news.notify_all();
        }
    }

    fn offered(&self) -> MutexGuard<'_, Option<(JobId, u32)>> {
        self.0.offer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends this process at once, whatever its threads do, and what its tasks have started.
pub(super) fn die() -> ! {
    end_group();
    let _ = process::kill_process(process::getpid(), Signal::KILL);
    // Nobody comes here.
    std::process::abort()
}

/// Ends this process's group, and so this process, if it leads one.
pub(super) fn end_group() {
    if process::getpgrp() == process::getpid() {
        // Fails only if there is no such group, and this is one.
        let _ = process::kill_current_process_group(Signal::KILL);
    }
}
