//! The limits of a step as TypeScript names them, and what makes sense of them.

use napi_derive::napi;

use super::cgroup::{CpuQuota, IdList, IoLimits, Limits, Swap};
use super::ulimit::{SandboxUlimit, Ulimit};
use crate::error::{Error, Result};

/// Absent is unlimited. Bytes, processes and µs are whole numbers.
#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxLimits {
    pub memory_bytes: Option<f64>,
    /// Memory and swap together; -1 for all swap there is.
    pub memory_swap_bytes: Option<f64>,
    pub pids: Option<u32>,
    /// Cores.
    pub cpus: Option<f64>,
    pub cpu_period_us: Option<f64>,
    pub cpu_quota_us: Option<f64>,
    pub cpu_shares: Option<f64>,
    pub cpuset_cpus: Option<String>,
    pub cpuset_mems: Option<String>,
    pub io_read_bps: Option<f64>,
    pub io_write_bps: Option<f64>,
    pub io_read_iops: Option<f64>,
    pub io_write_iops: Option<f64>,
    pub shm_size_bytes: Option<f64>,
    pub ulimits: Option<Vec<SandboxUlimit>>,
    /// What the step may write to its root and its caches.
    pub disk_quota_bytes: Option<f64>,
}

/// Docker's own size of /dev/shm.
const DEFAULT_SHM_SIZE: u64 = 64 << 20;

/// Docker's own minimum.
const LEAST_MEMORY: u64 = 6 << 20;

impl SandboxLimits {
    /// What cgroups hold. What the kernel would round or read as "none" is refused.
    pub fn check(&self) -> Result<Limits> {
        let limits = Limits {
            memory: self.memory()?,
            memory_swap: self.swap()?,
            pids: self
                .pids
                .map(|n| if n == 0 { Err(invalid("pids", 0)) } else { Ok(n) })
                .transpose()?,
            cpu: self.cpu()?,
            cpu_shares: within("cpuShares", self.cpu_shares, 2.0..=262_144.0)?,
            cpuset_cpus: list("cpusetCpus", self.cpuset_cpus.as_deref())?,
            cpuset_mems: list("cpusetMems", self.cpuset_mems.as_deref())?,
            io: IoLimits {
                read_bps: count("ioReadBps", self.io_read_bps)?,
                write_bps: count("ioWriteBps", self.io_write_bps)?,
                read_iops: count("ioReadIops", self.io_read_iops)?,
                write_iops: count("ioWriteIops", self.io_write_iops)?,
            },
        };
        match (limits.memory, limits.memory_swap) {
            (None, Some(Swap::Bytes(both))) => Err(invalid("memorySwapBytes", both)),
            (Some(memory), Some(Swap::Bytes(both))) if both < memory => Err(invalid("memorySwapBytes", both)),
            _ => Ok(limits),
        }
    }

    /// Bytes of /dev/shm.
    pub fn shm_size(&self) -> Result<u64> {
        Ok(count("shmSizeBytes", self.shm_size_bytes)?.unwrap_or(DEFAULT_SHM_SIZE))
    }

    pub fn ulimits(&self) -> Result<Vec<Ulimit>> {
        self.ulimits.iter().flatten().map(SandboxUlimit::check).collect()
    }

    /// Bytes.
    pub fn disk_quota(&self) -> Result<Option<u64>> {
        count("diskQuotaBytes", self.disk_quota_bytes)
    }

    fn memory(&self) -> Result<Option<u64>> {
        match count("memoryBytes", self.memory_bytes)? {
            Some(bytes) if bytes < LEAST_MEMORY => Err(invalid("memoryBytes", bytes)),
            memory => Ok(memory),
        }
    }

    fn swap(&self) -> Result<Option<Swap>> {
        match self.memory_swap_bytes {
            Some(-1.0) => Ok(Some(Swap::Unlimited)),
            bytes => Ok(count("memorySwapBytes", bytes)?.map(Swap::Bytes)),
        }
    }

    /// Cores, or a quota and its period, as the kernel takes them: 1 ms is the least of either, a second the longest period.
    fn cpu(&self) -> Result<Option<CpuQuota>> {
        const DEFAULT_PERIOD: u64 = 100_000;
        let period = within("cpuPeriodUs", self.cpu_period_us, 1_000.0..=1_000_000.0)?;
        let quota = within("cpuQuotaUs", self.cpu_quota_us, 1_000.0..=1e12)?;
        match (self.cpus, quota) {
            (Some(cpus), None) if period.is_none() && (0.01..=100_000.0).contains(&cpus) => {
                Ok(Some(CpuQuota {
                    quota: (cpus * DEFAULT_PERIOD as f64) as u64,
                    period: DEFAULT_PERIOD,
                }))
            }
            (Some(cpus), _) => Err(invalid("cpus", cpus)),
            (None, Some(quota)) => Ok(Some(CpuQuota {
                quota,
                period: period.unwrap_or(DEFAULT_PERIOD),
            })),
            // A period alone limits nothing, as in Docker.
            (None, None) => Ok(None),
        }
    }
}

const LARGEST_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

fn count(name: &str, value: Option<f64>) -> Result<Option<u64>> {
    within(name, value, 1.0..=LARGEST_SAFE_INTEGER)
}

/// A whole number.
fn within(name: &str, value: Option<f64>, range: std::ops::RangeInclusive<f64>) -> Result<Option<u64>> {
    match value {
        None => Ok(None),
        Some(value) if range.contains(&value) && value.fract() == 0.0 => Ok(Some(value as u64)),
        Some(value) => Err(invalid(name, value)),
    }
}

fn list(name: &str, value: Option<&str>) -> Result<Option<IdList>> {
    value
        .map(|text| IdList::parse(text).ok_or_else(|| invalid(name, format!("{text:?}"))))
        .transpose()
}

pub fn invalid(name: &str, value: impl std::fmt::Display) -> Error {
    Error::new(
        "SANDBOX_INVALID_SPEC",
        "limits",
        format!("{value} is not a possible limit"),
    )
    .with_subject(name)
}
