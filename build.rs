//! Notes which compiler builds this, for `parzen info`.

use std::{env, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=PARZEN_RUSTC={}", version().unwrap_or_else(|| "unknown".to_owned()));
}

/// What `rustc --version` says, of the compiler that cargo uses.
#[expect(clippy::disallowed_methods, reason = "a build script starts the compiler, not a worker")]
fn version() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
