//! Isolation by chroot(2), where neither namespaces nor mounts are to be had: the step runs in a plain tree (`crate::plain`), under
//! the same helper, which has no other way to end its processes than to look for them (`init/src/chroot.rs`).

use super::request::SandboxRequest;
use crate::error::{Error, Result};
use crate::plain::Step;

/// The tree of a step that asks for this isolation, with all that the step finds in it.
pub fn prepare(request: &SandboxRequest) -> Result<Option<Step>> {
    let Some(trees) = &request.trees else {
        return Ok(None);
    };
    refuse(request)?;
    Step::prepare(request, trees).map(Some)
}

fn refuse(request: &SandboxRequest) -> Result<()> {
    let message = if !request.host_network {
        "chroot isolation has no network of its own: a step has the container's"
    } else if request.terminal.is_some() {
        "chroot isolation has no terminals of its own"
    } else if request.read_only_root {
        "chroot isolation has no mounts, and so no root that can only be read"
    } else if request.insecure {
        "chroot isolation has nothing to leave out: a step has the container's privileges less two"
    } else {
        return Ok(());
    };
    Err(Error::new("SANDBOX_UNSUPPORTED", "chroot", message))
}
