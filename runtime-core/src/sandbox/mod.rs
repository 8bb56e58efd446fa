//! Sandboxed steps. Set-up happens in a helper process (`init/`), never in a copy of Node; this module starts it,
//! tells it what to do, and cleans up after it. The README of runtime-core has the whole picture.

mod cgroup;
mod encode;
mod follow;
mod helper;
mod input;
mod mounts;
mod process;
mod request;
mod seccomp;
mod spare;
mod spawn;
mod terminal;
#[path = "../../init/src/wire.rs"]
#[allow(dead_code)]
mod wire;

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use self::input::Input;
use crate::error::Result;
use crate::task::{self, Job};

pub use process::{SandboxProcess, SandboxReport};
pub use request::{SandboxLimits, SandboxMount, SandboxRequest, SandboxTerminal};

/// Starts a step. The promise resolves once its helper runs; output and status come through the descriptors.
#[napi(ts_return_type = "Promise<SandboxProcess>")]
pub fn start_sandbox(request: SandboxRequest) -> AsyncTask<Job<SandboxProcess>> {
    task::spawn(move || start(&request))
}

/// Gives a step to the helper that stands ready, where there is one that fits: some ten microseconds, which a trip to another
/// thread would take ten times over. Null where there is none.
#[napi]
pub fn start_prepared_sandbox(request: SandboxRequest) -> napi::Result<Option<SandboxProcess>> {
    if request.insecure {
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

/// Starts the helper of a step that is still to come, without waiting for it. Does nothing when one stands ready.
#[napi]
pub fn prepare_sandbox(host_network: bool, limits: SandboxLimits) -> napi::Result<()> {
    let request = SandboxRequest {
        host_network,
        limits,
        ..Default::default()
    };
    spare::prepare_next(spare::Needs::of(&request)?);
    Ok(())
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
    if request.insecure {
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
    let cgroup = cgroup::Cgroup::create(&request.limits.check()?)?;
    match encode::encode(request, &cgroup).and_then(|spec| spawn::spawn(&spec, Input::of(request))) {
        Ok(spawned) => Ok(SandboxProcess::new(spawned, cgroup)),
        Err(error) => {
            cgroup.remove();
            Err(error)
        }
    }
}
