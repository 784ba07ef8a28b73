//! Worker processes are processes of their own, and know nothing of each other.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    order::JOBS,
    program::{PARZEN, Program, command},
};

/// Checks a run of three workers from the first result to the last.
fn check(program: &Path) {
    let line = format!("{JOBS} --order completion -w 3");
    let mut program = Program::start_command(command(program, &line));
    program.lines(1);
    let workers = program.workers(3);
    let coordinator = program.process();

    let groups: BTreeSet<u32> = workers.iter().map(|worker| worker.group).collect();
    assert_eq!(groups.len(), 3);
    let mut seen = BTreeSet::new();
    for worker in &workers {
        assert_eq!((worker.name.as_str(), worker.group), ("parzen-worker", worker.pid));
        let command_line = fs::read(format!("/proc/{}/cmdline", worker.pid)).unwrap();
        let environment = fs::read(format!("/proc/{}/environ", worker.pid)).unwrap();
        assert_no_secret(&command_line, &environment);

        let connections = worker.connections();
        for connection in connections.iter().filter(|path| path.starts_with("socket:")) {
            assert!(!coordinator.connections().contains(connection), "{connection:?}");
        }
        let sockets =
            connections.iter().filter(|path| path.to_str().unwrap().starts_with("socket:"));
        assert_eq!(sockets.count(), 3, "jobs, results, lifeline: {:?}", worker.descriptors());
        assert!(seen.is_disjoint(&connections), "{:?}", worker.descriptors());
        seen.extend(connections);
    }
    let ended = program.end();
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(workers.iter().all(crate::proc::Process::is_reaped));
}

/// The invitation is `VERSION:WORKER:TOKEN:ADDRESS`, and travels in the environment.
fn assert_no_secret(command_line: &[u8], environment: &[u8]) {
    let environment = String::from_utf8_lossy(environment);
    let invitation = environment.split('\0').find_map(|e| e.strip_prefix("PARZEN_INVITATION="));
    let token = invitation.unwrap().split(':').nth(2).unwrap();
    assert_eq!(token.len(), 32);
    assert!(!String::from_utf8_lossy(command_line).contains(token));
}

#[test]
fn each_worker_is_a_process_of_its_own() {
    check(Path::new(PARZEN));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test installs the program as a user would")]
fn the_program_is_its_own_worker_where_there_is_no_other() {
    let directory = TempDir::new().unwrap();
    let alone = directory.path().join("parzen");
    // Not copied by this process: a program that others still may write to cannot be run, and a
    // process that is started meanwhile holds what was open here for a moment.
    let copied = Command::new("cp").arg(PARZEN).arg(&alone).status().unwrap();
    assert!(copied.success());
    check(&alone);
}
