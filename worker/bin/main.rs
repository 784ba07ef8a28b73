//! The worker program that ships with parzen: serves the coordinator that started it.

use std::process::ExitCode;

use parzen_worker::{serve::serve_as, startup, tasks};

fn main() -> ExitCode {
    #[expect(unsafe_code, reason = "see its note")]
    // SAFETY: this is the first thing `main` does.
    let invitation = unsafe { startup::take_invitation() };
    let served = invitation
        .map_err(Into::into)
        .and_then(|invitation| serve_as(&invitation, &tasks::registry()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            startup::complain(&error);
            ExitCode::FAILURE
        }
    }
}
