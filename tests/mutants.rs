//! Shows that the simulation of the pool can fail; takes many minutes, so it runs only if asked to.

use std::{path::Path, process::Command};

#[test]
#[ignore = "builds the pool once for each of about a hundred bugs"]
fn every_planted_bug_is_noticed() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/mutants");
    #[expect(clippy::disallowed_methods, reason = "it is not a worker")]
    let status = Command::new(script).status().unwrap();
    assert!(status.success(), "a bug was not noticed; see above");
}
