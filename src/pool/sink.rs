//! Where the results of jobs go: decoded here, once, on the thread that received them.

use std::{
    fmt,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use parzen_worker::{
    panic,
    protocol::{ItemOutcome, WorkerId, codec},
};
use serde::de::DeserializeOwned;

use super::{
    driver::now,
    error::{BadResult, Error, Kind},
};

/// Something to do when no lock is held any more.
pub(super) type Later = Box<dyn FnOnce() + Send>;

/// By whom items were run, and when the first of them began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) worker: WorkerId,
    pub(super) started_ns: u64,
}

/// Takes the results of the items of one call, by their index in that call.
pub(super) trait Sink: Send + Sync {
    /// Takes the durations and outcomes of `items`, encoded. Called without a lock held.
    ///
    /// # Errors
    ///
    /// Says so if `bytes` are not that many items and nothing else. Then it has taken none.
    fn accept(&self, items: Range<u64>, bytes: &[u8], ran: Ran) -> Result<(), BadResult>;

    /// Takes one failure for all `items`. Must not block, and leaves callbacks for later.
    fn fail(&self, items: Range<u64>, error: &Error) -> Option<Later>;
}

/// What came of one item.
pub(super) struct Item<T> {
    /// Nanoseconds it ran.
    pub(super) ran_ns: u64,
    pub(super) result: Result<T, Error>,
}

/// Decodes the next item.
pub(super) fn decode<T: DeserializeOwned>(bytes: &mut &[u8]) -> Result<Item<T>, BadResult> {
    let ran_ns = codec::decode(bytes)?;
    let result = match codec::decode(bytes)? {
        ItemOutcome::Value(value) => Ok(value),
        ItemOutcome::Error(error) => Err(Error::new(Kind::Task(error))),
        ItemOutcome::Panic(info) => Err(Error::new(Kind::Panic(info))),
        ItemOutcome::Refused(reason) => Err(Error::new(Kind::Refused(reason))),
    };
    Ok(Item { ran_ns, result })
}

/// What is called with a result before it is taken.
type Callback<T> = Box<dyn FnOnce(&Result<T, Error>) + Send>;

/// Holds the one result of a call until it is taken.
pub(super) struct Slot<T> {
    state: Mutex<SlotState<T>>,
    filled: Condvar,
}

struct SlotState<T> {
    result: Option<Result<T, Error>>,
    /// A result has come; it may still be with the callback.
    has_come: bool,
    callback: Option<Callback<T>>,
}

