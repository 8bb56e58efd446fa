//! cgroups(7), "CGROUPS VERSION 2": one directory, below the nearest cgroup that can pass the controllers on.
//!
//! A cgroup with processes of its own passes none on ("no internal processes"), unless it is the root; so the search
//! goes up from where this process is.

use std::fs;
use std::path::Path;

use super::device::Disk;
use super::limits::{IoLimits, Limits, Swap, cpu_weight};
use super::location::Unified;
use super::refusal::Refusal;
use super::{ACCOUNTED, Cgroup, Directory, Group, Version, cpuset, make_directory, make_inside};

/// `passed_on` are controllers that the directory's own children will need.
pub fn create(
    unified: &Unified,
    limits: &Limits,
    group: Option<&Group>,
    passed_on: &[&str],
) -> Result<Cgroup, Refusal> {
    let mut required = limits.required();
    if limits.io.limits_writes() {
        // Whose a written page is, the memory controller knows.
        required.push("memory");
    }
    required.extend(passed_on.iter().filter_map(|name| known(name)));
    let wanted: Vec<&str> = ACCOUNTED.into_iter().chain(required.iter().copied()).collect();
    // First where numbers can be had too, then where the limits can.
    for controllers in [&wanted, &required] {
        if let Some(cgroup) = make_somewhere(unified, group, controllers) {
            return limit(cgroup, limits);
        }
    }
    match required.first() {
        Some(_) => Err(why(unified, &required)),
        None => Ok(Cgroup {
            directories: Vec::new(),
            version: Version::None,
        }),
    }
}

fn known(controller: &str) -> Option<&'static str> {
    ["memory", "pids", "cpu", "cpuset", "io"]
        .into_iter()
        .find(|name| *name == controller)
}

fn make_somewhere(unified: &Unified, group: Option<&Group>, controllers: &[&str]) -> Option<Cgroup> {
    match group.and_then(|group| group.cgroup.directories.first()) {
        Some(directory) => make_in_group(&directory.path, controllers),
        None => parents(unified).find_map(|parent| make(parent, controllers)),
    }
}

/// The controller that is missing, and where it is lost.
fn why(unified: &Unified, required: &[&str]) -> Refusal {
    let absent = |directory: &Path| {
        required
            .iter()
            .find(|name| !has(directory, "cgroup.controllers", &[name]))
            .copied()
    };
    match (absent(&unified.mount), absent(&unified.own)) {
        (Some(controller), _) => Refusal::not_in_kernel(controller),
        (None, controller) => {
            Refusal::not_delegated(controller.or(required.first().copied()).unwrap_or("memory"))
        }
    }
}

/// This process's cgroup and those above it, as far as they are mounted.
fn parents(unified: &Unified) -> impl Iterator<Item = &Path> {
    unified
        .own
        .ancestors()
        .take_while(|path| path.starts_with(&unified.mount))
}

fn make(parent: &Path, controllers: &[&str]) -> Option<Cgroup> {
    if !pass_on(parent, controllers) {
        return None;
    }
    let path = make_directory(parent).ok()?;
    let common = path.parent()?.to_owned();
    // The parent of steps has no processes: it can pass on whatever it got.
    take(&path, &common, controllers)
}

/// A group has no processes of its own either.
fn make_in_group(group: &Path, controllers: &[&str]) -> Option<Cgroup> {
    let path = make_inside(group).ok()?;
    take(&path, group, controllers)
}

fn take(path: &Path, above: &Path, controllers: &[&str]) -> Option<Cgroup> {
    let cgroup = Cgroup {
        directories: vec![Directory {
            controllers: Vec::new(),
            path: path.to_owned(),
        }],
        version: Version::V2,
    };
    if pass_on(above, controllers) && has(path, "cgroup.controllers", controllers) {
        return Some(cgroup);
    }
    cgroup.remove();
    None
}

