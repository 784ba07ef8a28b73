//! A process for each test.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::Signal;

use super::{audit, audit::Audit, now, send_signal, this_test};

/// Names the test that a process was started for.
const VARIABLE: &str = "PARZEN_TEST_ALONE";

/// Time a test may take. A soak may need more.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `body`, a test, in a process of its own with a directory of its own for temporary files.
///
/// Afterwards it has no child, zombies and orphans counted, no thread and no descriptor that it had
/// not before, and nothing is left in the directory. A test that does not end is killed, and what
/// its processes were doing is told.
pub(crate) fn alone<F: FnOnce()>(body: F) {
    // `pool::module::name::{{closure}}`
    let path = std::any::type_name::<F>();
    let name = path.trim_end_matches("::{{closure}}").split_once("::").unwrap().1;
    if env::var_os(VARIABLE).is_some_and(|wanted| wanted == name) {
        let audit = Audit::begin();
        body();
        audit.end();
    } else {
        run_apart(name);
    }
}

fn run_apart(name: &str) {
    let home = tempfile::Builder::new().prefix("parzen-test-").tempdir().unwrap();
    let temporary = home.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let output = home.path().join("output");
    let shared_before = shared_memory();
    let (status, late) = wait(start(name, &temporary, &output));
    let output = fs::read_to_string(&output).unwrap_or_default();
    assert!(late.is_none(), "{name} did not end\n{}\n{output}", late.unwrap_or_default());
    assert!(status.success(), "{name}: {status}\n{output}");
    assert!(output.contains("1 passed"), "{name} is not the name of a test\n{output}");
    assert_eq!(files(&temporary), Vec::<OsString>::new(), "left by {name}");
    let mut shared = shared_memory();
    shared.retain(|file| !shared_before.contains(file));
    assert_eq!(shared, Vec::<OsString>::new(), "shared memory left by {name}");
}

#[expect(clippy::disallowed_methods, reason = "starts this program again")]
fn start(name: &str, temporary: &Path, output: &Path) -> Child {
    let output = File::create(output).unwrap();
    let mut command = Command::new(this_test());
    command.args([name, "--exact", "--nocapture"]);
    command.env(VARIABLE, name).env("TMPDIR", temporary).env_remove("PARZEN_WORKER");
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    command.process_group(0).spawn().unwrap()
}

/// Waits for the end. If it does not come, tells what the processes were doing, and kills them.
fn wait(mut child: Child) -> (ExitStatus, Option<String>) {
    let limit = env::var("PARZEN_TEST_SECONDS")
        .map_or(LIMIT, |seconds| Duration::from_secs(seconds.parse().unwrap()));
    let begin = now();
    while begin.elapsed() < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return (status, None);
        }
        thread::sleep(Duration::from_millis(2));
    }
    let pids = [vec![child.id()], audit::descendants_of(child.id())].concat();
    let state = pids.iter().map(|&pid| describe(pid)).collect();
    for &pid in &pids {
        send_signal(pid, Signal::KILL);
    }
    (child.wait().unwrap(), Some(state))
}

/// A process and its threads, with what each waits for.
fn describe(pid: u32) -> String {
    let mut text = format!("{:?}\n", audit::find(pid));
    for entry in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let read = |file| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let (name, wait, call) = (read("comm"), read("wchan"), read("syscall"));
        text.push_str(&["    ", name.trim(), ": ", &wait, " ", call.trim(), "\n"].concat());
    }
    text
}

fn files(directory: &Path) -> Vec<OsString> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Shared memory with a name that could be ours.
fn shared_memory() -> Vec<OsString> {
    let mut files = files(Path::new("/dev/shm"));
    files.retain(|file| {
        let name = file.to_string_lossy();
        name.contains("parzen") || name.starts_with(".tmp") || name.contains("ipc")
    });
    files
}
