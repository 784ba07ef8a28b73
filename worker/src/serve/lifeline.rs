//! The thread that listens to the coordinator while the main thread works.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use ipc_channel::{IpcError, ipc::IpcBytesReceiver};
use rustix::process::{self, Signal};

use crate::{
    protocol::{Control, JobId, codec},
    shared::Segment,
};

/// Result segments that the coordinator has not read yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Segments(Arc<Mutex<HashMap<(JobId, u32), Segment>>>);

impl Segments {
    pub(super) fn keep(&self, job: JobId, item: u32, segment: Segment) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((job, item), segment);
    }

    fn release(&self, job: JobId, item: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(job, item));
    }
}

/// Starts the thread.
pub(super) fn watch(
    lifeline: IpcBytesReceiver,
    leaving: Arc<AtomicBool>,
    segments: Segments,
) -> io::Result<()> {
    // The lifeline is the first way to learn that the coordinator is gone; this is the second. It
    // follows the thread that started this process, which outlives it.
    process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let listen = move || {
        loop {
            match lifeline.recv() {
                Ok(message) => match codec::decode(&mut message.as_slice()) {
                    Ok(Control::Leave) => leaving.store(true, Ordering::Relaxed),
                    Ok(Control::Release(job, item)) => segments.release(job, item),
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
