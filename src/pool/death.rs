//! How a worker process ended, and what it had used by then.

use std::{fmt, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

/// How a worker process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Death {
    /// How the system says it ended; `None` if it could not be learned.
    pub status: Option<ExitStatus>,
    /// The last that it wrote to its standard output or error, at most 4 KiB.
    pub stderr: String,
    /// What it had used of the processor, with all that it had started and waited for.
    pub cpu: Option<CpuTime>,
    /// The most memory it had resident at a time, in bytes, shared memory included. `None` if that
    /// was less than this process has had: the system counts what a process had inherited before
    /// it ran its own program.
    pub peak_memory: Option<u64>,
    /// Whether the system, while this process lived, killed some process of its control group for
    /// want of memory, and this one was killed by nobody of the pool. Then most likely by that.
    pub out_of_memory: bool,
}

/// Time on a processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In the program.
    pub user: Duration,
    /// In the system, on its behalf.
    pub system: Duration,
}

impl CpuTime {
    /// Both together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.user.saturating_add(self.system)
    }
}

impl Death {
    /// The signal that killed it, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.and_then(|status| status.signal())
    }

    /// The code it exited with, if it did.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// What it had used, in words to follow others.
    pub(super) fn cost(&self) -> String {
        let cpu = self.cpu.map(|cpu| format!("{:.1?} of processor time", cpu.total()));
        let memory = self.peak_memory.map(|bytes| format!("{} MiB of memory", bytes >> 20));
        let cost: Vec<String> = cpu.into_iter().chain(memory).collect();
        if cost.is_empty() {
            String::new()
        } else {
            format!(", having used {}", cost.join(" and "))
        }
    }
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.signal(), self.code()) {
            (Some(signal), _) => write!(f, "was killed by {}", signal_name(signal))?,
            (None, Some(code)) => write!(f, "exited with code {code}")?,
            (None, None) => f.write_str("ended")?,
        }
        if self.out_of_memory {
            f.write_str(" for want of memory")?;
        }
        let last = self.stderr.lines().rev().find(|line| !line.trim().is_empty());
        last.map_or(Ok(()), |line| write!(f, ", saying `{}`", line.trim()))
    }
}

fn signal_name(signal: i32) -> String {
    match signal_hook::low_level::signal_name(signal) {
        Some(name) => format!("{name} ({signal})"),
        None => format!("signal {signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(raw: i32, stderr: &str) -> Death {
        let status = Some(ExitStatus::from_raw(raw));
        Death { status, stderr: stderr.to_owned(), ..Death::default() }
    }

    #[test]
    fn a_death_is_told_in_words() {
        let check = |death: Death, expected: &str| assert_eq!(death.to_string(), expected);
        check(death(9, ""), "was killed by SIGKILL (9)");
        check(death(3 << 8, ""), "exited with code 3");
        check(death(0, "one\ntwo\n\n"), "exited with code 0, saying `two`");
        check(Death::default(), "ended");
        let starved = Death { out_of_memory: true, ..death(9, "") };
        check(starved, "was killed by SIGKILL (9) for want of memory");
    }

    #[test]
    fn what_it_cost_is_told_as_far_as_it_is_known() {
        assert_eq!(death(9, "").cost(), "");
        let ms = Duration::from_millis;
        let cpu = Some(CpuTime { user: ms(1200), system: ms(300) });
        let death = Death { cpu, peak_memory: Some(70 << 20), ..death(9, "") };
        assert_eq!(death.cost(), ", having used 1.5s of processor time and 70 MiB of memory");
    }
}
