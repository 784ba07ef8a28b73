//! The coordinator: `parzen`.

use std::process::ExitCode;

fn main() -> ExitCode {
    parzen::cli::main()
}
