//! The system-wide monotonic clock, the same in every process of this machine.

/// Nanoseconds of the monotonic clock: a moment that can cross the wire.
#[must_use]
pub fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}
