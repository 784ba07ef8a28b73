//! Programs to start as workers.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use parzen::pool::{Builder, Pool, WorkerProgram};
use tempfile::TempDir;

/// The worker that ships.
pub(crate) fn worker_program() -> WorkerProgram {
    WorkerProgram::Path(env!("CARGO_BIN_EXE_parzen-worker").into())
}

/// Settings of a pool of shipped workers.
pub(crate) fn builder(workers: u32) -> Builder {
    Pool::builder().workers(workers).worker_program(worker_program())
}

/// The worker that ships, where no file, shared memory included, may have more than about a megabyte.
pub(crate) fn with_small_files(files: &Scripts) -> WorkerProgram {
    let program = env!("CARGO_BIN_EXE_parzen-worker");
    // Blocks are larger in some shells than in others.
    files.script("small-files.sh", &format!("ulimit -f 2000; exec '{program}'"))
}

/// A pool of shipped workers.
pub(crate) fn pool(workers: u32) -> Pool {
    builder(workers).start().unwrap()
}

/// This test binary.
pub(crate) fn this_test() -> PathBuf {
    env::current_exe().unwrap()
}

/// A directory for scripts, and for files by which tasks and tests talk.
pub(crate) struct Scripts(TempDir);

impl Scripts {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The same as text, to be sent to a task.
    pub(crate) fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A shell script as a worker program.
    pub(crate) fn script(&self, name: &str, body: &str) -> WorkerProgram {
        let path = self.path(name);
        write_executable(&path, &format!("#!/bin/sh\n{body}\n"));
        WorkerProgram::Path(path)
    }

    /// A program that does what the ignored test `actor` of this binary does.
    pub(crate) fn actor(&self, actor: &str, role: &str) -> WorkerProgram {
        let this = this_test();
        let body = format!(
            "PARZEN_ROLE={role} exec '{}' --ignored --exact {actor} --nocapture --test-threads=1",
            this.display()
        );
        self.script(&format!("{role}.sh"), &body)
    }

    /// Settings of a pool whose workers know the tasks in `actors` too.
    pub(crate) fn builder(&self, workers: u32) -> Builder {
        let program = self.actor("actors::honest", "honest");
        Pool::builder().workers(workers).worker_program(program)
    }
}

fn write_executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
