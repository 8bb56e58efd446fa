//! A sandbox prepared ahead: it waits for its one step, and when none comes it leaves nothing.

use core::ffi::CStr;

use crate::cgroup::parent;
use crate::report::{Fail, Step};
use crate::spec::Spec;
use crate::sys::file::{self, AT_FDCWD, AT_REMOVEDIR, Fd};
use crate::sys::process::{self, Child};
use crate::sys::signal::{self, Poll};
use crate::sys::{EBUSY, EINVAL};
use crate::wire;

/// `is_plain`: this helper starts steps without namespaces. None when the addon has given the step up or is gone.
pub fn wait_for_the_spec(is_plain: bool) -> Result<Option<&'static Spec>, Fail> {
    let control = Fd::new(wire::CONTROL_FD);
    let mut byte = [0];
    let length = file::read(control.raw(), &mut byte);
    control.leak();
    // A step that runs this very program, by way of /proc/self/exe, has no such descriptor.
    let is_there = length.at("read spec")? == 1 && byte[0] == wire::CONTROL_SPEC;
    if !is_there {
        return Ok(None);
    }
    let spec = Spec::load(0)?;
    if spec.has(wire::FLAG_CHROOT) != is_plain {
        return Err(Fail::new("read spec", EINVAL));
    }
    Ok(Some(spec))
}

/// False when the addon has given it up or is gone, or when init has ended, which then has told why.
pub fn wait_for_a_step(child: &Child) -> bool {
    let control = Fd::new(wire::CONTROL_FD);
    let mut fds = [Poll::readable(&child.pidfd), Poll::readable(&control)];
    while signal::poll(&mut fds).is_err() {}
    let is_alive = fds[0].ready == 0;
    let mut byte = [0];
    let is_asked =
        is_alive && file::read(control.raw(), &mut byte) == Ok(1) && byte[0] == wire::CONTROL_START;
    // It is read again while the step runs.
    control.leak();
    is_asked
}

/// Removes the cgroups of the step that did not come: a builder that is gone cannot.
pub fn remove_cgroups(spec: &Spec) {
    for procs in spec.cgroups {
        if let Some(directory) = parent(procs) {
            remove(directory.as_c_str());
            // The common parent goes with its last child; the cgroup of a build goes with the build.
            if let Some(common) =
                parent(directory.as_c_str()).filter(|parent| parent.as_bytes().ends_with(b"/tsbuild"))
            {
                let _ = file::unlink(AT_FDCWD, common.as_c_str(), AT_REMOVEDIR);
            }
        }
    }
}

/// The kernel frees a cgroup shortly after its last process.
fn remove(directory: &CStr) {
    const ATTEMPTS: i64 = 50;
    for attempt in 0..ATTEMPTS {
        match file::unlink(AT_FDCWD, directory, AT_REMOVEDIR) {
            Err(EBUSY) => process::sleep(1 + attempt),
            _ => return,
        }
    }
}
