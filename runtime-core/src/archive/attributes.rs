//! Owner, mode, attributes and times of what a layer makes, in the order that keeps each of them.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::member::Member;
use super::overlay;
use super::sys::{failed, lossy};
use super::xattr::Xattrs;
use crate::error::{Error, Result};

pub struct Attributes {
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: (i64, u32),
    xattrs: Xattrs,
    /// The layer does not say them: they depend on the lowers.
    pub is_implied: bool,
}

impl Attributes {
    pub fn of(member: &Member) -> Self {
        let Member {
            mode,
            uid,
            gid,
            mtime,
            ref xattrs,
            ..
        } = *member;
        Self {
            mode,
            uid,
            gid,
            mtime,
            xattrs: xattrs.clone(),
            is_implied: false,
        }
    }

    /// The same at another time.
    pub fn at(self, seconds: i64) -> Self {
        let mtime = (seconds, 0);
        Self { mtime, ..self }
    }

    /// A directory that is only mentioned in a path is as the lower has it, else root's and 0755.
    pub fn implied(lower: Option<&Stat>, depends_on_lowers: bool) -> Self {
        let (mode, uid, gid, mtime) = match lower {
            Some(stat) => (
                stat.st_mode & 0o7777,
                stat.st_uid,
                stat.st_gid,
                (stat.st_mtime, stat.st_mtime_nsec as u32),
            ),
            None => (0o755, 0, 0, (0, 0)),
        };
        Self {
            mode,
            uid,
            gid,
            mtime,
            xattrs: Xattrs::new(),
            is_implied: depends_on_lowers,
        }
    }
}

/// Gives an open file or directory its attributes; the owner first, since chown(2) takes set-id bits and capabilities
/// away. `created_as` is the owner that it has already. Returns how many extended attributes could not be set.
pub fn set_all(
    file: &OwnedFd,
    given: &Attributes,
    created_as: Option<(u32, u32)>,
    path: &[u8],
) -> Result<i64> {
    if created_as != Some((given.uid, given.gid)) {
        let (uid, gid) = owner(given.uid, given.gid);
        rustix::fs::fchown(file, uid, gid).map_err(not_given(given.uid, given.gid, path))?;
    }
    rustix::fs::fchmod(file, Mode::from_raw_mode(given.mode)).map_err(failed("set mode", path))?;
    let skipped = set_xattrs(file, &given.xattrs, path)?;
    rustix::fs::futimens(file, &times(given.mtime)).map_err(failed("set times", path))?;
    Ok(skipped)
}

/// ACLs, labels and overlayfs's own attributes are not for a layer to set; where the filesystem or a want of
/// privilege forbids the others they are counted.
fn set_xattrs(file: &OwnedFd, xattrs: &Xattrs, path: &[u8]) -> Result<i64> {
    let mut skipped = 0;
    for (name, value) in xattrs {
        let is_user = name.starts_with(b"user.") && !overlay::is_overlay(name);
        if !is_user && name != b"security.capability" {
            continue;
        }
        match rustix::fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
            Err(Errno::PERM | Errno::NOTSUP) => skipped += 1,
            done => done.map_err(failed("set xattr", path))?,
        }
    }
    Ok(skipped)
}

/// Owner and times of a name that is not opened: a symbolic link, a device, a fifo. `mode` where it can have one.
pub fn set_node(dir: &OwnedFd, name: &[u8], member: &Member, mode: Option<u32>, path: &[u8]) -> Result<()> {
    let (uid, gid) = owner(member.uid, member.gid);
    rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(not_given(member.uid, member.gid, path))?;
    if let Some(mode) = mode {
        let mode = Mode::from_raw_mode(mode);
        rustix::fs::chmodat(dir, name, mode, AtFlags::empty()).map_err(failed("set mode", path))?;
    }
    let times = times(member.mtime);
    rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW).map_err(failed("set times", path))
}

/// Names the owner too: a user has not every id.
fn not_given(uid: u32, gid: u32, path: &[u8]) -> impl Fn(Errno) -> Error {
    move |errno| {
        Error::io(
            "set owner",
            format!("{} ({uid}:{gid})", lossy(path)),
            &errno.into(),
        )
    }
}

fn owner(uid: u32, gid: u32) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
}

fn times((tv_sec, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec {
        tv_sec,
        tv_nsec: nanos.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}