impl<T: Send + 'static> Slot<T> {
    pub(super) fn new() -> Arc<Self> {
        let state = SlotState { result: None, has_come: false, callback: None };
        Arc::new(Self { state: Mutex::new(state), filled: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, SlotState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the slot, unless it was filled before. Whoever waits for it wakes after the callback
    /// has seen the result.
    pub(super) fn fill(&self, result: Result<T, Error>) {
        if !std::mem::replace(&mut self.lock().has_come, true) {
            self.show(result);
        }
    }

    /// Has `callback` called when the slot is filled: now, if it is.
    pub(super) fn on_filled(&self, callback: Callback<T>) {
        let mut state = self.lock();
        let Some(result) = state.result.take() else {
            state.callback = Some(callback);
            return;
        };
        // Out of its slot meanwhile, so that the callback may ask for whatever it likes.
        drop(state);
        let called = catch_unwind(AssertUnwindSafe(|| callback(&result)));
        self.show(result);
        // This is the caller's thread: its panic is its own.
        called.unwrap_or_else(|panic| resume_unwind(panic));
    }

    /// Shows the result to the callback that is set, if there is one, then gives it to whoever waits.
    fn show(&self, result: Result<T, Error>) {
        loop {
            let mut state = self.lock();
            let Some(callback) = state.callback.take() else {
                state.result = Some(result);
                self.filled.notify_all();
                return;
            };
            // One more may be set while this one runs.
            drop(state);
            call(callback, &result);
        }
    }

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
            let left = deadline.saturating_duration_since(now());
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

/// Calls a callback, and outlives its panic: it runs on a thread of the pool, which others need.
fn call<T>(callback: Callback<T>, result: &Result<T, Error>) {
    if let Err(panic) = panic::catch(|| callback(result)) {
        tracing::error!("a callback panicked at {}: {}", panic.location, panic.message);
    }
}

/// A [`Slot`] as the sink of a single item.
pub(super) struct Single<T>(pub(super) Arc<Slot<T>>);

impl<T: DeserializeOwned + Send + 'static> Sink for Single<T> {
    fn accept(&self, _: Range<u64>, mut bytes: &[u8], _: Ran) -> Result<(), BadResult> {
        let item = decode(&mut bytes)?;
        if !bytes.is_empty() {
            return Err(BadResult::Trailing(bytes.len()));
        }
        self.0.fill(item.result);
        Ok(())
    }

    fn fail(&self, _: Range<u64>, error: &Error) -> Option<Later> {
        let (slot, error) = (Arc::clone(&self.0), error.clone());
        Some(Box::new(move || slot.fill(Err(error))))
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
        slot.fill(Ok(7));
        slot.fill(Ok(8));
        slot.on_filled(note("after"));
        assert_eq!(*seen.lock().unwrap(), [("before", 7), ("after", 7)]);
        assert!(slot.is_filled());
        assert_eq!(slot.take().unwrap(), 7);
    }

    /// Callbacks that were called.
    type Calls = Arc<Mutex<Vec<&'static str>>>;

    /// Has a callback called which sets another one, that notes its call, and then does `then`.
    fn call_with_another(
        slot: &Arc<Slot<i32>>,
        calls: &Calls,
        then: impl FnOnce() + Send + 'static,
    ) {
        let (inner_slot, calls) = (Arc::clone(slot), Arc::clone(calls));
        slot.on_filled(Box::new(move |_| {
            inner_slot.on_filled(Box::new(move |_| calls.lock().unwrap().push("inner")));
            then();
        }));
    }

    #[test]
    fn a_callback_that_is_set_while_another_runs_is_called() {
        let slot = Slot::new();
        let calls = Calls::default();
        slot.fill(Ok(7));
        let outer = Arc::clone(&calls);
        call_with_another(&slot, &calls, move || outer.lock().unwrap().push("outer"));
        assert_eq!(*calls.lock().unwrap(), ["outer", "inner"]);
        assert_eq!(slot.take().unwrap(), 7);
    }

    #[test]
    fn a_callback_is_called_though_the_one_before_it_panics() {
        let slot = Slot::new();
        let calls = Calls::default();
        slot.fill(Ok(7));
        let outer =
            AssertUnwindSafe(|| call_with_another(&slot, &calls, || panic!("in a callback")));
        assert!(catch_unwind(outer).is_err());
        assert_eq!(*calls.lock().unwrap(), ["inner"]);
        assert_eq!(slot.take().unwrap(), 7);
    }

    #[test]
    fn a_callback_that_panics_harms_nobody() {
        let slot = Slot::new();
        slot.on_filled(Box::new(|_: &Result<i32, Error>| panic!("in a callback")));
        slot.fill(Ok(7));
        assert_eq!(slot.take().unwrap(), 7);
    }

    #[test]
    fn what_follows_an_item_is_an_error() {
        let mut bytes = Vec::new();
        codec::encode(&5_u64, &mut bytes).unwrap();
        codec::encode(&ItemOutcome::Value(1_u8), &mut bytes).unwrap();
        let sink = Single(Slot::<u8>::new());
        let ran = Ran { worker: WorkerId::new(0), started_ns: 0 };
        assert!(sink.accept(0..1, &bytes, ran).is_ok());
        bytes.push(0);
        assert!(matches!(sink.accept(0..1, &bytes, ran), Err(BadResult::Trailing(1))));
        assert!(matches!(sink.accept(0..1, &[9, 9], ran), Err(BadResult::Decode(_))));
    }
}
