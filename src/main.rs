//! The coordinator: `parzen`. Started again by itself, with the hidden command `worker`, it is a
//! worker.

use std::process::ExitCode;

use parzen::{cli, commands::worker};
use parzen_worker::startup;

fn main() -> ExitCode {
    if !worker::is_invited() {
        return cli::main();
    }
    #[expect(unsafe_code, reason = "see its note")]
    // SAFETY: all that was done before is a look at the arguments and the environment, which starts
    // no thread and opens nothing.
    let invitation = unsafe { startup::take_invitation() };
    match worker::run(invitation) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            startup::complain(&error);
            ExitCode::FAILURE
        }
    }
}
