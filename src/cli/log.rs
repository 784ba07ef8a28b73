//! What the program says about its own doing, on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

/// Without being asked. The last words of a worker that dies are part of the error, if it is one;
/// the rest of what workers write is for `-v`.
const QUIET: &str = "warn,parzen::worker=off";

/// Starts logging: warnings, or what `RUST_LOG` asks for; each `-v` shows more, whatever it says.
pub(crate) fn start(verbose: u8) {
    let own = |level| EnvFilter::new(format!("warn,parzen={level},parzen_worker={level}"));
    let filter = match verbose {
        0 => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(QUIET)),
        1 => own("info"),
        2 => own("debug"),
        _ => own("trace"),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // What cannot be written would be complained of by `eprintln!`, which panics for that.
        .log_internal_errors(false);
    // Fails only if a library's caller has its own logging already, which is then the right one.
    let _ = log.try_init();
}
