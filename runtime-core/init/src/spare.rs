//! A sandbox prepared ahead: it waits for its one step, and when none comes it leaves nothing.

use core::ffi::CStr;

use crate::cgroup::parent;
use crate::spec::Spec;
use crate::sys::EBUSY;
use crate::sys::file::{self, AT_FDCWD, AT_REMOVEDIR, Fd};
use crate::sys::process::{self, Child};
use crate::sys::signal::{self, Poll};
use crate::wire;

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
