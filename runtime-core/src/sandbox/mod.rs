//! Sandboxed steps. Set-up happens in a helper process (`init/`), never in a copy of Node; this module starts it,
//! tells it what to do, and cleans up after it. The README of runtime-core has the whole picture.

mod cgroup;
mod chroot;
mod control;
mod disk;
mod encode;
mod ending;
mod enforceable;
mod follow;
mod gate;
mod helper;
mod holdings;
mod input;
mod limits;
mod mounts;
mod namespaces;
mod orphans;
mod process;
mod records;
mod report;
mod request;
mod seccomp;
mod spare;
mod spawn;
mod step_network;
mod sync_writes;
mod terminal;
mod ulimit;
#[path = "../../init/src/wire.rs"]
#[allow(dead_code)]
pub(crate) mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use self::holdings::Holdings;
use self::input::Input;
use self::spawn::Isolation;
use self::sync_writes::{OldFiles, SyncWrites};
use crate::error::{Error, Result};
use crate::network::SandboxNetwork;
use crate::task::{self, Job};

use cgroup::{Cgroup, Group, Refusal};
pub use enforceable::RefusedLimit;
pub use limits::SandboxLimits;
pub use process::SandboxProcess;
pub use report::SandboxReport;
pub use request::{SandboxFile, SandboxLayers, SandboxMount, SandboxRequest, SandboxTerminal};

/// Starts a step. The promise resolves once its helper runs; output and status come through the descriptors.
#[napi(ts_return_type = "Promise<SandboxProcess>")]
pub fn start_sandbox(request: SandboxRequest) -> AsyncTask<Job<SandboxProcess>> {
    task::spawn(move || start(&request))
}

/// Gives a step to the helper that stands ready, where there is one that fits: some ten microseconds, which a trip to another
/// thread would take ten times over. Null where there is none.
#[napi]
pub fn start_prepared_sandbox(request: SandboxRequest) -> napi::Result<Option<SandboxProcess>> {
    if request.insecure || takes_long(&request)? {
        return Ok(None);
    }
    let needs = spare::Needs::of(&request)?;
    let Some(spare) = spare::take_ready(&needs) else {
        return Ok(None);
    };
    let process = spare.start(&request)?;
    if !request.is_last {
        spare::prepare_next(needs);
    }
    Ok(process)
}

/// What the caches of a step hold has to be counted for a quota, and marked where its writes are limited; a tree has to be made.
fn takes_long(request: &SandboxRequest) -> Result<bool> {
    Ok(request.trees.is_some()
        || request.limits.disk_quota_bytes.is_some()
        || limits_writes(request, group_of(request)?.as_deref())?)
}

/// Starts the helper of a step that is still to come, without waiting for it. Does nothing when one stands ready.
#[napi]
pub fn prepare_sandbox(
    host_network: bool,
    private_network: bool,
    limits: SandboxLimits,
    group: Option<u32>,
) -> napi::Result<()> {
    let request = SandboxRequest {
        host_network,
        network: private_network.then(SandboxNetwork::default),
        limits,
        group,
        ..Default::default()
    };
    spare::prepare_next(spare::Needs::of(&request)?);
    Ok(())
}

/// Makes a cgroup that steps with `step_limits`, which write below `directory`, share. Close it when they have ended.
#[napi(ts_return_type = "Promise<number>")]
pub fn open_sandbox_group(
    limits: SandboxLimits,
    step_limits: SandboxLimits,
    directory: String,
) -> AsyncTask<Job<u32>> {
    task::spawn(move || {
        let group = Group::create(&limits.check()?, &step_limits.check()?, Path::new(&directory))
            .map_err(Refusal::into_error)?;
        Ok(group.open())
    })
}

/// Removes it, and the sandbox that was prepared in it.
#[napi(ts_return_type = "Promise<void>")]
pub fn close_sandbox_group(group: u32) -> AsyncTask<Job<()>> {
    task::spawn(move || {
        spare::give_up(group);
        Group::close(group);
        Ok(())
    })
}

/// Which limits cannot be enforced here for steps that write below `directory`. Milliseconds; no call to the kernel without limits.
#[napi(ts_return_type = "Promise<RefusedLimit[]>")]
pub fn refused_limits(
    limits: SandboxLimits,
    build_limits: Option<SandboxLimits>,
    directory: String,
) -> AsyncTask<Job<Vec<RefusedLimit>>> {
    task::spawn(move || enforceable::refused_limits(&limits, build_limits.as_ref(), Path::new(&directory)))
}

/// Which cgroup version can hold steps here: `v1`, `v2` or `none`.
#[napi]
pub fn sandbox_cgroup_version() -> &'static str {
    cgroup::version()
}

