//! Waits with an end.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Far longer than anything here takes, even on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "a test measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Looks again and again until `look` finds something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `act`, which must not take longer than `limit`.
pub(crate) fn within<T>(limit: Duration, act: impl FnOnce() -> T) -> T {
    let begin = now();
    let value = act();
    let took = begin.elapsed();
    assert!(took < limit, "took {took:?}, more than {limit:?}");
    value
}
