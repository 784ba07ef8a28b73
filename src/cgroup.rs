//! What the control groups of this process allow, and whom the system killed in them for want of
//! memory.
//!
//! A limit of any group holds for all groups below it, so all are asked, from this process's own up
//! to the root of what is mounted.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Limits of control groups, version 1 or 2 or both.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    /// Cores' worth of time.
    pub(crate) cores: Option<f64>,
    /// Bytes.
    pub(crate) memory: Option<u64>,
}

/// Above this a limit of memory means that there is none: version 1 has no better way to say so.
const NO_LIMIT: u64 = 1 << 60;

impl Limits {
    /// Those of this process.
    pub(crate) fn read() -> Self {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        let read = |path: &Path| fs::read_to_string(path).ok();
        Self::find(&text("/proc/self/cgroup"), &text("/proc/self/mountinfo"), &read)
    }

    fn find(groups: &str, mounts: &str, read: &dyn Fn(&Path) -> Option<String>) -> Self {
        let mut limits = Self::default();
        for (controllers, path) in groups.lines().filter_map(group) {
            let Some(mount) = mounts.lines().filter_map(Mount::parse).find(|m| m.has(controllers))
            else {
                continue;
            };
            for directory in mount.directories(path) {
                let number = |name: &str| read(&directory.join(name))?.trim().parse::<f64>().ok();
                let file = |name: &str| read(&directory.join(name));
                let has =
                    |name| controllers.is_empty() || controllers.split(',').any(|c| c == name);
                if has("cpu") {
                    let quota = file("cpu.max").and_then(|text| cpu_max(&text)).or_else(|| {
                        let (quota, period) =
                            number("cpu.cfs_quota_us").zip(number("cpu.cfs_period_us"))?;
                        (0.0 < quota && 0.0 < period).then_some(quota / period)
                    });
                    limits.cores = smaller(limits.cores, quota, f64::min);
                }
                if has("memory") {
                    let bytes = file("memory.max").or_else(|| file("memory.limit_in_bytes"));
                    let bytes = bytes.and_then(|text| text.trim().parse().ok());
                    let bytes = bytes.filter(|&bytes| bytes < NO_LIMIT);
                    limits.memory = smaller(limits.memory, bytes, u64::min);
                }
            }
        }
        limits
    }
}

/// How many processes the system has killed for want of memory, in the control group of this process
/// or else on the whole machine. `None` if it does not tell.
pub(crate) fn oom_kills() -> Option<u64> {
    static COUNTER: OnceLock<PathBuf> = OnceLock::new();
    let read = |path: &Path| fs::read_to_string(path).ok();
    let counter = COUNTER.get_or_init(|| {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        find_counter(&text("/proc/self/cgroup"), &text("/proc/self/mountinfo"), &read)
    });
    read(counter).and_then(|text| counted(&text))
}

/// The file that counts, in the nearest group that has one.
fn find_counter(groups: &str, mounts: &str, read: &dyn Fn(&Path) -> Option<String>) -> PathBuf {
    let files = groups.lines().filter_map(group).flat_map(|(controllers, path)| {
        let mut mounts = mounts.lines().filter_map(Mount::parse);
        let mount = mounts.find(|mount| mount.has(controllers));
        let directories = mount.into_iter().flat_map(move |mount| mount.directories(path));
        // Versions 2 and 1.
        directories.flat_map(|directory| {
            ["memory.events", "memory.oom_control"].map(|name| directory.join(name))
        })
    });
    let mut counting = files.filter(|file| read(file).is_some_and(|text| counted(&text).is_some()));
    counting.next().unwrap_or_else(|| PathBuf::from("/proc/vmstat"))
}

/// The count in the text of such a file.
fn counted(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

fn smaller<T>(one: Option<T>, other: Option<T>, min: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(min(one, other)),
        (one, other) => one.or(other),
    }
}

/// Controllers and path of a line of `/proc/self/cgroup`. Version 2 names no controllers.
fn group(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(':')?;
    rest.split_once(':')
}

/// `cpu.max` is a quota and a period, or `max` and a period.
fn cpu_max(text: &str) -> Option<f64> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (0.0 < period).then_some(quota / period)
}

/// A mounted hierarchy of control groups.
#[derive(Clone, Copy, Debug)]
struct Mount<'a> {
    /// The group that is seen as the root.
    root: &'a str,
    /// Where it is seen.
    point: &'a str,
    is_version_2: bool,
    options: &'a str,
}

