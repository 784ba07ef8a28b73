//! What a worker writes to its standard error: passed on line by line, its last bytes kept.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, PipeReader, PipeWriter, Read},
    os::fd::{AsFd, BorrowedFd},
    sync::{Arc, Mutex, PoisonError},
};

use parzen_worker::{panic, protocol::WorkerId};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Bytes kept to be shown if the worker dies.
const KEPT: usize = 4096;

/// A line longer than this is passed on in parts.
const LONGEST_LINE: usize = 8192;

/// Is given each line a worker writes, without its end.
#[derive(Clone)]
pub(crate) struct LineHandler(pub(crate) Arc<HandleLine>);

type HandleLine = dyn Fn(WorkerId, &str) + Send + Sync;

impl Default for LineHandler {
    fn default() -> Self {
        Self(Arc::new(|worker, line| {
            tracing::warn!(target: "parzen::worker", worker = worker.number(), "{line}");
        }))
    }
}

impl fmt::Debug for LineHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LineHandler")
    }
}

/// The reading end of one worker's standard error.
#[derive(Debug)]
pub(crate) struct Stderr {
    worker: WorkerId,
    pipe: PipeReader,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    tail: VecDeque<u8>,
    line: Vec<u8>,
    ended: bool,
}

impl Stderr {
    /// A pipe: its reading end, and the end the worker writes to.
    pub(crate) fn new(worker: WorkerId) -> io::Result<(Self, PipeWriter)> {
        let (pipe, writer) = io::pipe()?;
        let flags = fcntl_getfl(&pipe)?;
        fcntl_setfl(&pipe, flags | OFlags::NONBLOCK)?;
        Ok((Self { worker, pipe, state: Mutex::default() }, writer))
    }

    /// Readable when there is something to [`drain`](Self::drain).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Whether everything was read and no more can come.
    pub(crate) fn has_ended(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended
    }

    /// Reads what there is, without waiting.
    pub(crate) fn drain(&self, handler: &LineHandler) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; 4096];
        // No more at a time than a worker can write meanwhile: one that floods must not hold up
        // the others.
        for _ in 0..16 {
            match (&self.pipe).read(&mut buffer) {
                Ok(0) => {
                    state.ended = true;
                    break;
                }
                Ok(n) => state.take_in(&buffer[..n], self.worker, handler),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if state.ended {
            state.pass_on(self.worker, handler);
        }
    }

    /// The last bytes it wrote, as text.
    pub(crate) fn tail(&self) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (front, back) = state.tail.as_slices();
        String::from_utf8_lossy(&[front, back].concat()).into_owned()
    }
}

impl State {
    fn take_in(&mut self, bytes: &[u8], worker: WorkerId, handler: &LineHandler) {
        self.tail.extend(bytes);
        let excess = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..excess);
        for &byte in bytes {
            if byte == b'\n' || LONGEST_LINE <= self.line.len() {
                self.pass_on(worker, handler);
            }
            if byte != b'\n' {
                self.line.push(byte);
            }
        }
    }

    fn pass_on(&mut self, worker: WorkerId, handler: &LineHandler) {
        if !self.line.is_empty() {
            let line = String::from_utf8_lossy(&self.line);
            // The thread that runs this is needed for more.
            if let Err(panic) = panic::catch(|| handler.0(worker, &line)) {
                tracing::error!("the handler of lines panicked: {}", panic.message);
            }
            self.line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_are_passed_on_whole_and_the_end_is_kept() {
        let (stderr, mut writer) = Stderr::new(WorkerId::new(5)).unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let handler = LineHandler(Arc::new(move |worker, line: &str| {
            sink.lock().unwrap().push(format!("{worker}: {line}"));
        }));
        stderr.drain(&handler); // Nothing there: it does not wait.
        writer.write_all(b"one\ntw").unwrap();
        stderr.drain(&handler);
        assert_eq!(*lines.lock().unwrap(), ["5: one"]);
        writer.write_all(&[b'x'; 5000]).unwrap();
        writer.write_all(b"o\nrest").unwrap();
        drop(writer);
        stderr.drain(&handler);
        assert!(stderr.has_ended());
        assert_eq!(lines.lock().unwrap().len(), 3);
        assert_eq!(lines.lock().unwrap()[2], "5: rest");
        assert_eq!(stderr.tail().len(), KEPT);
        assert!(stderr.tail().ends_with("xo\nrest"));
    }
}
