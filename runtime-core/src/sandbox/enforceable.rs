//! Which of the asked limits this machine cannot enforce: found out by making cgroups with them, before a build starts.

use std::path::Path;

use napi_derive::napi;

use super::cgroup::{Cgroup, Group, Limits, Refusal};
use super::limits::SandboxLimits;
use crate::error::Result;

/// A limit that cannot be enforced.
#[napi(object)]
pub struct RefusedLimit {
    /// Its property in the limits: `memoryBytes`, `ulimits`.
    pub limit: String,
    /// Whether it is one of the build's.
    pub is_of_build: bool,
    pub reason: String,
    pub remedy: String,
}

/// All that are refused, each by itself. `directory` is where steps write.
pub fn refused_limits(
    limits: &SandboxLimits,
    build: Option<&SandboxLimits>,
    directory: &Path,
) -> Result<Vec<RefusedLimit>> {
    let mut refused = refused_by_cgroups(&limits.check()?, false, directory);
    limits.shm_size()?;
    for ulimit in limits.ulimits()? {
        refused.extend(ulimit.refusal().map(|refusal| told("ulimits", false, refusal)));
    }
    if let Some(build) = build {
        refused.extend(refused_by_cgroups(&build.check()?, true, directory));
    }
    Ok(refused)
}

/// Tried all at once first, since mostly nothing is refused.
fn refused_by_cgroups(limits: &Limits, is_of_build: bool, directory: &Path) -> Vec<RefusedLimit> {
    if *limits == Limits::default() || attempt(limits, is_of_build, directory).is_ok() {
        return Vec::new();
    }
    limits
        .one_by_one()
        .into_iter()
        .filter_map(|(name, alone)| {
            let refusal = attempt(&alone, is_of_build, directory).err()?;
            Some(told(name, is_of_build, refusal))
        })
        .collect()
}

fn attempt(limits: &Limits, is_of_build: bool, directory: &Path) -> std::result::Result<(), Refusal> {
    if !is_of_build {
        let step = Cgroup::create(limits, None)?;
        let limited = step.limit_io(&limits.io, directory);
        step.remove();
        return limited;
    }
    let group = Group::create(limits, &Limits::default(), directory)?;
    let step = Cgroup::create(limits, Some(&group));
    let tried = step.map(|step| step.remove());
    group.cgroup.remove();
    tried
}

fn told(limit: &str, is_of_build: bool, Refusal { reason, remedy }: Refusal) -> RefusedLimit {
    RefusedLimit {
        limit: limit.to_owned(),
        is_of_build,
        reason,
        remedy,
    }
}
