//! Where a descriptor is now: the kernel follows a file that is renamed.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags, fstat, openat2, readlink};
use rustix::io::Errno;

/// The path of an open file, as proc_pid_fd(5) tells it; `None` when it has no name any more.
pub fn path_of(fd: &OwnedFd) -> Option<PathBuf> {
    if fstat(fd).is_ok_and(|stat| stat.st_nlink == 0) {
        return None;
    }
    let link = readlink(format!("/proc/self/fd/{}", fd.as_raw_fd()), Vec::new()).ok()?;
    Some(PathBuf::from(OsString::from_vec(link.into_bytes())))
}

/// The same, relative to `root`; `None` when it is not below it.
pub fn path_below(root: &Path, fd: &OwnedFd) -> Option<Vec<u8>> {
    let path = path_of(fd)?;
    let below = path.strip_prefix(root).ok()?;
    Some(below.as_os_str().as_bytes().to_vec())
}

/// `path` as a process whose root is `root` would find it: its symbolic links cannot lead out.
pub fn find(root: &OwnedFd, path: &[u8], flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let path = if path.is_empty() { b"." } else { path };
    const ATTEMPTS: usize = 1000;
    // openat2(2): EAGAIN when a rename anywhere raced with a "..".
    for _ in 1..ATTEMPTS {
        match openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            done => return done,
        }
    }
    openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
}
