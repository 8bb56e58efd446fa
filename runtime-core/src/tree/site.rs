//! The place where a file action works: paths resolved and made inside one root, and times set right at the end.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid, fchmod, fchown, fstat, futimens,
    mkdirat, openat, unlinkat,
};
use rustix::io::Errno;

use super::content::write_all;
use super::meta::Meta;
use super::path::{display, join};
use super::policy::{Owner, seconds_only, times};
use super::resolve::{Dirs, Found, look_up, open_directory, resolve};
use crate::error::{Error, Result};

/// A parent that nobody described.
pub const PARENT_MODE: u32 = 0o755;

/// Where an action works, and the directories whose times are set right when it is done.
pub struct Site<'a> {
    pub root: &'a Arc<OwnedFd>,
    pub epoch: i64,
    created: Vec<Arc<OwnedFd>>,
    /// With the mtime they had.
    existing: Vec<(Arc<OwnedFd>, Timespec)>,
}

impl<'a> Site<'a> {
    pub fn new(root: &'a Arc<OwnedFd>, epoch: i64) -> Self {
        Self {
            root,
            epoch,
            created: Vec::new(),
            existing: Vec::new(),
        }
    }

    /// The directory `path`, made with its parents where missing.
    pub fn directory(&mut self, path: &str, mode: u32, parent_mode: u32, owner: Owner) -> Result<Dirs> {
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
    pub fn file_place(&mut self, path: &str, parent_mode: u32, owner: Owner) -> Result<(Dirs, Vec<u8>)> {
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
            Found::Directory(_) => Err(Error::new(
                "CONFLICT",
                "write file",
                format!("cannot replace to directory {path} with file"),
            )
            .with_subject(path)),
            Found::NotADirectory(at) => Err(not_a_directory(path, &at)),
        }
    }

    pub fn file(&mut self, path: &str, mode: u32, owner: Owner, data: &[u8]) -> Result<()> {
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
    pub fn keep_time(&mut self, directory: &Arc<OwnedFd>) -> Result<()> {
        let is_known = |known: &Arc<OwnedFd>| Arc::ptr_eq(known, directory);
        if !self.existing.iter().any(|(known, _)| is_known(known)) && !self.created.iter().any(is_known) {
            self.existing.push((directory.clone(), mtime(directory)?));
        }
        Ok(())
    }

    /// A directory that did not change is not touched: it would be copied up for nothing.
    pub fn settle(self) -> Result<()> {
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

fn not_a_directory(path: &str, at: &[u8]) -> Error {
    let message = format!("cannot copy to non-directory: /{}", display(at));
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
