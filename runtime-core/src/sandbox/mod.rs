//! Sandboxed steps. Set-up happens in a helper process (`init/`), never in a copy of Node; this module starts it,
//! tells it what to do, and cleans up after it. The README of runtime-core has the whole picture.

mod cgroup;
mod encode;
mod helper;
mod process;
mod request;
mod seccomp;
mod spawn;
#[path = "../../init/src/wire.rs"]
#[allow(dead_code)]
mod wire;

use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi_derive::napi;

use crate::error::Result;
use crate::task::{self, Job};

pub use process::{SandboxProcess, SandboxReport};
pub use request::{SandboxBind, SandboxRequest};

/// Starts a step. The promise resolves once its helper runs; output and status come through the descriptors.
#[napi(ts_return_type = "Promise<SandboxProcess>")]
pub fn start_sandbox(request: SandboxRequest) -> AsyncTask<Job<SandboxProcess>> {
    task::spawn(move || start(&request))
}

/// Which cgroup version can hold steps here: `v1`, `v2` or `none`.
#[napi]
pub fn sandbox_cgroup_version() -> &'static str {
    cgroup::version()
}

/// Sets a step up and takes it down at once, synchronously: a few milliseconds. Returns its status records.
#[napi]
pub fn probe_sandbox(request: SandboxRequest) -> napi::Result<Uint8Array> {
    let process = start(&SandboxRequest {
        probe: true,
        ..request
    })?;
    Ok(process.run_to_end()?.into())
}

fn start(request: &SandboxRequest) -> Result<SandboxProcess> {
    let cgroup = cgroup::Cgroup::create(&request.limits()?)?;
    match spawn::spawn(&encode::encode(request, &cgroup)?) {
        Ok(spawned) => Ok(SandboxProcess::new(spawned, cgroup)),
        Err(error) => {
            cgroup.remove();
            Err(error)
        }
    }
}
