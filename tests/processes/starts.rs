//! Worker programs that are none.

use std::{
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parzen::pool::{Pool, StartError, Stopper, WorkerProgram};
use parzen_worker::protocol::VERSION;
use tempfile::TempDir;

use crate::{
    fakes,
    program::{Ended, PARZEN, Program, command},
};

/// Far less than the time a worker has to say hello.
pub(crate) const SOON: Duration = Duration::from_secs(8);

pub(crate) fn run(worker: &str, line: &str) -> Ended {
    Program::start_command(with_worker(worker, line)).end()
}

/// The program with workers that are what `worker` says, to a shell.
pub(crate) fn with_worker(worker: &str, line: &str) -> Command {
    let mut command = command(PARZEN, line);
    command.arg("--worker-program").arg(fakes::program()).env("PARZEN_TEST_WORKER", worker);
    command
}

/// Checks that `ended` is as it should be where no worker is had: one line, hints, exit code 4, at
/// once.
fn check(ended: &Ended, message: &str) {
    let Ended { status, stdout, stderr, after } = ended;
    assert_eq!((status.code(), stdout.as_str()), (Some(4), ""), "{stderr}");
    let (error, hints) = stderr.split_once('\n').unwrap();
    assert!(error.starts_with("error: failed to start the workers: "), "{stderr}");
    assert!(error.contains(message), "{stderr}");
    assert!(!hints.is_empty() && hints.lines().all(|hint| hint.starts_with("hint: ")), "{stderr}");
    assert!(*after < SOON, "{after:?}");
}

fn check_program(path: &str, message: &str) {
    let line = format!("estimate -w 2 --worker-program {path}");
    check(&Program::start(&line).end(), message);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    check_program("/no/such/worker", "failed to run `/no/such/worker`: No such file");
    check_program("/", "failed to run `/`: Permission denied");
}

#[test]
fn a_program_that_may_not_be_run_is_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("worker");
    fs::write(&path, "#!/bin/sh\n").unwrap();
    check_program(path.to_str().unwrap(), "Permission denied");
}

#[test]
fn a_program_that_ends_at_once_has_the_last_word() {
    let ended = run("echo out of licences >&2; exit 7", "estimate -w 2");
    check(&ended, "worker.sh` exited with code 7, saying `out of licences`");
    check(&run("exit 0", "estimate -w 2"), "worker.sh` exited with code 0");
    check(&run("kill -SEGV $$", "estimate -w 2"), "worker.sh` was killed by SIGSEGV (11)");
}

