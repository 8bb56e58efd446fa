//! How overlayfs writes its own marks: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, XattrFlags};
use rustix::io::Errno;

use super::xattr::{self, Xattrs};

/// OCI image-spec layer.md, "Whiteouts".
pub const WHITEOUT_PREFIX: &[u8] = b".wh.";
pub const OPAQUE_MARKER: &[u8] = b".wh..wh..opq";
/// Names that AUFS kept for itself; no file of an image is called so.
pub const META_PREFIX: &[u8] = b".wh..wh.";

/// `trusted.overlay.x` is for mounts of the initial user namespace, `user.overlay.x` for those with `userxattr`.
const PREFIXES: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];

/// The overlay attributes that change what an entry means.
#[derive(Default)]
pub struct Marks {
    pub opaque: bool,
    /// The directory may hold whiteouts that are attributes (Linux 6.7).
    pub xattr_whiteouts: bool,
    pub whiteout: bool,
    /// `redirect` or `metacopy`: the content lies elsewhere.
    pub foreign: bool,
}

impl Marks {
    /// A directory that is opaque may have been marked for them before.
    pub fn may_hold_marked_whiteouts(&self) -> bool {
        self.xattr_whiteouts || self.opaque
    }
}

pub fn is_overlay(attribute: &[u8]) -> bool {
    suffix(attribute).is_some()
}

fn suffix(attribute: &[u8]) -> Option<&[u8]> {
    PREFIXES.iter().find_map(|prefix| attribute.strip_prefix(*prefix))
}

/// Takes the overlay attributes out of `xattrs` and says what they mean.
pub fn take_marks(xattrs: &mut Xattrs) -> Marks {
    let mut marks = Marks::default();
    xattrs.retain(|(name, value)| {
        match suffix(name) {
            None => return true,
            Some(b"opaque") => match value.as_slice() {
                b"y" => marks.opaque = true,
                b"x" => marks.xattr_whiteouts = true,
                _ => {}
            },
            Some(b"whiteout") => marks.whiteout = true,
            Some(b"redirect" | b"metacopy") => marks.foreign = true,
            Some(_) => {}
        }
        false
    });
    marks
}

/// A character device 0:0.
pub fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// A whiteout, in either spelling.
pub fn is_hidden(dir: BorrowedFd<'_>, name: &[u8], stat: &Stat) -> rustix::io::Result<bool> {
    let may_be_marked = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_size == 0;
    let is_marked = || Ok(take_marks(&mut xattr::read(dir, name, is_overlay)?).whiteout);
    Ok(is_whiteout(stat) || may_be_marked && is_marked()?)
}

/// Needs no privilege: mknod(2) lets everyone make device 0:0. An overlay, such as a container's own root, refuses it in what it
/// shows; there a whiteout is an empty file with a mark (Linux 6.7, "whiteouts as xattrs").
pub fn make_whiteout(dir: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    match rustix::fs::mknodat(dir, name, FileType::CharacterDevice, Mode::empty(), 0) {
        Err(Errno::PERM) => make_marked_whiteout(dir, name),
        done => done,
    }
}

fn make_marked_whiteout(dir: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(dir, name, flags, Mode::from_raw_mode(0o600))?;
    rustix::fs::fsetxattr(&file, c"user.overlay.whiteout", b"y", XattrFlags::empty())?;
    // A directory that is opaque stays it.
    match rustix::fs::fsetxattr(dir, c"user.overlay.opaque", b"x", XattrFlags::CREATE) {
        Err(Errno::EXIST) => Ok(()),
        done => done,
    }
}

/// Marks an open directory opaque; without CAP_SYS_ADMIN in the initial user namespace in the `userxattr` spelling.
pub fn make_opaque(dir: BorrowedFd<'_>) -> rustix::io::Result<()> {
    match rustix::fs::fsetxattr(dir, c"trusted.overlay.opaque", b"y", XattrFlags::empty()) {
        Err(Errno::PERM) => rustix::fs::fsetxattr(dir, c"user.overlay.opaque", b"y", XattrFlags::empty()),
        done => done,
    }
}

/// Whether marks made in `dir`, an empty directory, are the ones that overlayfs reads when it mounts as this user.
pub fn are_marks_mountable(dir: BorrowedFd<'_>) -> rustix::io::Result<bool> {
    let trusted = c"trusted.overlay.opaque";
    match rustix::fs::fsetxattr(dir, trusted, b"y", XattrFlags::empty()) {
        Ok(()) => rustix::fs::fremovexattr(dir, trusted)?,
        Err(Errno::PERM) => return Ok(false),
        Err(errno) => return Err(errno),
    }
    let name = c"whiteout";
    match rustix::fs::mknodat(dir, name, FileType::CharacterDevice, Mode::empty(), 0) {
        Ok(()) => rustix::fs::unlinkat(dir, name, AtFlags::empty()).map(|()| true),
        Err(Errno::PERM) => Ok(false),
        Err(errno) => Err(errno),
    }
}
