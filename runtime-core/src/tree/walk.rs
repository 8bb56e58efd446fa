//! Walking a tree: names sorted as bytes, a directory before what is in it, without what the rules ignore.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::Dir;

use super::ignore::{Matched, Rules};
use super::meta::Meta;
use super::path::{display, join};
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

/// What a walk leaves out. `ignore` sees paths relative to the root of the source, `exclude` relative to the walk.
pub struct Filter<'a> {
    pub ignore: &'a Rules,
    pub exclude: &'a Rules,
}

/// Where a walk begins.
pub struct Start<'a> {
    pub directory: &'a Arc<OwnedFd>,
    /// Relative to the root of the source.
    pub source_path: &'a [u8],
    /// Which rules of `ignore` matched that path.
    pub ignore: Matched,
}

/// Walks what is in a directory, not the directory itself.
pub fn walk(
    start: Start<'_>,
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
    let level = Level {
        directory: start.directory,
        source_path: start.source_path.to_vec(),
        path: Vec::new(),
        ignore: start.ignore,
        exclude: Matched::default(),
        depth: 0,
    };
    walker.children(&level)
}

/// A directory on the way.
struct Level<'a> {
    directory: &'a Arc<OwnedFd>,
    source_path: Vec<u8>,
    path: Vec<u8>,
    ignore: Matched,
    exclude: Matched,
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

/// What the rules say of one name.
struct Verdict {
    is_kept: bool,
    is_pruned: bool,
    source_path: Vec<u8>,
    path: Vec<u8>,
    ignore: Matched,
    exclude: Matched,
}

impl Walker<'_> {
    fn children(&mut self, level: &Level<'_>) -> Result<()> {
        if level.depth > MAX_DEPTH {
            return Err(Error::new("TOO_DEEP", "walk", "more than 2048 directories deep")
                .with_subject(display(&level.path[..level.path.len().min(200)])));
        }
        for name in sorted_names(level.directory)? {
            self.cancel.check()?;
            let Some(meta) = look_up(level.directory, &name)? else {
                continue;
            };
            let verdict = self.judge(level, &name);
            if meta.is_directory() {
                self.directory(level, &name, &meta, verdict)?;
            } else if verdict.is_kept {
                self.enter_pending()?;
                self.visitor.visit(&Entry {
                    parent: level.directory,
                    name: &name,
                    path: &verdict.path,
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
            source_path: verdict.source_path,
            path: verdict.path,
            ignore: verdict.ignore,
            exclude: verdict.exclude,
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
            path: &below.path,
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
            path: below.path.clone(),
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

    fn judge(&self, level: &Level<'_>, name: &[u8]) -> Verdict {
        let path = join(&level.path, name);
        let Filter { ignore, exclude } = &self.filter;
        let source_path = if ignore.is_empty() {
            Vec::new()
        } else {
            join(&level.source_path, name)
        };
        let (is_ignored, ignore_state) = ignore.check(&source_path, &level.ignore);
        let (is_excluded, exclude_state) = exclude.check(&path, &level.exclude);
        Verdict {
            is_kept: !is_ignored && !is_excluded,
            is_pruned: (is_ignored && !ignore.may_reinclude_below(&source_path, &ignore_state))
                || (is_excluded && !exclude.may_reinclude_below(&path, &exclude_state)),
            source_path,
            path,
            ignore: ignore_state,
            exclude: exclude_state,
        }
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
