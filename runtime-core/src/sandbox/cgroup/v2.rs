//! cgroups(7), "CGROUPS VERSION 2": one directory, below the nearest cgroup that can pass the controllers on.
//!
//! A cgroup with processes of its own passes none on ("no internal processes"), unless it is the root; so the search
//! goes up from where this process is.

use std::fs;
use std::path::Path;

use super::location::Unified;
use super::{ACCOUNTED, CPU_PERIOD, Cgroup, Directory, Limits, Version, make_directory, set, unsupported};
use crate::error::Result;

pub fn create(unified: &Unified, limits: &Limits) -> Result<Cgroup> {
    let required = limits.required();
    let wanted: Vec<&str> = ACCOUNTED.into_iter().chain(required.iter().copied()).collect();
    // First where numbers can be had too, then where the limits can.
    for controllers in [&wanted, &required] {
        if let Some(cgroup) = parents(unified).find_map(|parent| make(parent, controllers)) {
            return limit(cgroup, limits);
        }
    }
    match required.first() {
        Some(controller) => Err(unsupported(controller)),
        None => Ok(Cgroup {
            directories: Vec::new(),
            version: Version::None,
        }),
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
    let cgroup = Cgroup {
        directories: vec![Directory {
            controllers: Vec::new(),
            path: path.clone(),
        }],
        version: Version::V2,
    };
    // The parent of steps has no processes: it can pass on whatever it got.
    if path.parent().is_some_and(|common| pass_on(common, controllers))
        && has(&path, "cgroup.controllers", controllers)
    {
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

fn limit(cgroup: Cgroup, limits: &Limits) -> Result<Cgroup> {
    let directory = &cgroup.directories[0].path;
    match apply(directory, limits) {
        Ok(()) => Ok(cgroup),
        Err(error) => {
            cgroup.remove();
            Err(error)
        }
    }
}

fn apply(directory: &Path, limits: &Limits) -> Result<()> {
    if let Some(memory) = limits.memory {
        set(directory, "memory.max", memory)?;
    }
    limit_swap(directory, limits)?;
    if let Some(pids) = limits.pids_max() {
        set(directory, "pids.max", pids)?;
    }
    match limits.cpu_quota() {
        Some(quota) => set(directory, "cpu.max", format!("{quota} {CPU_PERIOD}")),
        None => Ok(()),
    }
}

/// v2 limits swap alone; the spec, like Docker, limits the sum.
fn limit_swap(directory: &Path, limits: &Limits) -> Result<()> {
    let Some(both) = limits.memory_and_swap() else {
        return Ok(());
    };
    let accounts_swap = directory.join("memory.swap.max").exists();
    match (accounts_swap, limits.memory_swap) {
        (true, _) => set(
            directory,
            "memory.swap.max",
            both.saturating_sub(limits.memory.unwrap_or(0)),
        ),
        (false, Some(_)) => Err(unsupported("memory and swap")),
        (false, None) => Ok(()),
    }
}