impl<'a> Mount<'a> {
    /// A line of `/proc/self/mountinfo`.
    fn parse(line: &'a str) -> Option<Self> {
        let (place, kind) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut kind = kind.split(' ');
        let is_version_2 = match kind.next()? {
            "cgroup2" => true,
            "cgroup" => false,
            _ => return None,
        };
        Some(Self { root, point, is_version_2, options: kind.nth(1)? })
    }

    /// Whether it is the hierarchy of these controllers.
    fn has(&self, controllers: &str) -> bool {
        if controllers.is_empty() {
            return self.is_version_2;
        }
        let mut options = self.options.split(',');
        !self.is_version_2 && controllers.split(',').any(|name| options.any(|o| o == name))
    }

    /// The directories of group `path` and of all above it that can be seen.
    fn directories(self, path: &str) -> impl Iterator<Item = PathBuf> {
        let root = self.root.trim_end_matches('/');
        // Seen from a container, a group may lie outside of what is mounted.
        let below = path.strip_prefix(root).unwrap_or_default().trim_matches('/').to_owned();
        let point = PathBuf::from(self.point);
        let below = PathBuf::from(below);
        let all: Vec<PathBuf> = below.ancestors().map(|path| point.join(path)).collect();
        all.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION_2: &str =
        "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    const VERSION_1: &str = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n\
        33 31 0:30 / /cg/cpuacct rw - cgroup cgroup rw,cpuacct\n\
        32 31 0:29 /docker/abc /cg/cpu rw - cgroup cgroup rw,cpu\n\
        35 31 0:32 / /cg/memory rw - cgroup cgroup rw,memory\n\
        41 31 0:38 / /cg/unified rw - cgroup2 cgroup2 rw\n";

    fn find(groups: &str, mounts: &str, files: &[(&str, &str)]) -> Limits {
        Limits::find(groups, mounts, &|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn the_smallest_limit_up_to_the_root_holds() {
        let files = [
            ("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
            ("/sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "4096\n"),
            ("/sys/fs/cgroup/memory.max", "8192\n"),
        ];
        let limits = find("0::/a/b\n", VERSION_2, &files);
        assert_eq!(limits, Limits { cores: Some(1.5), memory: Some(4096) });
    }

    #[test]
    fn version_1_has_a_hierarchy_for_each_controller() {
        let groups = "4:memory:/x\n2:cpuacct:/\n1:cpu:/docker/abc/y\n0::/\n";
        let files = [
            ("/cg/cpu/y/cpu.cfs_quota_us", "-1\n"),
            ("/cg/cpu/y/cpu.cfs_period_us", "100000\n"),
            ("/cg/cpu/cpu.cfs_quota_us", "250000\n"),
            ("/cg/cpu/cpu.cfs_period_us", "100000\n"),
            ("/cg/memory/x/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/cg/memory/memory.limit_in_bytes", "1000\n"),
        ];
        let limits = find(groups, VERSION_1, &files);
        assert_eq!(limits, Limits { cores: Some(2.5), memory: Some(1000) });
    }

    #[test]
    fn the_nearest_counter_of_kills_is_found() {
        let check = |groups: &str, mounts: &str, files: &[(&str, &str)], expected: &str| {
            let found = find_counter(groups, mounts, &|path| {
                let found = files.iter().find(|(name, _)| Path::new(name) == path);
                found.map(|(_, text)| (*text).to_owned())
            });
            assert_eq!(found, Path::new(expected));
        };
        let events = "low 0\noom 3\noom_kill 2\noom_group_kill 0\n";
        let files =
            [("/sys/fs/cgroup/a/memory.events", events), ("/sys/fs/cgroup/memory.events", events)];
        check("0::/a/b\n", VERSION_2, &files, "/sys/fs/cgroup/a/memory.events");
        let old = [("/cg/memory/x/memory.oom_control", "under_oom 0\noom_kill 7\n")];
        check("4:memory:/x\n0::/\n", VERSION_1, &old, "/cg/memory/x/memory.oom_control");
        check("0::/\n", VERSION_2, &[("/sys/fs/cgroup/memory.events", "low 0\n")], "/proc/vmstat");
        assert_eq!(counted(events), Some(2));
    }

    #[test]
    fn without_limits_there_are_none() {
        let none = Limits::default();
        assert_eq!(find("", "", &[]), none);
        assert_eq!(find("0::/a\n", VERSION_1, &[]), none);
        assert_eq!(find("0::/../outside\n", VERSION_2, &[("/x", "1")]), none);
        assert_eq!(find("nonsense\n7\n", "nonsense\n1 2 3 - cgroup\n", &[]), none);
    }
}
