//! cgroups(7), "CGROUPS VERSION 1": a directory in each hierarchy that is needed, and no other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::device::Disk;
use super::limits::{IoLimits, Limits, Swap};
use super::refusal::Refusal;
use super::{ACCOUNTED, Cgroup, Directory, Group, Version, cpuset, make_directory, make_inside};

/// In the order in which directories are made; controllers mounted together share one.
const CONTROLLERS: [&str; 5] = ["memory", "pids", "cpu", "cpuset", "io"];

/// `hierarchies` are this process's directories by controller. What the group limits is limited in its directories.
pub fn create(
    hierarchies: &HashMap<String, PathBuf>,
    limits: &Limits,
    group: Option<&Group>,
) -> Result<Cgroup, Refusal> {
    let mut cgroup = Cgroup {
        directories: Vec::new(),
        version: Version::V1,
    };
    if let Err(refusal) = fill(&mut cgroup, hierarchies, limits, group) {
        cgroup.remove();
        return Err(refusal);
    }
    if cgroup.directories.is_empty() {
        cgroup.version = Version::None;
    }
    Ok(cgroup)
}

fn fill(
    cgroup: &mut Cgroup,
    hierarchies: &HashMap<String, PathBuf>,
    limits: &Limits,
    group: Option<&Group>,
) -> Result<(), Refusal> {
    let required = limits.required();
    for controller in CONTROLLERS {
        let above = group.and_then(|group| group.cgroup.directory_of(controller));
        let is_required = required.contains(&controller) || above.is_some();
        if !is_required && !ACCOUNTED.contains(&controller) {
            continue;
        }
        let parent = above.or(hierarchies.get(controller).map(PathBuf::as_path));
        let added = match parent {
            Some(parent) => add(cgroup, controller, parent, above.is_some()),
            None => Err(Refusal::not_mounted(kernel_name(controller))),
        };
        match added {
            Err(refusal) if is_required => return Err(refusal),
            _ => {}
        }
    }
    cgroup
        .directories
        .iter()
        .flat_map(|directory| directory.controllers.iter().map(|c| (*c, &directory.path)))
        .try_for_each(|(controller, directory)| limit(controller, directory, limits))
}

/// What v2 calls `io` is `blkio` here.
pub fn kernel_name(controller: &str) -> &str {
    if controller == "io" { "blkio" } else { controller }
}

fn add(cgroup: &mut Cgroup, controller: &'static str, parent: &Path, is_group: bool) -> Result<(), Refusal> {
    let above = if is_group {
        parent.to_owned()
    } else {
        parent.join(super::COMMON)
    };
    let shared = cgroup
        .directories
        .iter_mut()
        .find(|d| d.path.parent() == Some(&above));
    if let Some(directory) = shared {
        directory.controllers.push(controller);
        return prepare(controller, &directory.path.clone(), &above);
    }
    let made = if is_group {
        make_inside(parent)
    } else {
        make_directory(parent)
    };
    let path = made.map_err(|error| Refusal::not_writable(kernel_name(controller), parent, &error))?;
    cgroup.directories.push(Directory {
        controllers: vec![controller],
        path: path.clone(),
    });
    prepare(controller, &path, &above)
}

/// What a new directory needs before it can take a process or a limit, from the top.
fn prepare(controller: &str, directory: &Path, above: &Path) -> Result<(), Refusal> {
    if controller != "cpuset" {
        return Ok(());
    }
    [above, directory]
        .into_iter()
        .try_for_each(cpuset::inherit)
        .map_err(|error| Refusal::not_writable("cpuset", directory, &error))
}

fn limit(controller: &str, directory: &Path, limits: &Limits) -> Result<(), Refusal> {
    match controller {
        "memory" => limit_memory(directory, limits),
        "pids" => limits
            .pids_max()
            .map_or(Ok(()), |pids| Refusal::set(directory, "pids.max", pids)),
        "cpu" => limit_cpu(directory, limits),
        "cpuset" => limit_cpuset(directory, limits),
        // Block io is limited once it is known which disk the step has: `limit_io`.
        _ => Ok(()),
    }
}

fn limit_memory(directory: &Path, limits: &Limits) -> Result<(), Refusal> {
    if let Some(memory) = limits.memory {
        Refusal::set(directory, "memory.limit_in_bytes", memory)?;
    }
    let Some(both) = limits.memory_and_swap() else {
        return Ok(());
    };
    let accounts_swap = directory.join("memory.memsw.limit_in_bytes").exists();
    match (accounts_swap, both) {
        (true, Swap::Bytes(both)) => Refusal::set(directory, "memory.memsw.limit_in_bytes", both),
        (false, Swap::Bytes(_)) if limits.memory_swap.is_some() => Err(Refusal::new(
            "the kernel does not count swap by cgroup",
            "boot it with swapaccount=1, or leave the limit out",
        )),
        _ => Ok(()),
    }
}

fn limit_cpu(directory: &Path, limits: &Limits) -> Result<(), Refusal> {
    if let Some(shares) = limits.cpu_shares {
        Refusal::set(directory, "cpu.shares", shares)?;
    }
    let Some(cpu) = limits.cpu else {
        return Ok(());
    };
    Refusal::set(directory, "cpu.cfs_period_us", cpu.period)?;
    Refusal::set(directory, "cpu.cfs_quota_us", cpu.quota)
}

fn limit_cpuset(directory: &Path, limits: &Limits) -> Result<(), Refusal> {
    if let Some(cpus) = &limits.cpuset_cpus {
        cpuset::limit(directory, "cpuset.cpus", cpus)?;
    }
    match &limits.cpuset_mems {
        Some(mems) => cpuset::limit(directory, "cpuset.mems", mems),
        None => Ok(()),
    }
}

/// Linux, Documentation/admin-guide/cgroup-v1/blkio-controller.rst. Only what a process itself sends to the disk counts here:
/// the kernel writes its page cache in nobody's name. `sync_writes.rs` is the answer.
pub fn limit_io(directory: &Path, io: &IoLimits, disk: &Disk) -> Result<(), Refusal> {
    for (file, value) in [
        ("blkio.throttle.read_bps_device", io.read_bps),
        ("blkio.throttle.write_bps_device", io.write_bps),
        ("blkio.throttle.read_iops_device", io.read_iops),
        ("blkio.throttle.write_iops_device", io.write_iops),
    ] {
        if let Some(value) = value {
            Refusal::set(directory, file, format!("{disk} {value}"))?;
        }
    }
    Ok(())
}
