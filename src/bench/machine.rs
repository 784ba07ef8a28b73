//! The machine that figures come from.

use std::{num::NonZeroUsize, thread};

use parzen_worker::protocol::VERSION;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::Machine;
use crate::cgroup::Limits;

impl Machine {
    /// Asks the system about this machine, and what this process may use of it.
    #[must_use]
    pub fn read() -> Self {
        let wanted = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let system = System::new_with_specifics(wanted).ok();
        let cpus = system.as_ref().map_or(&[][..], System::cpus);
        let limits = Limits::read();
        Self {
            system: System::long_os_version().unwrap_or_default(),
            kernel: System::kernel_version().unwrap_or_default(),
            host: System::host_name().unwrap_or_default(),
            architecture: System::cpu_arch(),
            processor: cpus.first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
            logical_cores: cpus.len(),
            physical_cores: System::physical_core_count().ok(),
            affinity: affinity(),
            quota: limits.cores,
            available: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            memory: system.as_ref().map_or(0, System::total_memory),
            memory_available: system.as_ref().map_or(0, System::available_memory),
            memory_limit: limits.memory,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            compiler: env!("PARZEN_RUSTC").to_owned(),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            protocol: VERSION,
        }
    }
}

/// The cores that this process may run on.
fn affinity() -> Vec<usize> {
    let Ok(set) = rustix::thread::sched_getaffinity(None) else { return Vec::new() };
    (0..rustix::thread::CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        let machine = Machine::read();
        assert!(0 < machine.logical_cores && 0 < machine.available);
        assert!(machine.available <= machine.affinity.len(), "{machine:?}");
        assert!(1 << 20 < machine.memory && machine.memory_available <= machine.memory);
        assert!(machine.compiler.starts_with("rustc "), "{}", machine.compiler);
        assert!(!machine.kernel.is_empty() && !machine.system.is_empty(), "{machine:?}");
    }
}
