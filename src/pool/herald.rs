//! Logs what happens and tells the pool's user, on a thread of its own: whoever makes it happen holds
//! the pool's lock, under which no code of the user's may run and nothing may block, as a log does
//! that nobody reads.

use std::{
    fmt, io,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use parzen_worker::panic;

use super::{
    driver::mark_own_thread,
    event::{Event, is_logged},
};

/// Is told what happens.
#[derive(Clone)]
pub(super) struct Listener(pub(super) Arc<dyn Fn(&Event) + Send + Sync>);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// The way to the thread that tells. It ends, once everything was told, when this is dropped.
pub(super) type Herald = Sender<Event>;

/// Starts the thread, if there is a listener, or a log that wants to know.
pub(super) fn start(listener: Option<Listener>) -> io::Result<Option<(Herald, JoinHandle<()>)>> {
    if listener.is_none() && !is_logged() {
        return Ok(None);
    }
    let (herald, events) = mpsc::channel::<Event>();
    let tell = move || {
        mark_own_thread();
        for event in events {
            let tell = || {
                event.trace();
                listener.iter().for_each(|listener| listener.0(&event));
            };
            // What follows must be told all the same.
            if let Err(panic) = panic::catch(tell) {
                let panic::PanicInfo { message, location, .. } = panic;
                tracing::error!("a listener to events panicked at {location}: {message}");
            }
        }
    };
    let thread = thread::Builder::new().name("pool-herald".to_owned()).spawn(tell)?;
    Ok(Some((herald, thread)))
}
