//! Deleting a tree: by descriptors, without following a symlink or crossing into a mount.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, openat, openat2, renameat, unlinkat,
};
use rustix::io::Errno;

use super::chmod::chmod_by_name;
use super::path::display;
use super::thread::{self, Isolation};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Deeper directories are first moved up: neither descriptors nor the stack grow with the tree.
const MAX_DEPTH: usize = 256;

/// Removes whatever `path` names; a symlink itself, not what it leads to. A missing path is no error.
/// Errors: `MOUNTED` when something is mounted below.
pub fn remove_tree(path: &str, cancel: &CancelFlag) -> Result<()> {
    thread::run(Isolation::Stack, || {
        let (parent, name) = split(path)?;
        let parent = match openat(
            CWD,
            parent,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        ) {
            Ok(parent) => parent,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(Error::io("open parent", path, &error.into())),
        };
        match unlinkat(&parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {
                Remover { cancel, moved: 0 }.remove_root(&parent, name.as_bytes())
            }
            Err(error) => Err(failed(name.as_bytes(), error)),
        }
    })
}

fn split(path: &str) -> Result<(&Path, &OsStr)> {
    let path = Path::new(path);
    match (path.is_absolute(), path.parent(), path.file_name()) {
        (true, Some(parent), Some(name)) => Ok((parent, name)),
        _ => Err(Error::new(
            "INVALID_PATH",
            "remove",
            "not an absolute path to something in a directory",
        )
        .with_subject(path.to_string_lossy())),
    }
}

struct Remover<'a> {
    cancel: &'a CancelFlag,
    /// Directories moved up to the root of the tree, so far.
    moved: u64,
}

impl Remover<'_> {
    fn remove_root(&mut self, parent: &OwnedFd, name: &[u8]) -> Result<()> {
        let root = open(parent, name)?;
        loop {
            let moved = self.moved;
            self.clear(&root, &root, 0)?;
            match unlinkat(parent, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST) if self.moved > moved => {}
                result => return result.map_err(|error| failed(name, error)),
            }
        }
    }

    fn clear(&mut self, root: &OwnedFd, directory: &OwnedFd, depth: usize) -> Result<()> {
        for (name, kind) in entries(directory)? {
            self.cancel.check()?;
            if kind != FileType::Directory {
                match unlinkat(directory, name.as_slice(), AtFlags::empty()) {
                    Ok(()) | Err(Errno::NOENT) => continue,
                    Err(Errno::ISDIR) => {}
                    Err(error) => return Err(failed(&name, error)),
                }
            }
            self.remove_directory(root, directory, &name, depth)?;
        }
        Ok(())
    }

    fn remove_directory(
        &mut self,
        root: &OwnedFd,
        parent: &OwnedFd,
        name: &[u8],
        depth: usize,
    ) -> Result<()> {
        if depth >= MAX_DEPTH {
            self.moved += 1;
            let place = format!(".tsbuild-remove-{}", self.moved);
            return renameat(parent, name, root, place).map_err(|error| failed(name, error));
        }
        match unlinkat(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => return Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(failed(name, error)),
        }
        let directory = open(parent, name)?;
        self.clear(root, &directory, depth + 1)?;
        unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(|error| failed(name, error))
    }
}

/// openat2(2): RESOLVE_NO_XDEV refuses bind mounts too, which st_dev does not tell.
fn open(parent: &OwnedFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
    match openat2(parent, name, flags, Mode::empty(), resolve) {
        // Without root, a directory of mode 0 (overlayfs leaves one in its work directory) has to be opened up first.
        Err(Errno::ACCESS) => {
            chmod_by_name(parent, name, Mode::from_raw_mode(0o700)).map_err(|error| failed(name, error))?;
            openat2(parent, name, flags, Mode::empty(), resolve)
        }
        result => result,
    }
    .map_err(|error| failed(name, error))
}

fn entries(directory: &OwnedFd) -> Result<Vec<(Vec<u8>, FileType)>> {
    let wrong = |error: Errno| Error::io("read directory", "", &error.into());
    let mut entries = Vec::new();
    for entry in Dir::read_from(directory).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            entries.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(entries)
}

fn failed(name: &[u8], error: Errno) -> Error {
    let mut failure = Error::io("remove", display(name), &error.into());
    if matches!(error, Errno::XDEV | Errno::BUSY) {
        failure.code = "MOUNTED";
    }
    failure
}
