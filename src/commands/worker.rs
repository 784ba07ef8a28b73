//! `parzen worker`: the coordinator's own program as a worker, for where there is no other.

/// Serves the coordinator that started this process, and returns when it wants no more.
pub fn run() {
    parzen_worker::serve();
}
