//! Programs that do not become workers.

use std::{fs, sync::mpsc, time::Duration};

use parzen::pool::{Event, Pool, StartError, WorkerProgram};
use parzen_worker::{protocol::VERSION, tasks::demo::Cube};

use crate::support::{PATIENCE, Scripts, alone, within};

/// The whole chain of an error.
fn told(error: &StartError) -> String {
    let first: &dyn std::error::Error = error;
    let chain = std::iter::successors(Some(first), |&cause| cause.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Starts a pool that cannot start, and demands that it says why, soon.
fn refused(program: WorkerProgram, says: &str) {
    let timeout = Duration::from_millis(300);
    for workers in [1, 4] {
        let builder = Pool::builder().workers(workers).start_timeout(timeout);
        let builder = builder.worker_program(program.clone());
        let error = within(Duration::from_secs(10), || builder.start()).unwrap_err();
        assert!(told(&error).contains(says), "{}", told(&error));
    }
}

/// As [`refused`], for a program that takes its time to start.
fn refused_in_time(program: WorkerProgram, says: &str) {
    let builder = Pool::builder().workers(3).worker_program(program);
    let error = within(Duration::from_secs(10), || builder.start()).unwrap_err();
    assert!(told(&error).contains(says), "{}", told(&error));
}

#[test]
fn a_program_that_is_not_there() {
    alone(|| refused(WorkerProgram::Path("/nowhere/worker".into()), "No such file"));
}

#[test]
fn a_program_that_cannot_be_run() {
    alone(|| {
        let files = Scripts::new();
        fs::write(files.path("text"), "no program").unwrap();
        refused(WorkerProgram::Path(files.path("text")), "ermission denied");
        fs::create_dir(files.path("directory")).unwrap();
        refused(WorkerProgram::Path(files.path("directory")), "ermission denied");
    });
}

#[test]
fn a_program_that_exits_at_once() {
    alone(|| {
        let files = Scripts::new();
        let script = |name, body| files.script(name, body);
        refused_in_time(script("false.sh", "exit 1"), "exited with code 1");
        refused_in_time(script("true.sh", "exit 0"), "exited with code 0");
        refused_in_time(script("kill.sh", "kill -9 $$"), "killed by SIGKILL (9)");
        let body = "echo first >&2; echo the library is missing >&2; exit 127";
        let says = "exited with code 127, saying `the library is missing`";
        refused_in_time(script("says.sh", body), says);
    });
}

/// The reason must not be that other workers were stopped because of it.
#[test]
fn the_reason_is_the_first() {
    alone(|| {
        let files = Scripts::new();
        for round in 0..15 {
            // Three come to an end; the others would wait. Each round has names of its own: who was
            // killed in the middle of making a directory may still make it.
            let made = ["one", "two", "three"].map(|name| {
                let directory = files.name(&format!("{name}-{round}"));
                format!("mkdir '{directory}' 2>/dev/null && exit 5; ")
            });
            let body = format!("{}exec sleep 1000", made.concat());
            let program = files.script(&format!("one-of-many-{round}.sh"), &body);
            let builder = Pool::builder().workers(6).worker_program(program);
            let launch = builder.launch().unwrap();
            let error = within(Duration::from_secs(5), || launch.ready()).unwrap_err();
            assert!(told(&error).contains("exited with code 5"), "{}", told(&error));
        }
    });
}

#[test]
fn a_program_that_becomes_a_worker_only_once() {
    alone(|| {
        let files = Scripts::new();
        let worker = env!("CARGO_BIN_EXE_parzen-worker");
        let (taken, ready) = (files.name("taken"), files.path("ready"));
        // Not before the one is ready: while none is, the first who fail end the start in any case.
        let wait = format!("while ! test -e '{}'; do sleep 0.01; done", ready.display());
        let otherwise = format!("{wait}; echo no licence is left >&2; exit 3");
        let body = format!("mkdir '{taken}' 2>/dev/null && exec '{worker}'; {otherwise}");
        let program = files.script("once.sh", &body);
        let builder = Pool::builder().workers(3).worker_program(program).on_event(move |event| {
            if let Event::Ready { .. } = event {
                fs::write(&ready, "").unwrap();
            }
        });
        let error = within(Duration::from_secs(10), || builder.start()).unwrap_err();
        let says = "exited with code 3, saying `no licence is left`";
        assert!(told(&error).contains(says), "{}", told(&error));
    });
}

#[test]
fn a_program_that_hangs() {
    alone(|| {
        let files = Scripts::new();
        refused(files.script("sleep.sh", "exec sleep 1000"), "did not say hello within 0.3 s");
        // A child of its own does not save it.
        refused(files.script("fork.sh", "sleep 1000 & sleep 1000"), "within 0.3 s");
        refused(files.script("deaf.sh", "trap '' TERM; sleep 1000; sleep 1000"), "within 0.3 s");
        refused(files.actor("actors::rogue", "silent"), "within 0.3 s");
        refused(files.actor("actors::rogue", "out-of-its-group"), "within 0.3 s");
    });
}

#[test]
fn another_version_or_build() {
    alone(|| {
        let files = Scripts::new();
        let actor = |role| files.actor("actors::rogue", role);
        refused_in_time(actor("other-version"), &format!("is of protocol {}", VERSION + 1));
        refused_in_time(actor("other-build"), "-other");
    });
}

#[test]
fn a_stranger() {
    alone(|| {
        let files = Scripts::new();
        let actor = |role| files.actor("actors::rogue", role);
        refused_in_time(actor("wrong-token"), "does not know the token");
        refused_in_time(actor("wrong-magic"), "does not speak the protocol");
        refused_in_time(actor("empty-greeting"), "does not speak the protocol");
        refused_in_time(actor("garbage"), "does not speak the protocol");
        refused_in_time(actor("too-few-channels"), "does not speak the protocol");
    });
}

/// What `ipc-channel` would panic at, take without bound, or keep for ever.
#[test]
fn a_hello_that_is_not_made_as_one_is() {
    alone(|| {
        let files = Scripts::new();
        let actor = |role| files.actor("actors::rogue", role);
        refused_in_time(actor("claims-more"), "what it sends is no message");
        for role in [
            "one-channel-thrice",
            "channels-out-of-order",
            "no-sockets",
            "streams-for-channels",
            "too-many-channels",
        ] {
            refused_in_time(actor(role), "does not speak the protocol");
        }
    });
}

#[test]
fn one_that_goes_without_a_word() {
    alone(|| {
        let files = Scripts::new();
        refused_in_time(files.actor("actors::rogue", "without-a-word"), "exited with code 0");
        let worker = env!("CARGO_BIN_EXE_parzen");
        // Something else entirely, which complains of its arguments or its input.
        refused_in_time(files.script("other.sh", &format!("exec '{worker}' nonsense")), "exited");
    });
}

#[test]
fn a_wrapper_that_does_not_exec() {
    alone(|| {
        let files = Scripts::new();
        let worker = env!("CARGO_BIN_EXE_parzen-worker");
        let program = files.script("wrapper.sh", &format!("'{worker}'; true"));
        refused_in_time(program, "a wrapper must `exec` the worker");
        let program = files.script("good.sh", &format!("exec '{worker}'"));
        let pool = Pool::builder().workers(2).worker_program(program).start().unwrap();
        assert_eq!(pool.map::<Cube>(1..=3).unwrap(), [1, 8, 27]);
        pool.join().unwrap();
    });
}

#[test]
fn one_that_is_ready_and_then_exits() {
    alone(|| {
        let files = Scripts::new();
        let program = files.actor("actors::rogue", "ready-then-exits");
        // The start itself may succeed; what comes after must fail, not be tried for ever.
        let builder = Pool::builder().workers(2).worker_program(program);
        within(Duration::from_secs(20), || match builder.start() {
            Ok(pool) => {
                let error = pool.apply::<Cube>(1).unwrap_err();
                assert!(error.is_crash() || error.start_error().is_some(), "{error}");
                // It may be broken by now, or break later.
                drop(pool.join());
            }
            Err(error) => assert!(told(&error).contains("exited with code 0"), "{}", told(&error)),
        });
    });
}

#[test]
fn one_that_is_ready_and_then_sends_nonsense() {
    alone(|| {
        let files = Scripts::new();
        for workers in [1, 8] {
            let (tell, told_events) = mpsc::channel();
            let builder = Pool::builder().workers(workers);
            let builder = builder.on_event(move |event| drop(tell.send(event.clone())));
            let builder = builder.worker_program(files.actor("actors::rogue", "garbage-at-once"));
            // All may be ready at the same time, if not for long.
            let pool = builder.start();
            let mut n_started = 0;
            let reason = loop {
                match told_events.recv_timeout(PATIENCE).expect("it gives up") {
                    Event::Started { .. } => n_started += 1,
                    Event::Broken { error } => break told(&error),
                    _ => {}
                }
            };
            assert!(reason.contains("no worker of this pool: killed for what it sent"), "{reason}");
            // While others seem to work the pauses become longer and longer.
            assert!(n_started < 10 * workers, "{n_started} processes for {workers} workers");
            drop(pool.map(Pool::join));
        }
    });
}

/// Workers that cannot be replaced end the pool, and every job says why.
#[test]
fn a_program_that_vanishes_later() {
    alone(|| {
        let files = Scripts::new();
        let worker = env!("CARGO_BIN_EXE_parzen-worker");
        let program = files.script("worker.sh", &format!("exec '{worker}'"));
        let pool = Pool::builder().workers(2).worker_program(program).start().unwrap();
        assert_eq!(pool.map::<Cube>(0..100).unwrap().len(), 100);
        fs::remove_file(files.path("worker.sh")).unwrap();
        for pid in pool.pids() {
            crate::support::send_signal(pid, rustix::process::Signal::KILL);
        }
        within(Duration::from_secs(10), || {
            let error = loop {
                // One that is still being killed may answer.
                if let Err(error) = pool.apply::<Cube>(1) {
                    break error;
                }
            };
            let start = error.start_error().expect("no worker can be started");
            assert!(told(start).contains("No such file"), "{}", told(start));
            assert!(pool.map::<Cube>(0..10).unwrap_err().start_error().is_some());
            assert!(told(&pool.join().unwrap_err()).contains("No such file"));
        });
    });
}

#[test]
fn a_directory_for_sockets_that_is_not_there() {
    alone(|| {
        let files = Scripts::new();
        let program = crate::support::worker_program();
        let missing = files.path("missing");
        let other = std::process::id();
        // The environment is this process's own: the test is alone in it.
        let result = with_tmpdir(&missing, || {
            Pool::builder().workers(2).worker_program(program).start().map(Pool::join)
        });
        let error = result.unwrap_err();
        assert!(told(&error).contains("missing"), "{} in {other}", told(&error));
    });
}

#[expect(unsafe_code, reason = "the environment decides where sockets are made")]
fn with_tmpdir<T>(directory: &std::path::Path, act: impl FnOnce() -> T) -> T {
    let before = std::env::var_os("TMPDIR").unwrap();
    // SAFETY: no other thread of this process runs now that reads the environment.
    unsafe { std::env::set_var("TMPDIR", directory) };
    let value = act();
    // SAFETY: as above; the pool's threads are gone.
    unsafe { std::env::set_var("TMPDIR", before) };
    value
}