/// Enables `controllers` for the children of `directory`.
fn pass_on(directory: &Path, controllers: &[&str]) -> bool {
    const FILE: &str = "cgroup.subtree_control";
    if has(directory, FILE, controllers) {
        return true;
    }
    let _ = controllers
        .iter()
        .try_for_each(|controller| fs::write(directory.join(FILE), format!("+{controller}")));
    has(directory, FILE, controllers)
}

fn has(directory: &Path, file: &str, controllers: &[&str]) -> bool {
    let Ok(content) = fs::read_to_string(directory.join(file)) else {
        return false;
    };
    controllers
        .iter()
        .all(|wanted| content.split_whitespace().any(|found| found == *wanted))
}

fn limit(cgroup: Cgroup, limits: &Limits) -> Result<Cgroup, Refusal> {
    let directory = &cgroup.directories[0].path;
    match apply(directory, limits) {
        Ok(()) => Ok(cgroup),
        Err(refusal) => {
            cgroup.remove();
            Err(refusal)
        }
    }
}

fn apply(directory: &Path, limits: &Limits) -> Result<(), Refusal> {
    if let Some(memory) = limits.memory {
        Refusal::set(directory, "memory.max", memory)?;
    }
    limit_swap(directory, limits)?;
    if let Some(pids) = limits.pids_max() {
        Refusal::set(directory, "pids.max", pids)?;
    }
    if let Some(shares) = limits.cpu_shares {
        Refusal::set(directory, "cpu.weight", cpu_weight(shares))?;
    }
    if let Some(cpus) = &limits.cpuset_cpus {
        cpuset::limit(directory, "cpuset.cpus", cpus)?;
    }
    if let Some(mems) = &limits.cpuset_mems {
        cpuset::limit(directory, "cpuset.mems", mems)?;
    }
    match limits.cpu {
        Some(cpu) => Refusal::set(directory, "cpu.max", format!("{} {}", cpu.quota, cpu.period)),
        None => Ok(()),
    }
}

/// v2 limits swap alone; the spec, like Docker, limits the sum.
fn limit_swap(directory: &Path, limits: &Limits) -> Result<(), Refusal> {
    let Some(both) = limits.memory_and_swap() else {
        return Ok(());
    };
    let accounts_swap = directory.join("memory.swap.max").exists();
    match (accounts_swap, both) {
        (true, Swap::Unlimited) => Refusal::set(directory, "memory.swap.max", "max"),
        (true, Swap::Bytes(both)) => {
            let swap = both.saturating_sub(limits.memory.unwrap_or(0));
            Refusal::set(directory, "memory.swap.max", swap)
        }
        (false, Swap::Bytes(_)) if limits.memory_swap.is_some() => Err(Refusal::new(
            "the kernel does not count swap by cgroup",
            "boot it with swapaccount=1, or leave the limit out",
        )),
        (false, _) => Ok(()),
    }
}

/// Linux, Documentation/admin-guide/cgroup-v2.rst, "io.max". Buffered writes count too, where memory is accounted in the same
/// cgroup and the step still runs: `sync_writes.rs`.
pub fn limit_io(directory: &Path, io: &IoLimits, disk: &Disk) -> Result<(), Refusal> {
    let rows = [
        ("rbps", io.read_bps),
        ("wbps", io.write_bps),
        ("riops", io.read_iops),
        ("wiops", io.write_iops),
    ];
    let asked: String = rows
        .iter()
        .filter_map(|(key, value)| value.map(|value| format!(" {key}={value}")))
        .collect();
    Refusal::set(directory, "io.max", format!("{disk}{asked}"))
}

/// A removed cgroup holds the files that its processes wrote to its limits for as long as the kernel has their inodes, whoever
/// writes them: its limits go first.
pub fn lift_io(directory: &Path) {
    let file = directory.join("io.max");
    let rows = fs::read_to_string(&file).unwrap_or_default();
    for disk in rows.lines().filter_map(|row| row.split_whitespace().next()) {
        let _ = fs::write(&file, format!("{disk} rbps=max wbps=max riops=max wiops=max"));
    }
}
