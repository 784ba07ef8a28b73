//! Programs that stand in for workers, as ignored tests of this binary.

mod raw;
mod rogue;
pub(crate) mod tasks;

use std::env;

use parzen_worker::{protocol::Invitation, serve::serve_as};

/// What the program is to do.
fn role() -> String {
    env::var("PARZEN_ROLE").unwrap_or_default()
}

/// A worker that does as it should, with more tasks than the one that ships.
#[test]
#[ignore = "a worker, not a test"]
fn honest() {
    let Ok(invitation) = Invitation::from_env() else { return };
    serve_as(&invitation, &tasks::registry()).unwrap();
}

/// A worker that does not.
#[test]
#[ignore = "a worker, not a test"]
fn rogue() {
    let Ok(invitation) = Invitation::from_env() else { return };
    rogue::act(&role(), &invitation);
}
