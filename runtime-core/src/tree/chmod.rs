//! chmod(2) on a name that may not be a symlink.

use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{Mode, OFlags, chmod, openat};

/// fchmodat(2) follows symlinks, and fchmod(2) takes no descriptor that was opened with O_PATH: the magic link of one does.
pub fn chmod_by_name(directory: &impl AsFd, name: &[u8], mode: Mode) -> rustix::io::Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = openat(directory, name, flags, Mode::empty())?;
    chmod(format!("/proc/self/fd/{}", found.as_raw_fd()), mode)
}
