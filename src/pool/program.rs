//! Which program is started as a worker.

use std::{env, ffi::OsString, io, path::PathBuf, sync::Arc};

use super::error::StartError;

/// What a pool starts as its workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WorkerProgram {
    /// The first there is of: what the environment variable `PARZEN_WORKER` names; `parzen-worker`
    /// beside this executable; this executable itself with the argument `worker`.
    #[default]
    Find,
    /// This program.
    Path(PathBuf),
    /// This executable itself with the argument `worker`: its `main` must then call
    /// [`serve`](parzen_worker::serve()) before it does anything else.
    ThisProgram,
}

/// The environment variable that names a worker program.
pub const VARIABLE: &str = "PARZEN_WORKER";

/// The name workers go by, in a list of processes too.
pub(crate) const NAME: &str = "parzen-worker";

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
}

impl WorkerProgram {
    /// The program that the variable names. An empty one names none.
    pub(crate) fn of_variable() -> Option<PathBuf> {
        env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    pub(crate) fn resolve(&self) -> Result<Invocation, StartError> {
        let resolved = match self {
            Self::Path(path) => Ok(Invocation::of(path.clone())),
            Self::ThisProgram => this_program().map(Invocation::again),
            Self::Find => find(),
        };
        resolved.map_err(|error| StartError::NoProgram(Arc::new(error)))
    }
}

impl Invocation {
    fn of(program: PathBuf) -> Self {
        Self { program, args: Vec::new() }
    }

    fn again(program: PathBuf) -> Self {
        Self { program, args: vec!["worker".into()] }
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        self.program.display().to_string()
    }
}

/// The file that runs now. If it was deleted or replaced since, the link still leads to it.
fn this_program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    Ok(if path.exists() { path } else { PathBuf::from("/proc/self/exe") })
}

fn find() -> io::Result<Invocation> {
    if let Some(path) = WorkerProgram::of_variable() {
        return Ok(Invocation::of(path));
    }
    let beside = env::current_exe()?.with_file_name(NAME);
    if beside.is_file() {
        return Ok(Invocation::of(beside));
    }
    this_program().map(Invocation::again)
}
