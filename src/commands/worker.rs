//! `parzen worker`: the coordinator's own program as a worker, for where there is no other.

use std::env;

use parzen_worker::{
    protocol::{Invitation, InvitationError},
    serve::{ServeError, serve_as},
    tasks,
};

/// Whether this process was started by a coordinator, with the argument `worker` alone.
#[must_use]
pub fn is_invited() -> bool {
    Invitation::is_set() && env::args_os().skip(1).eq(["worker"])
}

/// Serves the coordinator that sent `invitation`, and returns when it wants no more.
///
/// # Errors
///
/// Fails if there is no invitation, or the connection breaks.
pub fn run(invitation: Result<Invitation, InvitationError>) -> Result<(), ServeError> {
    serve_as(&invitation?, &tasks::registry())
}
