//! Tells the pool's user what happens, on a thread of its own: whoever makes it happen holds the
//! pool's lock, under which no code of the user's may run.

use std::{
    fmt, io,
    sync::{
        Arc,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
};

use parzen_worker::panic;

use super::{driver::mark_own_thread, event::Event};

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

/// Starts the thread.
pub(super) fn start(listener: Listener) -> io::Result<(Herald, JoinHandle<()>)> {
    let (herald, events) = mpsc::channel();
    let tell = move || {
        mark_own_thread();
        for event in events {
            // What follows must be told all the same.
            if let Err(panic) = panic::catch(|| listener.0(&event)) {
                let panic::PanicInfo { message, location, .. } = panic;
                tracing::error!("a listener to events panicked at {location}: {message}");
            }
        }
    };
    let thread = thread::Builder::new().name("pool-herald".to_owned()).spawn(tell)?;
    Ok((herald, thread))
}
