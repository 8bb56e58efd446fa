//! Where a mount goes, inside a root that nobody trusts: every lookup stays below it (openat2(2), RESOLVE_IN_ROOT), and a
//! target is held by descriptor from then on.

use core::ffi::CStr;

use crate::report::{Fail, Step};
use crate::sys::file::{
    self, AT_REMOVEDIR, Fd, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY, O_WRONLY,
    RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, StatxTime,
};
use crate::sys::{self, ELOOP, ENAMETOOLONG, ENOENT, mount};
use crate::text::{Text, c_string};

/// A directory of the image itself. A symbolic link is refused: it would carry the mount elsewhere.
pub fn own_directory(root: &Fd, name: &'static CStr, created: &mut Created) -> Result<Fd, Fail> {
    let resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS;
    let flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    match file::open_beneath(root.raw(), name, flags, resolve) {
        Err(ENOENT) => {
            created.make(root, name, true).about("mount point", name)?;
            file::open_beneath(root.raw(), name, flags, resolve)
        }
        other => other,
    }
    .about("mount point", name)
}

/// What `path` is inside the root, followed there; created when the image has taken it away.
pub fn followed(
    root: &Fd,
    path: &'static CStr,
    is_directory: bool,
    created: &mut Created,
) -> Result<Fd, Fail> {
    let flags = O_PATH | if is_directory { O_DIRECTORY } else { 0 };
    match open_inside(root, path, flags) {
        Err(ENOENT) => {
            created
                .make(root, path, is_directory)
                .about("mount point", path)?;
            open_inside(root, path, flags)
        }
        other => other,
    }
    .about("mount point", path)
}

/// What `path` is inside the root; its last part is not followed, so that a symbolic link is covered itself.
pub fn unfollowed(root: &Fd, path: &'static CStr, created: &mut Created) -> Result<Fd, Fail> {
    let flags = O_PATH | O_NOFOLLOW;
    match open_inside(root, path, flags) {
        Err(ENOENT) => {
            created.make(root, path, false).about("mount point", path)?;
            open_inside(root, path, flags)
        }
        other => other,
    }
    .about("mount point", path)
}

fn open_inside(root: &Fd, path: &CStr, flags: usize) -> sys::Result<Fd> {
    file::open_beneath(root.raw(), path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
}

/// `path` is empty for the root itself.
fn open_parent(root: &Fd, path: &[u8]) -> sys::Result<Fd> {
    let path = c_string::<PATH_MAX>(if path.is_empty() { b"." } else { path })?;
    open_inside(root, path.as_c_str(), O_RDONLY | O_DIRECTORY)
}

/// Two for each of the most mounts that a step can have.
const MAX_CREATED: usize = 256;

/// Links, one behind the other, that are followed to what is not there yet. Each takes some kilobytes of the stack.
const MAX_LINKS: usize = 10;
const PATH_MAX: usize = 4096;

struct Stub {
    parent: Fd,
    name: Text<256>,
    is_directory: bool,
    parent_modified: StatxTime,
}

/// Mount points that even the lowest layer could not offer, because the image deletes them. They are taken away
/// again when the step has ended, and their parents get their mtime back.
pub struct Created {
    stubs: [Option<Stub>; MAX_CREATED],
    count: usize,
}

impl Created {
    pub fn new() -> Self {
        Self {
            stubs: [const { None }; MAX_CREATED],
            count: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Creates every missing part of `path`.
    fn make(&mut self, root: &Fd, path: &CStr, is_directory: bool) -> sys::Result<()> {
        self.make_all(root, path.to_bytes(), is_directory, MAX_LINKS)
    }

    fn make_all(&mut self, root: &Fd, bytes: &[u8], is_directory: bool, links: usize) -> sys::Result<()> {
        let mut end = 0;
        while end < bytes.len() {
            let start = end + bytes[end..].iter().take_while(|b| **b == b'/').count();
            end = start + bytes[start..].iter().take_while(|b| **b != b'/').count();
            if start == end {
                break;
            }
            let is_last = bytes[end..].iter().all(|b| *b == b'/');
            let is_directory = !is_last || is_directory;
            if !self.make_part(root, &bytes[..start], &bytes[start..end], is_directory)? {
                self.make_target(root, &bytes[..start], &bytes[start..end], is_directory, links)?;
            }
        }
        Ok(())
    }

    /// What a symbolic link leads to, when there is nothing yet: it is made as the link's reader would find it.
    fn make_target(
        &mut self,
        root: &Fd,
        parent: &[u8],
        name: &[u8],
        is_directory: bool,
        links: usize,
    ) -> sys::Result<()> {
        let mut path = c_string::<PATH_MAX>(parent)?;
        path.push(name).map_err(|_| ENAMETOOLONG)?;
        if open_inside(root, path.as_c_str(), O_PATH).err() != Some(ENOENT) {
            return Ok(());
        }
        let left = links.checked_sub(1).ok_or(ELOOP)?;
        let directory = open_parent(root, parent)?;
        let mut text = [0; PATH_MAX];
        let target = file::read_link(directory.raw(), c_string::<256>(name)?.as_c_str(), &mut text)?;
        if target.starts_with(b"/") {
            return self.make_all(root, target, is_directory, left);
        }
        let mut path = c_string::<PATH_MAX>(parent)?;
        path.push(target).map_err(|_| ENAMETOOLONG)?;
        self.make_all(root, path.as_bytes(), is_directory, left)
    }

    /// Whether it was made: otherwise something has that name.
    fn make_part(&mut self, root: &Fd, parent: &[u8], name: &[u8], is_directory: bool) -> sys::Result<bool> {
        let parent = open_parent(root, parent)?;
        let entry = c_string::<256>(name)?;
        let parent_modified = file::stat(parent.raw())?.mtime;
        let made = if is_directory {
            file::make_directory(parent.raw(), entry.as_c_str(), 0o755)
        } else {
            file::open_at(parent.raw(), entry.as_c_str(), O_WRONLY | O_CREAT | O_EXCL, 0o644).map(drop)
        };
        match made {
            Ok(()) => self
                .remember(Stub {
                    parent,
                    name: entry,
                    is_directory,
                    parent_modified,
                })
                .map(|()| true),
            Err(sys::EEXIST) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    fn remember(&mut self, stub: Stub) -> sys::Result<()> {
        let slot = self.stubs.get_mut(self.count).ok_or(sys::EINVAL)?;
        *slot = Some(stub);
        self.count += 1;
        Ok(())
    }

    /// Takes the stubs away, last first. One that the step made its own (a directory it filled) stays.
    pub fn remove(self) {
        for stub in self.stubs[..self.count].iter().rev().flatten() {
            if file::change_directory_to(stub.parent.raw()).is_err() {
                continue;
            }
            let name = stub.name.as_c_str();
            let _ = mount::unmount(name, mount::MNT_DETACH | mount::UMOUNT_NOFOLLOW);
            let flags = if stub.is_directory { AT_REMOVEDIR } else { 0 };
            if file::unlink(stub.parent.raw(), name, flags).is_ok() {
                let _ = file::set_modified(stub.parent.raw(), stub.parent_modified);
            }
        }
    }
}
