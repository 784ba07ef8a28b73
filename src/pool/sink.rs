//! Where the results of jobs go: decoded here, once, on the thread that received them.

use std::{
    fmt,
    ops::Range,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use parzen_worker::protocol::{ItemOutcome, WorkerId, codec};
use serde::de::DeserializeOwned;

use super::error::{BadResult, Error, Kind};

/// Something to do when no lock is held any more.
pub(super) type Later = Box<dyn FnOnce() + Send>;

/// By whom and when items were run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) worker: WorkerId,
    pub(super) started_ns: u64,
    pub(super) finished_ns: u64,
}

/// Takes the results of the items of one call, by their index in that call.
pub(super) trait Sink: Send + Sync {
    /// Takes the encoded outcomes of `items`. Called without a lock held.
    ///
    /// # Errors
    ///
    /// Says so if `bytes` are not that many outcomes and nothing else. Some may have been taken.
    fn accept(&self, items: Range<u64>, bytes: &[u8], ran: Ran) -> Result<(), BadResult>;

    /// Takes one failure for all `items`. Must not block, and leaves callbacks for later.
    fn fail(&self, items: Range<u64>, error: &Error) -> Option<Later>;
}

/// Decodes the next outcome.
pub(super) fn decode<T: DeserializeOwned>(
    bytes: &mut &[u8],
) -> Result<Result<T, Error>, BadResult> {
    Ok(match codec::decode(bytes)? {
        ItemOutcome::Value(value) => Ok(value),
        ItemOutcome::Error(error) => Err(Error::new(Kind::Task(error))),
        ItemOutcome::Panic(info) => Err(Error::new(Kind::Panic(info))),
        ItemOutcome::Refused(reason) => Err(Error::new(Kind::Refused(reason))),
    })
}

/// What is called with a result before it is taken.
type Callback<T> = Box<dyn FnOnce(&Result<T, Error>) + Send>;

/// Holds the one result of a call until it is taken.
pub(super) struct Slot<T> {
    state: Mutex<SlotState<T>>,
    filled: Condvar,
}

struct SlotState<T> {
    /// Not while a callback looks at it.
    result: Option<Result<T, Error>>,
    /// Whether the result has come.
    is_filled: bool,
    callback: Option<Callback<T>>,
}

impl<T: Send + 'static> Slot<T> {
    pub(super) fn new() -> Arc<Self> {
        let state = SlotState { result: None, is_filled: false, callback: None };
        Arc::new(Self { state: Mutex::new(state), filled: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, SlotState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the slot, if it is not filled already. If a callback waits for that, gives what calls
    /// it; until then nobody can take the result.
    pub(super) fn fill(self: &Arc<Self>, result: Result<T, Error>) -> Option<Later> {
        let mut state = self.lock();
        // Cancelled just as the result came: the first to be told is what counts.
        if state.is_filled {
            return None;
        }
        state.is_filled = true;
        let Some(callback) = state.callback.take() else {
            state.result = Some(result);
            self.filled.notify_all();
            return None;
        };
        let slot = Arc::clone(self);
        Some(Box::new(move || {
            // This is a thread of the pool's, or of someone who knows nothing of the callback.
            if slot.call(callback, result).is_err() {
                tracing::error!("a callback panicked");
            }
        }))
    }

    /// Calls `callback` with the result, then lets it be taken, even if the callback panics.
    fn call(&self, mut callback: Callback<T>, result: Result<T, Error>) -> thread::Result<()> {
        let mut called = Ok(());
        loop {
            // No lock is held, so that the callback may ask for whatever it likes.
            let this = panic::catch_unwind(AssertUnwindSafe(|| callback(&result)));
            called = called.and(this);
            let mut state = self.lock();
            match state.callback.take() {
                Some(next) => callback = next,
                None => {
                    state.result = Some(result);
                    self.filled.notify_all();
                    return called;
                }
            }
        }
    }

    /// Has `callback` called when the slot is filled: now, if it is.
    pub(super) fn on_filled(&self, callback: Callback<T>) {
        let mut state = self.lock();
        let Some(result) = state.result.take() else {
            state.callback = Some(callback);
            return;
        };
        drop(state);
        if let Err(panic) = self.call(callback, result) {
            panic::resume_unwind(panic);
        }
    }

    /// Whether [`take`](Self::take) would return at once.
    pub(super) fn is_filled(&self) -> bool {
        self.lock().result.is_some()
    }

    /// Waits for the result and takes it.
    pub(super) fn take(&self) -> Result<T, Error> {
        let mut state = self.lock();
        loop {
            match state.result.take() {
                Some(result) => return result,
                None => {
                    state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Waits for the result until `deadline`, and takes it if it came.
    pub(super) fn take_until(&self, deadline: Instant) -> Option<Result<T, Error>> {
        let mut state = self.lock();
        loop {
            if let Some(result) = state.result.take() {
                return Some(result);
            }
            #[expect(clippy::disallowed_methods, reason = "a caller's deadline, not the pool's")]
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return None;
            }
            let waited = self.filled.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Slot")
    }
}

/// A [`Slot`] as the sink of a single item.
pub(super) struct Single<T>(pub(super) Arc<Slot<T>>);

impl<T: DeserializeOwned + Send + 'static> Sink for Single<T> {
    fn accept(&self, _: Range<u64>, mut bytes: &[u8], _: Ran) -> Result<(), BadResult> {
        let result = decode(&mut bytes)?;
        if !bytes.is_empty() {
            return Err(BadResult::Trailing(bytes.len()));
        }
        if let Some(call) = self.0.fill(result) {
            call();
        }
        Ok(())
    }

    fn fail(&self, _: Range<u64>, error: &Error) -> Option<Later> {
        self.0.fill(Err(error.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_sees_the_result_which_stays() {
        let slot = Slot::new();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = |name: &'static str| {
            let seen = Arc::clone(&seen);
            Box::new(move |result: &Result<i32, Error>| {
                seen.lock().unwrap().push((name, *result.as_ref().unwrap()));
            })
        };
        slot.on_filled(note("before"));
        let call = slot.fill(Ok(7)).unwrap();
        assert!(!slot.is_filled(), "nobody takes it before the callback has seen it");
        assert!(slot.fill(Err(Error::new(Kind::Cancelled))).is_none(), "it is too late for that");
        call();
        slot.on_filled(note("after"));
        assert_eq!(*seen.lock().unwrap(), [("before", 7), ("after", 7)]);
        assert!(slot.is_filled());
        assert_eq!(slot.take().unwrap(), 7);
    }

    #[test]
    fn what_follows_an_outcome_is_an_error() {
        let mut bytes = Vec::new();
        codec::encode(&ItemOutcome::Value(1_u8), &mut bytes).unwrap();
        let sink = Single(Slot::<u8>::new());
        let ran = Ran { worker: WorkerId::new(0), started_ns: 0, finished_ns: 0 };
        assert!(sink.accept(0..1, &bytes, ran).is_ok());
        bytes.push(0);
        assert!(matches!(sink.accept(0..1, &bytes, ran), Err(BadResult::Trailing(1))));
        assert!(matches!(sink.accept(0..1, &[9, 9], ran), Err(BadResult::Decode(_))));
    }
}
