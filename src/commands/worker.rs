//! `parzen worker`: the coordinator's own program as a worker, for where there is no other.

use parzen_worker::{
    serve::{ServeError, serve},
    tasks,
};

/// Serves the coordinator that started this process, and returns when it wants no more.
///
/// # Errors
///
/// Fails if no coordinator started this process, or the connection breaks.
pub fn run() -> Result<(), ServeError> {
    serve(&tasks::registry())
}
