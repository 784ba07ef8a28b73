//! Results that are still to come.

use std::{fmt, sync::Arc, time::Duration};

use super::{driver::now, error::Error, sink::Slot, stream::Canceller};

/// A result that is still to come, of `apply_async` or `map_async`.
///
/// Dropping it does not stop the work; its result is thrown away then.
#[must_use = "the result is lost otherwise"]
pub struct Pending<T> {
    slot: Arc<Slot<T>>,
    cancel: Canceller,
}

impl<T: Send + 'static> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("is_ready", &self.is_ready()).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Pending<T> {
    pub(super) fn new(slot: Arc<Slot<T>>, cancel: Canceller) -> Self {
        Self { slot, cancel }
    }

    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn get(self) -> Result<T, Error> {
        self.slot.take()
    }

    /// Waits for the result, no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// Gives itself back if the result has not come by then.
    pub fn get_timeout(self, timeout: Duration) -> Result<Result<T, Error>, Self> {
        // Past what the clock can tell is as good as no limit.
        let Some(deadline) = now().checked_add(timeout) else { return Ok(self.slot.take()) };
        self.slot.take_until(deadline).ok_or(self)
    }

    /// Whether [`get`](Self::get) would return at once.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.slot.is_filled()
    }

    /// Stops the work: the result is an error that [`is_cancelled`](Error::is_cancelled), unless it
    /// has come already. A worker that is running it is killed and replaced.
    pub fn cancel(&self) {
        (self.cancel)();
    }

    /// Has `callback` called with the result when it comes, on a thread of the pool, which it must
    /// not hold up; or now, on this thread, if it is here. At most one callback is kept; one that is
    /// set while another runs is called after that, on the same thread.
    pub fn on_done(&self, callback: impl FnOnce(&Result<T, Error>) + Send + 'static) {
        self.slot.on_filled(Box::new(callback));
    }
}