/// Sets a step up and takes it down at once, synchronously: a few milliseconds. Returns its status records.
#[napi]
pub fn probe_sandbox(request: SandboxRequest) -> napi::Result<Uint8Array> {
    let process = start_anew(&SandboxRequest {
        probe: true,
        ..request
    })?;
    Ok(process.run_to_end()?.into())
}

/// With the helper that was prepared ahead, where it fits; then prepares the next.
fn start(request: &SandboxRequest) -> Result<SandboxProcess> {
    // Nothing is prepared ahead for what few steps ask for.
    if request.insecure || request.trees.is_some() {
        return start_anew(request);
    }
    let needs = spare::Needs::of(request)?;
    let prepared = spare::take(&needs)
        .map(|spare| spare.start(request))
        .transpose()?;
    let process = match prepared.flatten() {
        Some(process) => process,
        None => start_anew(request)?,
    };
    if !request.is_last {
        spare::prepare_next(needs);
    }
    Ok(process)
}

fn start_anew(request: &SandboxRequest) -> Result<SandboxProcess> {
    let network = request.network.as_ref().map(SandboxNetwork::check).transpose()?;
    let isolation = match request.trees {
        Some(_) => Isolation::Plain,
        None => Isolation::Namespaces,
    };
    // While the helper enters its namespaces, its cgroups are made.
    let spawned = spawn::spawn(isolation, Input::of(request))?;
    let (holdings, spec) = match hold(request) {
        Ok(held) => held,
        Err(error) => {
            spawned.give_up();
            return Err(error);
        }
    };
    if let Err(error) = spawned.give_spec(&spec) {
        spawned.give_up();
        holdings.cgroup.remove();
        return Err(Error::io("give spec", "tsbuild-init", &error));
    }
    Ok(SandboxProcess::new(spawned, holdings, network))
}

/// All that a step holds of the machine, and its spec.
fn hold(request: &SandboxRequest) -> Result<(Holdings, Vec<u8>)> {
    let limits = request.limits.check()?;
    let group = group_of(request)?;
    let cgroup = Cgroup::create(&limits, group.as_deref()).map_err(Refusal::into_error)?;
    let rest = || {
        let sync = sync_writes(request, &cgroup, group.as_deref())?;
        cgroup
            .limit_io(&limits.io, Path::new(&request.upper))
            .map_err(Refusal::into_error)?;
        let disk = disk::Disk::open(request)?;
        let tree = chroot::prepare(request)?;
        let spec = match &tree {
            Some(tree) => encode::encode_chroot(request, &tree.root_path(), &cgroup)?,
            None => encode::encode(request, &cgroup)?,
        };
        Ok((sync, disk, tree, spec))
    };
    match rest() {
        Ok((sync, disk, tree, spec)) => {
            let holdings = Holdings {
                cgroup,
                group,
                sync,
                disk,
                tree,
            };
            Ok((holdings, spec))
        }
        Err(error) => {
            cgroup.remove();
            Err(error)
        }
    }
}

fn group_of(request: &SandboxRequest) -> Result<Option<Arc<Group>>> {
    let closed = || Error::new("SANDBOX_INVALID_SPEC", "limits", "the step's group is closed");
    request
        .group
        .map(|id| Group::find(id).ok_or_else(closed))
        .transpose()
}

/// Where the step writes is written synchronously, if its limits take that: the root, and mounts that are the builder's own.
fn sync_writes(
    request: &SandboxRequest,
    cgroup: &Cgroup,
    group: Option<&Group>,
) -> Result<Option<SyncWrites>> {
    if !limits_writes(request, group)? {
        return Ok(None);
    }
    let mounts = request.mounts.iter().filter(|mount| !mount.readonly);
    let of_mounts = mounts.flat_map(|mount| match &mount.layers {
        Some(layers) => [layers.upper.as_ref(), layers.work.as_ref()],
        None => [mount.bind.as_ref().filter(|_| mount.is_own == Some(true)), None],
    });
    let places = [Some(&request.upper), Some(&request.work)];
    let all = places.into_iter().chain(of_mounts).flatten().map(PathBuf::from);
    let old_files = if cgroup.is_v2() {
        OldFiles::Disown
    } else {
        OldFiles::Keep
    };
    Ok(Some(SyncWrites::begin(all.collect(), old_files)))
}

fn limits_writes(request: &SandboxRequest, group: Option<&Group>) -> Result<bool> {
    let of_build = group.is_some_and(|group| group.limits.io.limits_writes());
    Ok(of_build || request.limits.check()?.io.limits_writes())
}
