//! What a FileOp does: make directories, write files, copy, one after the other on one root.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, fchmod, fchown, fstat, futimens,
    mkdirat, openat, unlinkat,
};
use rustix::io::Errno;

use super::content::write_all;
use super::copy::{Collision, Copier, Owner, OwnerRule, Policy, TimeRule, seconds_only, times};
use super::meta::Meta;
use super::path::{display, join};
use super::resolve::{Dirs, Found, look_up, open_directory, resolve};
use super::rootfs::{Layers, Rootfs};
use super::select::{Place, Selected, Selection, Selector};
use super::thread::{self, Isolation};
use super::xattr::Scope;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// A parent that nobody described.
const PARENT_MODE: u32 = 0o755;
const ROOT: Owner = Owner { uid: 0, gid: 0 };

pub enum Action {
    Mkdir {
        path: String,
        mode: u32,
        owner: Owner,
    },
    Mkfile {
        path: String,
        mode: u32,
        owner: Owner,
        data: Vec<u8>,
    },
    Copy {
        selection: Selection,
        dest: String,
        owner: Option<Owner>,
        mode: Option<u32>,
    },
}

/// Applies `actions` in order. What they create gets `epoch` as its mtime; directories that are only written into keep theirs.
pub fn apply(layers: &Layers, actions: &[Action], epoch: i64, cancel: &CancelFlag) -> Result<()> {
    thread::run(isolation(layers, actions), || {
        let rootfs = Rootfs::open(layers)?;
        let root = rootfs
            .directory()
            .ok_or_else(|| Error::new("INVALID_ROOTFS", "apply", "the root has no upper"))?;
        for action in actions {
            cancel.check()?;
            apply_one(root, action, epoch, cancel)?;
        }
        Ok(())
    })
}

fn isolation(layers: &Layers, actions: &[Action]) -> Isolation {
    let sources = actions.iter().filter_map(|action| match action {
        Action::Copy { selection, .. } => Some(selection.source.layers.isolation()),
        _ => None,
    });
    let mut all = sources.chain([layers.isolation()]);
    if all.any(|one| one == Isolation::Mounts) {
        Isolation::Mounts
    } else {
        Isolation::Umask
    }
}

fn apply_one(root: &Arc<OwnedFd>, action: &Action, epoch: i64, cancel: &CancelFlag) -> Result<()> {
    let mut site = Site {
        root,
        epoch,
        created: Vec::new(),
        existing: Vec::new(),
    };
    match action {
        Action::Mkdir { path, mode, owner } => {
            site.directory(path, *mode, PARENT_MODE, *owner)?;
        }
        Action::Mkfile {
            path,
            mode,
            owner,
            data,
        } => site.file(path, *mode, *owner, data)?,
        Action::Copy {
            selection,
            dest,
            owner,
            mode,
        } => {
            copy(&mut site, selection, dest, *owner, *mode, cancel)?;
        }
    }
    site.settle()
}

/// Where an action works, and the directories whose times are set right when it is done.
struct Site<'a> {
    root: &'a Arc<OwnedFd>,
    epoch: i64,
    created: Vec<Arc<OwnedFd>>,
    /// With the mtime they had.
    existing: Vec<(Arc<OwnedFd>, Timespec)>,
}

