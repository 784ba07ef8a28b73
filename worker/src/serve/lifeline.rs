//! The thread that listens to the coordinator while the main thread works.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use ipc_channel::{IpcError, ipc::IpcBytesReceiver};
use rustix::process::{self, Signal};

use crate::protocol::{Control, JobId, codec};

/// The result segment that the coordinator has not read yet, if there is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer(Arc<Offered>);

#[derive(Debug, Default)]
struct Offered {
    item: Mutex<Option<(JobId, u32)>>,
    answered: Condvar,
}

impl Offer {
    /// Says which item is offered. Before the offer is sent: the answer may come at once.
    pub(super) fn make(&self, job: JobId, item: u32) {
        *self.item() = Some((job, item));
    }

    /// Waits until the coordinator has read what is offered. If it goes away instead, so does this
    /// process.
    pub(super) fn wait(&self) {
        let mut item = self.item();
        while item.is_some() {
            item = self.0.answered.wait(item).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn answer(&self, job: JobId, item: u32) {
        let mut offered = self.item();
        if *offered == Some((job, item)) {
            *offered = None;
            self.0.answered.notify_all();
        }
    }

    fn item(&self) -> MutexGuard<'_, Option<(JobId, u32)>> {
        self.0.item.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the thread.
pub(super) fn watch(
    lifeline: IpcBytesReceiver,
    leaving: Arc<AtomicBool>,
    offer: Offer,
) -> io::Result<()> {
    // No death signal of the parent beside it: that would end this process before it could end what
    // its tasks have started. A stopped process is woken by the system when its parent is gone, as
    // the group it leads is then an orphan.
    let listen = move || {
        loop {
            match lifeline.recv() {
                Ok(message) => match codec::decode(&mut message.as_slice()) {
                    Ok(Control::Leave) => leaving.store(true, Ordering::Relaxed),
                    Ok(Control::Release(job, item)) => offer.answer(job, item),
                    Err(_) => die(),
                },
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => die(),
            }
        }
    };
    thread::Builder::new().name("lifeline".to_owned()).spawn(listen).map(drop)
}

/// Ends this process at once, whatever the main thread does, and what its tasks have started.
fn die() {
    let own = process::getpid();
    if process::getpgrp() == own {
        // Fails only if there is no such group, and this is one.
        let _ = process::kill_current_process_group(Signal::KILL);
    }
    let _ = process::kill_process(own, Signal::KILL);
}
