//! Resolving a path inside a root: `..` stops at the root and symlinks start from it, as openat2(2) RESOLVE_IN_ROOT
//! has it, but with the real path known at the end and with the missing part told apart from the rest.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;

use super::meta::{Kind, Meta};
use super::path::{components, display, join};
use crate::error::{Error, Result};

/// path_resolution(7)
const MAX_SYMLINKS: usize = 40;

/// Open directories from the root down to one of them.
#[derive(Clone)]
pub struct Dirs {
    root: Arc<OwnedFd>,
    below: Vec<(Vec<u8>, Arc<OwnedFd>)>,
}

impl Dirs {
    pub fn new(root: &Arc<OwnedFd>) -> Self {
        Self {
            root: root.clone(),
            below: Vec::new(),
        }
    }

    pub fn last(&self) -> &Arc<OwnedFd> {
        self.below.last().map_or(&self.root, |(_, directory)| directory)
    }

    pub fn push(&mut self, name: Vec<u8>, directory: OwnedFd) {
        self.below.push((name, Arc::new(directory)));
    }

    /// The root is its own parent.
    pub fn pop(&mut self) {
        self.below.pop();
    }

    fn back_to_root(&mut self) {
        self.below.clear();
    }

    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.below.iter().map(|(name, _)| name.as_slice())
    }

    /// The real path, relative to the root.
    pub fn path(&self) -> Vec<u8> {
        self.names().fold(Vec::new(), |path, name| join(&path, name))
    }
}

/// Where a path leads.
pub enum Found {
    Directory(Dirs),
    Other {
        parent: Dirs,
        name: Vec<u8>,
        meta: Meta,
    },
    /// `name` is not in `parent`; `rest` would lie below it.
    Missing {
        parent: Dirs,
        name: Vec<u8>,
        rest: Vec<Vec<u8>>,
    },
    /// A component that is not the last is neither a directory nor a symlink: its path.
    NotADirectory(Vec<u8>),
}

pub struct Resolved {
    pub found: Found,
    /// Real paths of the symlinks on the way, relative to the root.
    pub symlinks: Vec<Vec<u8>>,
}

/// Resolves `path` inside `root`, a final symlink too.
pub fn resolve(root: &Arc<OwnedFd>, path: &[u8]) -> Result<Resolved> {
    let mut dirs = Dirs::new(root);
    let mut left: VecDeque<Vec<u8>> = components(path).map(<[u8]>::to_vec).collect();
    let mut symlinks = Vec::new();
    let found = loop {
        let Some(name) = left.pop_front() else {
            break Found::Directory(dirs);
        };
        if name == b".." {
            dirs.pop();
            continue;
        }
        let Some(meta) = look_up(dirs.last(), &name)? else {
            let rest = left.into();
            break Found::Missing {
                parent: dirs,
                name,
                rest,
            };
        };
        match meta.kind {
            Kind::Directory => {
                let directory = open_directory(dirs.last(), &name)?;
                dirs.push(name, directory);
            }
            Kind::Symlink => {
                symlinks.push(join(&dirs.path(), &name));
                if symlinks.len() > MAX_SYMLINKS {
                    return Err(Error::io("resolve", display(path), &Errno::LOOP.into()));
                }
                follow(&mut dirs, &name, &mut left)?;
            }
            _ if left.is_empty() => {
                break Found::Other {
                    parent: dirs,
                    name,
                    meta,
                };
            }
            _ => break Found::NotADirectory(join(&dirs.path(), &name)),
        }
    };
    Ok(Resolved { found, symlinks })
}

fn follow(dirs: &mut Dirs, name: &[u8], left: &mut VecDeque<Vec<u8>>) -> Result<()> {
    let target = read_link(dirs.last(), name)?;
    if target.starts_with(b"/") {
        dirs.back_to_root();
    }
    for part in components(&target).rev() {
        left.push_front(part.to_vec());
    }
    Ok(())
}

/// lstat of a name; `None` when there is nothing, or a whiteout.
pub fn look_up(directory: &impl AsFd, name: &[u8]) -> Result<Option<Meta>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Meta::of(&stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(Error::io("stat", display(name), &error.into())),
    }
}

/// Opens a directory by its name; a symlink is refused.
pub fn open_directory(parent: &impl AsFd, name: &[u8]) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
        .map_err(|error| Error::io("open directory", display(name), &error.into()))
}

pub fn read_link(directory: &impl AsFd, name: &[u8]) -> Result<Vec<u8>> {
    readlinkat(directory, name, Vec::new())
        .map(|target| target.into_bytes())
        .map_err(|error| Error::io("read link", display(name), &error.into()))
}