impl Site<'_> {
    /// The directory `path`, made with its parents where missing.
    fn directory(&mut self, path: &str, mode: u32, parent_mode: u32, owner: Owner) -> Result<Dirs> {
        match resolve(self.root, path.as_bytes())?.found {
            Found::Directory(dirs) => Ok(dirs),
            Found::Missing { parent, name, rest } => {
                let mut dirs = parent;
                let mut names = std::iter::once(name).chain(rest).peekable();
                while let Some(name) = names.next() {
                    let mode = if names.peek().is_none() { mode } else { parent_mode };
                    self.step(&mut dirs, &name, mode, owner)?;
                }
                Ok(dirs)
            }
            Found::Other { parent, name, .. } => Err(not_a_directory(path, &join(&parent.path(), &name))),
            Found::NotADirectory(at) => Err(not_a_directory(path, &at)),
        }
    }

    /// One component down, into a directory that is made if it is missing.
    fn step(&mut self, dirs: &mut Dirs, name: &[u8], mode: u32, owner: Owner) -> Result<()> {
        if name == b".." {
            dirs.pop();
            return Ok(());
        }
        match look_up(dirs.last(), name)? {
            Some(meta) if meta.is_directory() => {
                let directory = open_directory(dirs.last(), name)?;
                dirs.push(name.to_vec(), directory);
                Ok(())
            }
            Some(_) => {
                let at = join(&dirs.path(), name);
                Err(not_a_directory(&display(&at), &at))
            }
            None => self.make(dirs, name, mode, owner),
        }
    }

    fn make(&mut self, dirs: &mut Dirs, name: &[u8], mode: u32, owner: Owner) -> Result<()> {
        let failed = |error: Errno| Error::io("create directory", display(name), &error.into());
        self.keep_time(dirs.last())?;
        mkdirat(dirs.last(), name, Mode::from_raw_mode(0o700)).map_err(failed)?;
        let directory = open_directory(dirs.last(), name)?;
        set_owner_and_mode(&directory, owner, mode).map_err(failed)?;
        dirs.push(name.to_vec(), directory);
        self.created.push(dirs.last().clone());
        Ok(())
    }

    /// The directory and name where a file is put. Parents are made where missing.
    fn file_place(&mut self, path: &str, parent_mode: u32, owner: Owner) -> Result<(Dirs, Vec<u8>)> {
        match resolve(self.root, path.as_bytes())?.found {
            Found::Other { parent, name, .. } => Ok((parent, name)),
            Found::Missing {
                parent,
                name,
                mut rest,
            } => {
                let mut dirs = parent;
                rest.insert(0, name);
                let name = rest.pop().expect("one was put in");
                for parent in rest {
                    self.step(&mut dirs, &parent, parent_mode, owner)?;
                }
                Ok((dirs, name))
            }
            Found::Directory(_) => {
                Err(Error::new("CONFLICT", "write file", "a directory is in its place").with_subject(path))
            }
            Found::NotADirectory(at) => Err(not_a_directory(path, &at)),
        }
    }

    fn file(&mut self, path: &str, mode: u32, owner: Owner, data: &[u8]) -> Result<()> {
        let failed = |error: Errno| Error::io("write file", path, &error.into());
        let (dirs, name) = self.file_place(path, PARENT_MODE, owner)?;
        self.keep_time(dirs.last())?;
        match unlinkat(dirs.last(), name.as_slice(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(failed(error)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(dirs.last(), name.as_slice(), flags, Mode::from_raw_mode(0o600)).map_err(failed)?;
        write_all(&file, path.as_bytes(), data)?;
        set_owner_and_mode(&file, owner, mode).map_err(failed)?;
        futimens(&file, &times(seconds_only(self.epoch))).map_err(failed)
    }

    /// A directory that was there keeps its mtime, whatever is put into it.
    fn keep_time(&mut self, directory: &Arc<OwnedFd>) -> Result<()> {
        let is_known = |known: &Arc<OwnedFd>| Arc::ptr_eq(known, directory);
        if !self.existing.iter().any(|(known, _)| is_known(known)) && !self.created.iter().any(is_known) {
            self.existing.push((directory.clone(), mtime(directory)?));
        }
        Ok(())
    }

    /// A directory that did not change is not touched: it would be copied up for nothing.
    fn settle(self) -> Result<()> {
        let failed = |error: Errno| Error::io("set times", "", &error.into());
        for (directory, time) in self.existing.iter().rev() {
            if mtime(directory)? != *time {
                let only_mtime = Timestamps {
                    last_access: Timespec {
                        tv_sec: 0,
                        tv_nsec: UTIME_OMIT,
                    },
                    last_modification: *time,
                };
                futimens(directory, &only_mtime).map_err(failed)?;
            }
        }
        for directory in self.created.iter().rev() {
            futimens(directory, &times(seconds_only(self.epoch))).map_err(failed)?;
        }
        Ok(())
    }
}

/// Errors: what selecting and copying say.
fn copy(
    site: &mut Site<'_>,
    selection: &Selection,
    dest: &str,
    owner: Option<Owner>,
    mode: Option<u32>,
    cancel: &CancelFlag,
) -> Result<()> {
    let rootfs = Rootfs::view(&selection.source.layers)?;
    let selector = Selector::new(&rootfs, selection, cancel)?;
    let selected = selector.select(&selection.paths, selection.wildcards)?;
    let parent_owner = owner.unwrap_or(ROOT);
    let parent_mode = mode.unwrap_or(PARENT_MODE);
    let policy = policy(selection.source.is_context, owner, mode, site.epoch);
    let mut copier = Copier::new(site.root, policy, cancel);
    let goes_inside = dest.ends_with('/') || selection.paths.len() > 1 || selected.len() > 1;
    for one in &selected {
        let (dirs, name) = if goes_inside || is_directory(one) || exists_as_directory(site.root, dest)? {
            let dirs = site.directory(dest, parent_mode, parent_mode, parent_owner)?;
            (dirs, one.name.clone())
        } else {
            site.file_place(dest, parent_mode, parent_owner)?
        };
        site.keep_time(dirs.last())?;
        copier.copy(&selector, one, &dirs, &name)?;
    }
    Ok(())
}

fn policy(is_context: bool, owner: Option<Owner>, mode: Option<u32>, epoch: i64) -> Policy {
    Policy {
        owner: match owner {
            Some(owner) => OwnerRule::As(owner),
            None if is_context => OwnerRule::As(ROOT),
            None => OwnerRule::Source,
        },
        mode,
        times: TimeRule::Exactly(epoch),
        xattrs: Some(if is_context {
            Scope::Capability
        } else {
            Scope::CapabilityAndUser
        }),
        collision: Collision::Refused,
    }
}

fn is_directory(selected: &Selected) -> bool {
    matches!(selected.place, Place::Directory { .. })
}

fn exists_as_directory(root: &Arc<OwnedFd>, path: &str) -> Result<bool> {
    Ok(matches!(
        resolve(root, path.as_bytes())?.found,
        Found::Directory(_)
    ))
}

fn not_a_directory(path: &str, at: &[u8]) -> Error {
    let message = format!("/{} is in the way: it is not a directory", display(at));
    Error::new("CONFLICT", "make directory", message).with_subject(path)
}

fn set_owner_and_mode(file: &OwnedFd, owner: Owner, mode: u32) -> rustix::io::Result<()> {
    fchown(
        file,
        Some(Uid::from_raw(owner.uid)),
        Some(Gid::from_raw(owner.gid)),
    )?;
    fchmod(file, Mode::from_raw_mode(mode))
}

fn mtime(directory: &OwnedFd) -> Result<Timespec> {
    let stat = fstat(directory).map_err(|error| Error::io("stat", "", &error.into()))?;
    Ok(Meta::of(&stat).map_or(seconds_only(0), |meta| meta.mtime))
}
