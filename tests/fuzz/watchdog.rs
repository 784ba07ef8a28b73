//! Ends the program when an input takes too long, and keeps that input.

use std::{
    io::Write,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{keep, now};

/// Far longer than any input takes, in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(10);

/// Looks now and then at how long the current input takes.
pub(crate) struct Watchdog {
    current: Arc<Mutex<Option<Current>>>,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

struct Current {
    begun: Instant,
    input: Vec<u8>,
}

impl Watchdog {
    /// For inputs of the decoder `name`.
    pub(crate) fn start(name: &str) -> Self {
        let current = Arc::default();
        let (alive, gone) = mpsc::channel();
        let (watched, name) = (Arc::clone(&current), name.to_owned());
        let watch = move || {
            while gone.recv_timeout(LONGEST / 10) == Err(RecvTimeoutError::Timeout) {
                check(&watched, &name);
            }
        };
        let thread = thread::Builder::new().name("watchdog".to_owned()).spawn(watch).unwrap();
        Self { current, thread: Some((alive, thread)) }
    }

    /// Runs `decode` on `input`, which must not take long.
    pub(crate) fn watch<T>(&self, input: &[u8], decode: impl FnOnce() -> T) -> T {
        self.set(Some(Current { begun: now(), input: input.to_vec() }));
        let value = decode();
        self.set(None);
        value
    }

    fn set(&self, current: Option<Current>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some((alive, thread)) = self.thread.take() {
            drop(alive);
            let _ = thread.join();
        }
    }
}

/// A thread that does not end cannot be ended alone.
fn check(current: &Mutex<Option<Current>>, name: &str) {
    let current = current.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Current { begun, input }) = &*current else { return };
    if LONGEST < begun.elapsed() {
        let path = keep(name, input).display().to_string();
        let mut stderr = std::io::stderr();
        let _ = writeln!(stderr, "{name}: an input takes more than {LONGEST:?}; it is in {path}");
        process::abort();
    }
}
