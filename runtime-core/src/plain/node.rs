//! One entry copied to another name: content, owner, mode, attributes and times.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid, XattrFlags, chownat, fchmod,
    fchown, fgetxattr, flistxattr, fsetxattr, futimens, ioctl_ficlone, mknodat, openat, readlinkat,
    symlinkat, utimensat,
};
use rustix::io::Errno;

use crate::archive::overlay;
use crate::archive::sys::{failed, open_file};
use crate::error::Result;
use crate::tree::chmod::chmod_by_name;
use crate::tree::content::Content;

/// XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h.
const MAX_XATTR: usize = 64 << 10;

/// Copies anything but a directory; `path` is for messages.
pub fn copy(
    from: (&OwnedFd, &[u8]),
    to: (&OwnedFd, &[u8]),
    stat: &Stat,
    path: &[u8],
    content: &mut Content<'_>,
) -> Result<()> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => copy_file(from, to, stat, path, content),
        FileType::Symlink => copy_symlink(from, to, stat, path),
        kind => copy_special(to, kind, stat, path),
    }
}

fn copy_file(
    from: (&OwnedFd, &[u8]),
    (directory, name): (&OwnedFd, &[u8]),
    stat: &Stat,
    path: &[u8],
    content: &mut Content<'_>,
) -> Result<()> {
    let source = open_file(from.0.as_fd(), from.1).map_err(failed("read file", path))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made =
        openat(directory, name, flags, Mode::from_raw_mode(0o600)).map_err(failed("create file", path))?;
    // ioctl_ficlone(2): no byte is copied where the filesystem shares them.
    if stat.st_size > 0 && ioctl_ficlone(&made, &source).is_err() {
        content.copy(&source, &made, path, stat.st_size as u64)?;
    }
    dress(&source, &made, stat, path)
}

fn copy_symlink(
    from: (&OwnedFd, &[u8]),
    (directory, name): (&OwnedFd, &[u8]),
    stat: &Stat,
    path: &[u8],
) -> Result<()> {
    let target = readlinkat(from.0, from.1, Vec::new()).map_err(failed("read link", path))?;
    symlinkat(&target, directory, name).map_err(failed("create symlink", path))?;
    dress_by_name((directory, name), stat, path)
}

/// A FIFO or socket, or a device where it may be made.
fn copy_special(
    (directory, name): (&OwnedFd, &[u8]),
    kind: FileType,
    stat: &Stat,
    path: &[u8],
) -> Result<()> {
    mknodat(directory, name, kind, Mode::from_raw_mode(0o600), stat.st_rdev)
        .map_err(failed("create node", path))?;
    dress_by_name((directory, name), stat, path)?;
    chmod_by_name(directory, name, mode(stat)).map_err(failed("set mode", path))
}

fn dress_by_name((directory, name): (&OwnedFd, &[u8]), stat: &Stat, path: &[u8]) -> Result<()> {
    let (uid, gid) = owner(stat);
    chownat(directory, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW).map_err(failed("set owner", path))?;
    utimensat(directory, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW).map_err(failed("set times", path))
}

/// Gives an open file or directory all that `from` has; the owner first, since chown(2) takes set-id bits and capabilities away.
pub fn dress(from: &OwnedFd, to: &OwnedFd, stat: &Stat, path: &[u8]) -> Result<()> {
    let (uid, gid) = owner(stat);
    fchown(to, uid, gid).map_err(failed("set owner", path))?;
    fchmod(to, mode(stat)).map_err(failed("set mode", path))?;
    copy_xattrs(from, to).map_err(failed("set xattr", path))?;
    futimens(to, &times(stat)).map_err(failed("set times", path))
}

fn copy_xattrs(from: &OwnedFd, to: &OwnedFd) -> rustix::io::Result<()> {
    let mut names = vec![0; 512];
    let length = match flistxattr(from, &mut names[..]) {
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(Errno::RANGE) => {
            names.resize(MAX_XATTR, 0);
            flistxattr(from, &mut names[..])?
        }
        other => other?,
    };
    for name in names[..length]
        .split(|byte| *byte == 0)
        .filter(|name| is_copied(name))
    {
        let mut value = vec![0; MAX_XATTR];
        let length = fgetxattr(from, name, &mut value[..])?;
        match fsetxattr(to, name, &value[..length], XattrFlags::empty()) {
            // Access control lists are for filesystems that have them.
            Err(Errno::OPNOTSUPP) if name.starts_with(b"system.") => {}
            other => other?,
        }
    }
    Ok(())
}

/// What overlayfs copies up and an unprivileged process may set; labels are the host's.
fn is_copied(name: &[u8]) -> bool {
    (name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_") || name == b"security.capability")
        && !overlay::is_overlay(name)
}

fn mode(stat: &Stat) -> Mode {
    Mode::from_raw_mode(stat.st_mode & 0o7777)
}

fn owner(stat: &Stat) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))
}

pub fn times(stat: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: stat.st_atime,
            tv_nsec: stat.st_atime_nsec as _,
        },
        last_modification: Timespec {
            tv_sec: stat.st_mtime,
            tv_nsec: stat.st_mtime_nsec as _,
        },
    }
}
