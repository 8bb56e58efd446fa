//! cgroups(7), "CGROUPS VERSION 1": a directory in each hierarchy that is needed, and no other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{ACCOUNTED, CPU_PERIOD, Cgroup, Directory, Limits, Version, make_directory, set, unsupported};
use crate::error::Result;

pub fn create(hierarchies: &HashMap<String, PathBuf>, limits: &Limits) -> Result<Cgroup> {
    let mut cgroup = Cgroup {
        directories: Vec::new(),
        version: Version::V1,
    };
    let made = fill(&mut cgroup, hierarchies, limits);
    if let Err(error) = made {
        cgroup.remove();
        return Err(error);
    }
    if cgroup.directories.is_empty() {
        cgroup.version = Version::None;
    }
    Ok(cgroup)
}

fn fill(cgroup: &mut Cgroup, hierarchies: &HashMap<String, PathBuf>, limits: &Limits) -> Result<()> {
    let required = limits.required();
    for controller in ["memory", "pids", "cpu"] {
        let is_required = required.contains(&controller);
        if !is_required && !ACCOUNTED.contains(&controller) {
            continue;
        }
        let found = hierarchies
            .get(controller)
            .is_some_and(|parent| add(cgroup, controller, parent));
        if is_required && !found {
            return Err(unsupported(controller));
        }
    }
    cgroup.directories.iter().try_for_each(|directory| {
        directory
            .controllers
            .iter()
            .try_for_each(|c| limit(c, &directory.path, limits))
    })
}

/// False when this process may not make one. Controllers mounted together share a directory.
fn add(cgroup: &mut Cgroup, controller: &'static str, parent: &Path) -> bool {
    let shared = cgroup
        .directories
        .iter_mut()
        .find(|d| d.path.parent().and_then(Path::parent) == Some(parent));
    if let Some(directory) = shared {
        directory.controllers.push(controller);
        return true;
    }
    let Ok(path) = make_directory(parent) else {
        return false;
    };
    cgroup.directories.push(Directory {
        controllers: vec![controller],
        path,
    });
    true
}

fn limit(controller: &str, directory: &Path, limits: &Limits) -> Result<()> {
    match controller {
        "memory" => limit_memory(directory, limits),
        "pids" => limits
            .pids_max()
            .map_or(Ok(()), |pids| set(directory, "pids.max", pids)),
        _ => limit_cpu(directory, limits),
    }
}

fn limit_memory(directory: &Path, limits: &Limits) -> Result<()> {
    if let Some(memory) = limits.memory {
        set(directory, "memory.limit_in_bytes", memory)?;
    }
    let Some(both) = limits.memory_and_swap() else {
        return Ok(());
    };
    let accounts_swap = directory.join("memory.memsw.limit_in_bytes").exists();
    match (accounts_swap, limits.memory_swap) {
        (true, _) => set(directory, "memory.memsw.limit_in_bytes", both),
        (false, Some(_)) => Err(unsupported("memory and swap")),
        (false, None) => Ok(()),
    }
}

fn limit_cpu(directory: &Path, limits: &Limits) -> Result<()> {
    let Some(quota) = limits.cpu_quota() else {
        return Ok(());
    };
    set(directory, "cpu.cfs_period_us", CPU_PERIOD)?;
    set(directory, "cpu.cfs_quota_us", quota)
}
