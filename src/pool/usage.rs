//! What a pool has sent and received, and what its workers use.

use std::fs;

/// Messages and bytes between the coordinator and all its workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Jobs sent, those sent again counted again.
    pub messages_sent: u64,
    /// Their bytes, arguments in shared memory included.
    pub bytes_sent: u64,
    /// Messages of results received.
    pub messages_received: u64,
    /// Their bytes, results in shared memory included.
    pub bytes_received: u64,
}

/// What a pool has used so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// What went over the channels.
    pub traffic: Traffic,
    /// Workers that died without having been asked to leave.
    pub lost: u32,
    /// The workers that run now.
    pub workers: Vec<WorkerUsage>,
}

/// What one worker process has used so far. `None` is what the system does not tell.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerUsage {
    /// Its number.
    pub worker: u32,
    /// Its process id.
    pub pid: u32,
    /// When its process had been started, on the [`monotonic clock`](parzen_worker::clock).
    pub launched_ns: u64,
    /// When it was ready for jobs.
    pub ready_ns: u64,
    /// The most memory it had resident at a time, in bytes, shared memory included.
    pub peak_memory: Option<u64>,
    /// Times its main thread waited.
    pub voluntary_switches: Option<u64>,
    /// Times its main thread was made to wait.
    pub involuntary_switches: Option<u64>,
}

impl WorkerUsage {
    /// Asks the system about process `pid`.
    pub(super) fn measure(worker: u32, pid: u32, launched_ns: u64, ready_ns: u64) -> Self {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        Self {
            worker,
            pid,
            launched_ns,
            ready_ns,
            peak_memory: field(&status, "VmHWM:").map(|kib| kib * 1024),
            voluntary_switches: field(&status, "voluntary_ctxt_switches:"),
            involuntary_switches: field(&status, "nonvoluntary_ctxt_switches:"),
        }
    }
}

/// The most memory that this process had resident at a time.
pub(super) fn own_peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    field(&status, "VmHWM:").map(|kib| kib * 1024)
}

/// The number behind `name` in the text of `/proc/PID/status`.
fn field(status: &str, name: &str) -> Option<u64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let status =
            "VmHWM:\t   712 kB\nvoluntary_ctxt_switches:\t3\nnonvoluntary_ctxt_switches:\t1\n";
        assert_eq!(field(status, "VmHWM:"), Some(712));
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(3));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), Some(1));
        assert_eq!(field(status, "VmRSS:"), None);
    }

    #[test]
    fn this_process_has_used_memory() {
        let usage = WorkerUsage::measure(0, std::process::id(), 0, 0);
        assert!(usage.peak_memory.is_some_and(|bytes| 100_000 < bytes), "{usage:?}");
    }
}
