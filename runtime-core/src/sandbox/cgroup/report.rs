//! What a cgroup says of its step when that has ended.

use std::fs;

use super::limits::HELPERS;
use super::{Cgroup, Group, Version};
use crate::sandbox::report::SandboxReport;

impl Cgroup {
    /// `group` is the build's, and `refused_before` what its pids limit had refused when the step began.
    pub fn report(&self, group: Option<&Group>, refused_before: f64) -> SandboxReport {
        let group = group.map(|group| &group.cgroup);
        SandboxReport {
            memory_peak_bytes: self.number(match self.version {
                Version::V1 => "memory.max_usage_in_bytes",
                _ => "memory.peak",
            }),
            pids_peak: self
                .number("pids.peak")
                .map(|pids| (pids - f64::from(HELPERS)).max(0.0)),
            oom_kills: self.oom_kills(),
            forks_refused: self.forks_refused(),
            memory_was_full: self.memory_was_full(),
            group_memory_was_full: group.is_some_and(Self::memory_was_full),
            group_forks_refused: group.map_or(0.0, |group| group.forks_refused() - refused_before),
            ..SandboxReport::default()
        }
    }

    fn oom_kills(&self) -> f64 {
        let file = match self.version {
            Version::V1 => "memory.oom_control",
            _ => "memory.events",
        };
        self.keyed(file, "oom_kill").unwrap_or(0.0)
    }

    /// v1, and v2 before Linux 6.11, count here what a limit further up refused too; v2 since then what this limit refused.
    pub fn forks_refused(&self) -> f64 {
        self.keyed("pids.events", "max").unwrap_or(0.0)
    }

    /// Whether this cgroup's own limit was met, of memory alone or with swap.
    fn memory_was_full(&self) -> bool {
        match self.version {
            Version::V1 => {
                self.reached("memory.max_usage_in_bytes", "memory.limit_in_bytes")
                    || self.reached("memory.memsw.max_usage_in_bytes", "memory.memsw.limit_in_bytes")
            }
            _ => self
                .keyed("memory.events", "max")
                .is_some_and(|times| times > 0.0),
        }
    }

    /// Newer kernels leave `failcnt` at 0. Memory is taken in batches of pages, so a limit is met a little below it.
    fn reached(&self, peak: &str, limit: &str) -> bool {
        const NEARLY: f64 = 0.95;
        self.number(peak)
            .zip(self.number(limit))
            .is_some_and(|(peak, limit)| peak >= limit * NEARLY)
    }

    fn read(&self, file: &str) -> Option<String> {
        self.directories
            .iter()
            .find_map(|directory| fs::read_to_string(directory.path.join(file)).ok())
    }

    fn number(&self, file: &str) -> Option<f64> {
        self.read(file)?.trim().parse().ok()
    }

    /// One value of a file of `key value` lines.
    fn keyed(&self, file: &str, key: &str) -> Option<f64> {
        let content = self.read(file)?;
        content
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
    }
}
