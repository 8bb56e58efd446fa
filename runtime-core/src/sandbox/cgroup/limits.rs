//! What a step, or all steps of a build together, may use, and how the two cgroup versions count it.

use super::cpuset::IdList;

/// Absent is unlimited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    /// Memory and swap together.
    pub memory_swap: Option<Swap>,
    /// Processes and threads.
    pub pids: Option<u32>,
    pub cpu: Option<CpuQuota>,
    /// Docker's share of a busy processor, 2 to 262144; 1024 is everyone's.
    pub cpu_shares: Option<u64>,
    pub cpuset_cpus: Option<IdList>,
    pub cpuset_mems: Option<IdList>,
    pub io: IoLimits,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Swap {
    /// Of memory and swap together.
    Bytes(u64),
    /// As much as the machine has.
    Unlimited,
}

/// µs of processor time in each period of µs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CpuQuota {
    pub quota: u64,
    pub period: u64,
}

/// In a second, of the disk that the step writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IoLimits {
    pub read_bps: Option<u64>,
    pub write_bps: Option<u64>,
    pub read_iops: Option<u64>,
    pub write_iops: Option<u64>,
}

/// PID 1 of a step counts as a process and is not the step's.
pub const HELPERS: u32 = 1;

impl Limits {
    /// The controllers that must be there, by their names on v2; `io` is blkio on v1.
    pub fn required(&self) -> Vec<&'static str> {
        let asked = [
            ("memory", self.memory.is_some() || self.memory_swap.is_some()),
            ("pids", self.pids.is_some()),
            ("cpu", self.cpu.is_some() || self.cpu_shares.is_some()),
            ("cpuset", self.cpuset_cpus.is_some() || self.cpuset_mems.is_some()),
            ("io", self.io.is_any()),
        ];
        asked
            .into_iter()
            .filter(|(_, is_asked)| *is_asked)
            .map(|(name, _)| name)
            .collect()
    }

    pub fn pids_max(&self) -> Option<u32> {
        self.pids.map(|pids| pids.saturating_add(HELPERS))
    }

    /// Docker's rule: as much swap as memory, when nothing is said.
    pub fn memory_and_swap(&self) -> Option<Swap> {
        self.memory_swap
            .or(self.memory.map(|memory| Swap::Bytes(memory.saturating_mul(2))))
    }

    /// Each limit alone, under the name it has in TypeScript: what a machine refuses of it is then known by name.
    pub fn one_by_one(&self) -> Vec<(&'static str, Limits)> {
        let none = Limits::default;
        let io = |io: IoLimits| Limits { io, ..none() };
        let IoLimits {
            read_bps,
            write_bps,
            read_iops,
            write_iops,
        } = self.io;
        let no_io = IoLimits::default;
        let alone = [
            (
                "memoryBytes",
                Limits {
                    memory: self.memory,
                    ..none()
                },
            ),
            (
                "memorySwapBytes",
                Limits {
                    memory: self.memory_swap.and(self.memory),
                    memory_swap: self.memory_swap,
                    ..none()
                },
            ),
            (
                "pids",
                Limits {
                    pids: self.pids,
                    ..none()
                },
            ),
            (
                "cpus",
                Limits {
                    cpu: self.cpu,
                    ..none()
                },
            ),
            (
                "cpuShares",
                Limits {
                    cpu_shares: self.cpu_shares,
                    ..none()
                },
            ),
            (
                "cpusetCpus",
                Limits {
                    cpuset_cpus: self.cpuset_cpus.clone(),
                    ..none()
                },
            ),
            (
                "cpusetMems",
                Limits {
                    cpuset_mems: self.cpuset_mems.clone(),
                    ..none()
                },
            ),
            ("ioReadBps", io(IoLimits { read_bps, ..no_io() })),
            ("ioWriteBps", io(IoLimits { write_bps, ..no_io() })),
            ("ioReadIops", io(IoLimits { read_iops, ..no_io() })),
            (
                "ioWriteIops",
                io(IoLimits {
                    write_iops,
                    ..no_io()
                }),
            ),
        ];
        alone
            .into_iter()
            .filter(|(_, limits)| *limits != none())
            .collect()
    }
}

impl IoLimits {
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }

    pub fn limits_writes(&self) -> bool {
        self.write_bps.is_some() || self.write_iops.is_some()
    }
}

/// The weight on v2 of shares on v1: a curve through the least, the default and the most of both (2 and 1, 1024 and 100,
/// 262144 and 10000), as runc has it since 1.4.
pub fn cpu_weight(shares: u64) -> u64 {
    match shares {
        0..=2 => 1,
        262_144.. => 10_000,
        _ => {
            let l = (shares as f64).log2();
            let exponent = (l * l + 125.0 * l) / 612.0 - 7.0 / 34.0;
            10f64.powf(exponent).ceil() as u64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_become_the_weights_that_runc_gives() {
        for (shares, weight) in [(2, 1), (512, 59), (1024, 100), (2048, 174), (262_144, 10_000)] {
            assert_eq!(cpu_weight(shares), weight, "{shares}");
        }
    }

    #[test]
    fn swap_is_as_much_as_memory_when_nothing_is_said() {
        let limits = |memory, memory_swap| Limits {
            memory,
            memory_swap,
            ..Limits::default()
        };
        assert_eq!(limits(Some(10), None).memory_and_swap(), Some(Swap::Bytes(20)));
        assert_eq!(
            limits(Some(10), Some(Swap::Unlimited)).memory_and_swap(),
            Some(Swap::Unlimited)
        );
        assert_eq!(limits(None, None).memory_and_swap(), None);
    }

    #[test]
    fn a_limit_alone_needs_its_own_controller() {
        let limits = Limits {
            pids: Some(5),
            io: IoLimits {
                write_bps: Some(1),
                ..IoLimits::default()
            },
            ..Limits::default()
        };
        let alone: Vec<_> = limits
            .one_by_one()
            .into_iter()
            .map(|(name, limits)| (name, limits.required()))
            .collect();
        assert_eq!(alone, [("pids", vec!["pids"]), ("ioWriteBps", vec!["io"])]);
    }
}
