//! Walking a tree: names sorted as bytes, a directory before what is in it, without what the rules ignore.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::Dir;

use super::filter::{Filter, Position, Verdict};
use super::meta::Meta;
use super::path::display;
use super::resolve::{look_up, open_directory};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Deeper than any path that can be spelled: PATH_MAX is 4096.
const MAX_DEPTH: usize = 2048;

/// Something met on the walk.
pub struct Entry<'a> {
    pub parent: &'a Arc<OwnedFd>,
    pub name: &'a [u8],
    /// Relative to where the walk began.
    pub path: &'a [u8],
    pub meta: &'a Meta,
}

/// What is done on the way.
pub trait Visitor {
    /// A directory, before its children.
    fn enter(&mut self, entry: &Entry<'_>, directory: &Arc<OwnedFd>) -> Result<()>;
    /// After its children.
    fn leave(&mut self, entry: &Entry<'_>, directory: &Arc<OwnedFd>) -> Result<()>;
    /// Anything else.
    fn visit(&mut self, entry: &Entry<'_>) -> Result<()>;
}

/// Walks what is in a directory, not the directory itself. `at` has an empty path, and what `ignore` says of the directory.
pub fn walk(
    directory: &Arc<OwnedFd>,
    at: Position,
    filter: Filter<'_>,
    cancel: &CancelFlag,
    visitor: &mut dyn Visitor,
) -> Result<()> {
    let mut walker = Walker {
        filter,
        cancel,
        visitor,
        pending: Vec::new(),
        entered: 0,
    };
    walker.children(&Level {
        directory,
        at,
        depth: 0,
    })
}

/// A directory on the way.
struct Level<'a> {
    directory: &'a Arc<OwnedFd>,
    at: Position,
    depth: usize,
}

/// An ignored directory that exists only if something below it is kept.
struct Pending {
    parent: Arc<OwnedFd>,
    name: Vec<u8>,
    path: Vec<u8>,
    meta: Meta,
    directory: Arc<OwnedFd>,
}

struct Walker<'a> {
    filter: Filter<'a>,
    cancel: &'a CancelFlag,
    visitor: &'a mut dyn Visitor,
    pending: Vec<Pending>,
    /// How many of `pending` the visitor has entered after all.
    entered: usize,
}

impl Walker<'_> {
    fn children(&mut self, level: &Level<'_>) -> Result<()> {
        if level.depth > MAX_DEPTH {
            return Err(Error::new("TOO_DEEP", "walk", "more than 2048 directories deep")
                .with_subject(display(&level.at.path[..level.at.path.len().min(200)])));
        }
        for name in sorted_names(level.directory)? {
            self.cancel.check()?;
            let Some(meta) = look_up(level.directory, &name)? else {
                continue;
            };
            let verdict = self.filter.judge(&level.at, &name);
            if meta.is_directory() {
                self.directory(level, &name, &meta, verdict)?;
            } else if verdict.is_kept {
                self.enter_pending()?;
                self.visitor.visit(&Entry {
                    parent: level.directory,
                    name: &name,
                    path: &verdict.at.path,
                    meta: &meta,
                })?;
            }
        }
        Ok(())
    }

    fn directory(&mut self, level: &Level<'_>, name: &[u8], meta: &Meta, verdict: Verdict) -> Result<()> {
        if verdict.is_pruned {
            return Ok(());
        }
        let directory = Arc::new(open_directory(level.directory, name)?);
        let is_kept = verdict.is_kept;
        let below = Level {
            directory: &directory,
            at: verdict.at,
            depth: level.depth + 1,
        };
        if is_kept {
            self.kept_directory(level, name, meta, &below)
        } else {
            self.pending_directory(level, name, meta, &below)
        }
    }

    fn kept_directory(
        &mut self,
        level: &Level<'_>,
        name: &[u8],
        meta: &Meta,
        below: &Level<'_>,
    ) -> Result<()> {
        self.enter_pending()?;
        let entry = Entry {
            parent: level.directory,
            name,
            path: &below.at.path,
            meta,
        };
        self.visitor.enter(&entry, below.directory)?;
        self.children(below)?;
        self.visitor.leave(&entry, below.directory)
    }

    fn pending_directory(
        &mut self,
        level: &Level<'_>,
        name: &[u8],
        meta: &Meta,
        below: &Level<'_>,
    ) -> Result<()> {
        self.pending.push(Pending {
            parent: level.directory.clone(),
            name: name.to_vec(),
            path: below.at.path.clone(),
            meta: *meta,
            directory: below.directory.clone(),
        });
        self.children(below)?;
        let pending = self.pending.pop().expect("pushed above");
        if self.entered > self.pending.len() {
            self.entered = self.pending.len();
            self.visitor.leave(&pending.entry(), &pending.directory)?;
        }
        Ok(())
    }

    fn enter_pending(&mut self) -> Result<()> {
        for pending in &self.pending[self.entered..] {
            self.visitor.enter(&pending.entry(), &pending.directory)?;
        }
        self.entered = self.pending.len();
        Ok(())
    }
}

impl Pending {
    fn entry(&self) -> Entry<'_> {
        Entry {
            parent: &self.parent,
            name: &self.name,
            path: &self.path,
            meta: &self.meta,
        }
    }
}

/// The names in a directory, sorted as bytes.
pub fn sorted_names(directory: &OwnedFd) -> Result<Vec<Vec<u8>>> {
    let failed = |error: rustix::io::Errno| Error::io("read directory", "", &error.into());
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(name.to_vec());
        }
    }
    names.sort_unstable();
    Ok(names)
}
