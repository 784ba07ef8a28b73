//! What a process holds: descriptors, threads, children.

use std::{fs, process};

use rustix::process::{Pid, WaitOptions, set_child_subreaper, waitpid};

use super::wait::eventually;

/// Counts before a test, to be the same after it.
pub(crate) struct Audit {
    descriptors: Vec<String>,
    threads: usize,
}

impl Audit {
    /// Counts, and sees to it that orphans come to this process from now on.
    pub(crate) fn begin() -> Self {
        set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        Self { descriptors: descriptors(), threads: threads() }
    }

    /// Demands that nothing is left. What is just ending may take its time.
    pub(crate) fn end(self) {
        let own = process::id();
        eventually("children left", || {
            reap_orphans();
            let left = children_of(own);
            left.is_empty().then_some(())
        });
        eventually("threads left", || (threads() <= self.threads).then_some(()));
        let now = descriptors();
        assert_eq!(now.len(), self.descriptors.len(), "{:#?}, then {now:#?}", self.descriptors);
    }
}

/// Collects what workers have started and left dead: on other days that falls to `init`. A worker,
/// which leads a group, is the pool's to collect.
fn reap_orphans() {
    for child in children_of(process::id()) {
        if child.state == 'Z' && child.group != child.pid {
            let pid = Pid::from_raw(child.pid.cast_signed());
            let _ = waitpid(pid, WaitOptions::NOHANG);
        }
    }
}

fn descriptors() -> Vec<String> {
    let paths = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    // The one that lists them is there too, always.
    paths
        .map(|path| {
            let target = fs::read_link(&path).unwrap_or_default();
            format!("{} -> {}", path.display(), target.display())
        })
        .collect()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// A process of the system.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) pid: u32,
    pub(crate) parent: u32,
    pub(crate) group: u32,
    /// `R`, `S`, `Z`, ...
    pub(crate) state: char,
    #[expect(dead_code, reason = "shown")]
    pub(crate) name: String,
}

/// Every process of the system.
pub(crate) fn processes() -> Vec<Found> {
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(find).collect()
}

/// The process with this number, if there is one.
pub(crate) fn find(pid: u32) -> Option<Found> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, tail) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let mut fields = tail.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let mut number = || fields.next()?.parse().ok();
    Some(Found { pid, parent: number()?, group: number()?, state, name })
}

/// Children of process `pid`, zombies among them.
pub(crate) fn children_of(pid: u32) -> Vec<Found> {
    processes().into_iter().filter(|found| found.parent == pid).collect()
}

/// Processes below `pid`.
pub(crate) fn descendants_of(pid: u32) -> Vec<u32> {
    let all = processes();
    let mut found = vec![pid];
    let mut seen = 0;
    while let Some(&parent) = found.get(seen) {
        found.extend(all.iter().filter(|child| child.parent == parent).map(|child| child.pid));
        seen += 1;
    }
    found.split_off(1)
}
