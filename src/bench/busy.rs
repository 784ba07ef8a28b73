//! How much of the machine others use.

use std::{collections::VecDeque, fs, process, thread, time::Duration};

use parzen_worker::clock;

/// The least time that the use by others is measured over.
///
/// The system counts time in ticks, usually of 10 ms: over a round of 3 ms nothing could be said at
/// all. Over half a second, one tick is 2 % of one core. A shorter round is measured together with
/// what was before it.
const WINDOW_NS: u64 = 500_000_000;

/// Time in which the machine is watched before anything is measured.
const FIRST_LOOK: Duration = Duration::from_millis(300);

/// Tells how much of the machine was used by others than this program and its workers.
///
/// The machine's use is that of `/proc/stat`, in which time that a host took away from a virtual
/// machine counts as used. This program's own is that of `/proc/PID/stat` of itself, with its
/// children that were reaped, and of the workers that live.
#[derive(Debug)]
pub struct Meter {
    ticks_per_second: f64,
    /// Moments, the oldest first.
    moments: VecDeque<Moment>,
}

/// All counts at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Moment {
    at_ns: u64,
    cores: u32,
    /// Ticks that all cores were busy.
    busy: u64,
    /// Ticks that this program and its workers ran.
    own: u64,
}

impl Meter {
    /// Looks at the machine for a moment; `None` if the system does not tell what is needed.
    #[must_use]
    pub fn start(pids: &[u32]) -> Option<Self> {
        let mut meter = Self {
            ticks_per_second: rustix::param::clock_ticks_per_second() as f64,
            moments: VecDeque::from([Moment::now(pids)?]),
        };
        thread::sleep(FIRST_LOOK);
        meter.moments.push_back(Moment::now(pids)?);
        Some(meter)
    }

    /// The share of all cores, from 0 to 1, that others used since `since_ns`, or for half a second
    /// if that is longer. `pids` are the workers that live.
    pub fn foreign_share(&mut self, since_ns: u64, pids: &[u32]) -> Option<f64> {
        let now = Moment::now(pids)?;
        let from_ns = since_ns.min(now.at_ns.saturating_sub(WINDOW_NS));
        while self.moments.get(1).is_some_and(|next| next.at_ns <= from_ns) {
            self.moments.pop_front();
        }
        let from = *self.moments.front()?;
        self.moments.push_back(now);
        Some(share(from, now, self.ticks_per_second))
    }
}

/// The share of all cores that others used between two moments.
fn share(from: Moment, to: Moment, ticks_per_second: f64) -> f64 {
    let seconds = to.at_ns.saturating_sub(from.at_ns) as f64 / 1e9;
    let all = seconds * ticks_per_second * f64::from(to.cores);
    let busy = to.busy.saturating_sub(from.busy);
    let foreign = busy.saturating_sub(to.own.saturating_sub(from.own));
    if 0.0 < all { (foreign as f64 / all).min(1.0) } else { 0.0 }
}

impl Moment {
    fn now(pids: &[u32]) -> Option<Self> {
        let (cores, busy) = machine_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        let of = |pid: u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            process_ticks(&stat)
        };
        // A worker that has just gone is counted with the children that were reaped.
        let workers: u64 = pids.iter().filter_map(|&pid| of(pid)).sum();
        Some(Self { at_ns: clock::now_ns(), cores, busy, own: of(process::id())? + workers })
    }
}

/// Cores, and ticks that all of them together were busy, from the text of `/proc/stat`.
fn machine_ticks(stat: &str) -> Option<(u32, u64)> {
    let all = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = all.split_whitespace().map_while(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user and nice.
    let [user, nice, system, _idle, _iowait, irq, softirq, steal]: [u64; 8] =
        ticks.get(..8)?.try_into().ok()?;
    let is_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let cores = u32::try_from(stat.lines().filter(is_core).count()).ok()?;
    // A sandbox that shows no figures shows zeros.
    (0 < cores && ticks.iter().any(|&n| 0 < n))
        .then_some((cores, user + nice + system + irq + softirq + steal))
}

/// Ticks that a process and its reaped children ran, from the text of `/proc/PID/stat`.
fn process_ticks(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // utime, stime, cutime and cstime are fields 14 to 17 of the line; the first here is 3.
    fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "cpu  100 10 50 1000 20 1 2 3 7 7\ncpu0 50 5 25 500 10 0 1 1 0 0\n\
                        cpu1 50 5 25 500 10 1 1 2 0 0\nintr 5 cpu\nctxt 9\n";

    #[test]
    fn the_machine_is_busy_unless_it_is_idle_or_waits() {
        assert_eq!(machine_ticks(STAT), Some((2, 100 + 10 + 50 + 1 + 2 + 3)));
        for text in ["", "cpu 1 2\n", "cpu  0 0 0 0 0 0 0 0\ncpu0 0\n", "intr 1\n"] {
            assert_eq!(machine_ticks(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_process_may_have_any_name() {
        let stat = "77 (a) 1 (b) S 1 77 77 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 1 0 9 9\n";
        assert_eq!(process_ticks(stat), Some(11 + 22 + 33 + 44));
        assert_eq!(process_ticks("77 (a) S 1"), None);
    }

    #[test]
    fn what_is_not_our_own_is_foreign() {
        let moment = |at_ns, busy, own| Moment { at_ns, cores: 2, busy, own };
        let second = 1_000_000_000;
        let check = |busy, own, expected: f64| {
            let found = share(moment(0, 0, 0), moment(second, busy, own), 100.0);
            assert!((found - expected).abs() < 1e-12, "{busy} {own}: {found}");
        };
        check(0, 0, 0.0);
        check(200, 0, 1.0);
        check(150, 50, 0.5);
        // Ticks are counted apart, so our own may come out larger.
        check(99, 100, 0.0);
        check(500, 0, 1.0);
        assert_eq!(share(moment(5, 0, 0), moment(5, 9, 0), 100.0), 0.0, "no time at all");
    }

    #[test]
    fn this_machine_tells() {
        let mut meter = Meter::start(&[]).unwrap();
        let share = meter.foreign_share(clock::now_ns(), &[]).unwrap();
        assert!((0.0..=1.0).contains(&share));
    }
}
