//! How PID 1 comes into the step's cgroup. cgroups(7).

use core::ffi::CStr;

use crate::report::{Fail, Step};
use crate::spec::Spec;
use crate::sys::file::{self, AT_FDCWD, Fd, O_DIRECTORY, O_PATH};
use crate::sys::process::{self, Child};
use crate::text::{Text, c_string};
use crate::wire;

/// Goes on as two processes, like `process::fork`, and tells whether the child is in the step's cgroup already: on version 2 it
/// can be born there, so that it never runs outside, and no migration waits for the machine's forks and exits to stand still.
pub fn fork(spec: &Spec, flags: usize) -> Result<(Option<Child>, bool), Fail> {
    if let Some(directory) = unified(spec) {
        let forked = process::fork_into(&directory, flags);
        if matches!(forked, Ok(None)) {
            // One descriptor table for both: the parent closes it.
            directory.leak();
        }
        // Refused before Linux 5.7, by seccomp filters of containers, and where the builder's cgroup is another's.
        if let Ok(forked) = forked {
            return Ok((forked, true));
        }
    }
    Ok((process::fork(flags).at("clone")?, false))
}

/// By itself, and by thread where the hierarchy allows it: to move another process, the kernel stops every fork and exit of the
/// machine, after an RCU grace period of 5 to 20 ms (Linux, cgroup_attach_lock). The files are the caller's, and so still is this
/// process's user.
pub fn join(spec: &Spec) -> Result<(), Fail> {
    for file in spec.cgroups {
        file::write_file(AT_FDCWD, file, b"0").about("cgroup", file)?;
    }
    Ok(())
}

/// The step's directory on version 2.
fn unified(spec: &Spec) -> Option<Fd> {
    if !spec.has(wire::FLAG_CGROUP2) {
        return None;
    }
    let directory = parent(spec.cgroups.into_iter().next()?)?;
    file::open(directory.as_c_str(), O_PATH | O_DIRECTORY).ok()
}

/// The path without its last part.
pub fn parent(path: &CStr) -> Option<Text<4096>> {
    let bytes = path.to_bytes();
    let end = bytes.iter().rposition(|b| *b == b'/')?;
    c_string(&bytes[..end]).ok()
}