#[test]
fn a_program_that_ends_at_once_has_its_last_lines_shown() {
    let words = "\nhint: the worker's last words were `out of licences` `ask Ann`\n";
    for line in ["estimate -w 2", "bench --quick", "demo pool", "demo process"] {
        let ended = run("echo out of licences >&2; echo ask Ann >&2; exit 7", line);
        assert_eq!(ended.status.code(), Some(4), "{line}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("exited with code 7, saying `ask Ann`\n"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(words), "{line}: {}", ended.stderr);
        let ended = run("echo out of licences >&2; exit 7", line);
        assert_eq!(ended.stderr.matches("out of licences").count(), 1, "{line}: {}", ended.stderr);
    }
}

#[test]
fn a_program_that_says_nothing_has_a_deadline() {
    let ended = run("exec sleep 1000", "estimate -w 2 --start-timeout 300ms");
    check(&ended, "did not say hello within 0.3 s");
    // Nor may what it has started outlive it.
    let ended = run("sleep 1000; true", "estimate -w 2 --start-timeout 300ms");
    check(&ended, "did not say hello within 0.3 s");
}

#[test]
fn a_program_that_is_no_worker_is_told_as_one() {
    check_program("/bin/cat", "`/bin/cat` exited with code 1");
    check_program("/bin/true", "`/bin/true` exited with code 0");
}

#[test]
fn a_worker_of_another_kind_is_refused() {
    let run = |name| run(&fakes::shell_command(name), "estimate -w 2");
    check(
        &run("has_another_version"),
        &format!("is of protocol {}, but a worker of parzen", VERSION + 1),
    );
    check(
        &run("is_another_build"),
        &format!("is of parzen 0.0.7 (protocol {VERSION}), but a worker of parzen"),
    );
    check(&run("does_not_know_the_token"), "it does not know the token");
}

#[test]
fn a_directory_without_room_for_a_socket_is_named() {
    for (directory, reason) in [
        ("/no/such/directory", "No such file or directory"),
        ("/proc", "No such file or directory"),
        ("/dev/null", "Not a directory"),
        (&format!("/{}", "x".repeat(120)), "at most 79 leave room for a socket"),
    ] {
        let program = Program::start_in(directory, "estimate -w 2");
        let ended = program.end();
        check(&ended, &format!("failed to make a socket in `{directory}`: "));
        assert!(ended.stderr.contains(reason), "{}", ended.stderr);
    }
}

/// Closes what whoever runs the tests may have left open, which would count.
const CLOSE: &str = "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-";

#[test]
fn a_shortage_of_descriptors_is_told() {
    let mut shell = command("/bin/sh", "-c");
    shell.arg(format!("{CLOSE}; ulimit -n 40; exec \"$0\" estimate -w 100")).arg(PARZEN);
    check(&Program::start_command(shell).end(), "open files, and the limit is 40: ");
}

fn limited(n_files: u32) -> Ended {
    let mut shell = command("/bin/sh", "-c");
    shell.arg(format!("{CLOSE}; ulimit -n {n_files}; exec \"$0\" estimate -w 2")).arg(PARZEN);
    Program::start_command(shell).end()
}

#[test]
fn where_no_descriptor_is_left_that_is_told() {
    let Ended { status, stderr, .. } = limited(4);
    assert_eq!(status.code(), Some(1), "{stderr}");
    let expected = "error: failed to listen for signals: Too many open files (os error 24)\n\
        hint: raise `ulimit -n`\n";
    assert_eq!(stderr, expected);
    // Which of the files that are opened later is the first without room is not said here.
    for n_files in 5..8 {
        let Ended { status, stderr, .. } = limited(n_files);
        assert!(!status.success());
        assert!(stderr.contains(": Too many open files"), "{stderr}");
        assert!(stderr.ends_with("\nhint: raise `ulimit -n`\n"), "{stderr}");
    }
    // By then some are open, and some are needed besides those of workers.
    for n_files in [8, 12] {
        let ended = limited(n_files);
        let limit = format!(" open files, and the limit is {n_files}: 0 would fit");
        check(&ended, &limit);
        let needed = ended.stderr.split(" open files").next().unwrap().rsplit(' ').next();
        let needed: u32 = needed.unwrap().parse().unwrap();
        assert!((35..=30 + n_files).contains(&needed), "{}", ended.stderr);
        assert!(ended.stderr.ends_with("\nhint: raise `ulimit -n`\n"), "{}", ended.stderr);
    }
}

#[test]
fn it_is_told_how_workers_end_though_the_program_was_started_with_sigchld_ignored() {
    let mut program = command("env", "--ignore-signal=CHLD");
    program.args([PARZEN, "estimate", "-w", "2", "--worker-program", "false"]);
    check(&Program::start_command(program).end(), "exited with code 1");
}

#[test]
fn a_wrapper_must_become_the_worker() {
    let worker = env!("CARGO_BIN_EXE_parzen-worker");
    check(&run(&format!("'{worker}'; true"), "estimate -w 2"), "must `exec` the worker");
    let ended = run(&format!("exec '{worker}'"), "estimate -w 2");
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_pool_that_is_stopped_while_it_starts_says_so() {
    let program = WorkerProgram::Path(env!("CARGO_BIN_EXE_parzen-worker").into());
    let launch = Pool::builder().workers(2).worker_program(program).launch().unwrap();
    launch.stopper().kill();
    assert!(launch.stopper().wait(SOON));
    assert!(matches!(launch.ready(), Err(StartError::Stopped)));
}

#[test]
fn a_pool_that_is_stopped_before_it_starts_runs_nothing() {
    let has_started = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&has_started);
    let kept = Arc::new(());
    let given = Arc::downgrade(&kept);
    let stop = move |stopper: Stopper| {
        stopper.kill();
        assert!(stopper.wait(Duration::ZERO), "there is nothing to wait for");
        given.upgrade()
    };
    let program = WorkerProgram::Path(env!("CARGO_BIN_EXE_parzen-worker").into());
    let builder = Pool::builder().workers(2).worker_program(program).on_launch(stop);
    let launch = builder.on_event(move |_| seen.store(true, Ordering::Relaxed)).launch().unwrap();
    assert_eq!(Arc::strong_count(&kept), 2);
    assert!(matches!(launch.ready(), Err(StartError::Stopped)));
    assert_eq!(Arc::strong_count(&kept), 1, "it goes with the pool");
    assert!(!has_started.load(Ordering::Relaxed));
}
