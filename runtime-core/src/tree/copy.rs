//! Copying entries into a directory: data, links, devices, owners, modes, attributes and times.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, chownat, fchmod, fchown, futimens, linkat, mkdirat,
    mknodat, openat, openat2, symlinkat, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::chmod::chmod_by_name;
use super::content::Content;
use super::meta::{Kind, Meta};
use super::path::{display, join};
use super::policy::{Collision, ContentRule, Policy};
use super::resolve::{Dirs, look_up, open_directory, read_link};
use super::select::{Place, Selected, Selector, open_file};
use super::walk::{Entry, Visitor};
use super::xattr::{self, Scope};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// One COPY: hard links within each thing that it brings are kept.
pub struct Copier<'a> {
    policy: Policy,
    root: Arc<OwnedFd>,
    open: Vec<Target>,
    /// Where the first name of a file went: directory relative to `root`, and name.
    links: HashMap<(u64, u64), (Vec<u8>, Vec<u8>)>,
    content: Content<'a>,
}

/// A directory at the destination.
#[derive(Clone)]
struct Target {
    directory: Arc<OwnedFd>,
    /// Relative to the destination's root.
    path: Vec<u8>,
}

impl<'a> Copier<'a> {
    pub fn new(root: &Arc<OwnedFd>, policy: Policy, cancel: &'a CancelFlag) -> Self {
        Self {
            policy,
            root: root.clone(),
            open: Vec::new(),
            links: HashMap::new(),
            content: Content::new(cancel),
        }
    }

    /// Puts a selected file into `dirs` under `name`, or the contents of a selected directory into `dirs`.
    pub fn copy(
        &mut self,
        selector: &Selector<'_>,
        selected: &Selected,
        dirs: &Dirs,
        name: &[u8],
    ) -> Result<()> {
        // As in BuildKit, which copies the matches of a pattern one by one.
        self.links.clear();
        self.open = vec![Target {
            directory: dirs.last().clone(),
            path: dirs.path(),
        }];
        match &selected.place {
            Place::Directory { .. } => selector.walk(selected, self),
            Place::Nothing => Ok(()),
            Place::Other {
                parent,
                name: source,
                meta,
            } => {
                let entry = Entry {
                    parent,
                    name: source,
                    path: source,
                    meta,
                };
                self.copy_entry(&entry, name)
            }
        }
    }

    fn target(&self) -> &Target {
        self.open.last().expect("a copy is going on")
    }

    fn shown(&self, name: &[u8]) -> String {
        format!("/{}", display(&join(&self.target().path, name)))
    }

    fn failed(&self, step: &str, name: &[u8], error: Errno) -> Error {
        Error::io(step, self.shown(name), &error.into())
    }

    fn copy_entry(&mut self, entry: &Entry<'_>, name: &[u8]) -> Result<()> {
        match entry.meta.kind {
            Kind::File => self.copy_file(entry, name),
            Kind::Symlink => self.copy_symlink(entry, name),
            _ => self.copy_node(entry, name),
        }
    }

    fn copy_file(&mut self, entry: &Entry<'_>, name: &[u8]) -> Result<()> {
        if entry.meta.is_hardlinked() {
            if let Some((path, first)) = self.links.get(&entry.meta.identity) {
                return self.link(&path.clone(), &first.clone(), name);
            }
            let place = (self.target().path.clone(), name.to_vec());
            self.links.insert(entry.meta.identity, place);
        }
        if self.policy.content == ContentRule::Shared && self.share(entry, name)? {
            return Ok(());
        }
        let (from, meta) = open_file(entry.parent, entry.name)?;
        let to = self.replacing(name, |directory| {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            openat(directory, name, flags, Mode::from_raw_mode(0o600))
        })?;
        self.content
            .copy(&from, &to, name, meta.size)
            .map_err(|mut error| {
                error.subject = Some(self.shown(name));
                error
            })?;
        self.finish(&from, &to, &meta, name)
    }

    /// link(2). False where it cannot be: on another filesystem, or when the file has too many names.
    fn share(&self, entry: &Entry<'_>, name: &[u8]) -> Result<bool> {
        let directory = &self.target().directory;
        match linkat(entry.parent, entry.name, directory, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::XDEV | Errno::MLINK | Errno::PERM | Errno::OPNOTSUPP) => Ok(false),
            Err(error) => Err(self.failed("link", name, error)),
        }
    }

    fn link(&self, path: &[u8], first: &[u8], name: &[u8]) -> Result<()> {
        let from = self.reopen(path)?;
        self.replacing(name, |directory| {
            linkat(&from, first, directory, name, AtFlags::empty())
        })
    }

    /// A directory that this copy has been in.
    fn reopen(&self, path: &[u8]) -> Result<Arc<OwnedFd>> {
        if let Some(open) = self.open.iter().rev().find(|open| open.path == path) {
            return Ok(open.directory.clone());
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let path = if path.is_empty() { b"." } else { path };
        openat2(&self.root, path, flags, Mode::empty(), resolve)
            .map(Arc::new)
            .map_err(|error| Error::io("find first link", display(path), &error.into()))
    }

    fn copy_symlink(&self, entry: &Entry<'_>, name: &[u8]) -> Result<()> {
        let link = read_link(entry.parent, entry.name)?;
        self.replacing(name, |directory| symlinkat(&link[..], directory, name))?;
        self.finish_by_name(entry.meta, name)
    }

    /// mknod(2): devices and FIFOs. A socket without its program is nothing, and no archive holds one: an empty file stands
    /// for it, as in BuildKit.
    fn copy_node(&self, entry: &Entry<'_>, name: &[u8]) -> Result<()> {
        let kind = match entry.meta.kind {
            Kind::CharDevice => FileType::CharacterDevice,
            Kind::BlockDevice => FileType::BlockDevice,
            Kind::Fifo => FileType::Fifo,
            _ => FileType::RegularFile,
        };
        let mode = Mode::from_raw_mode(self.policy.mode_of(entry.meta));
        self.replacing(name, |directory| {
            mknodat(directory, name, kind, mode, entry.meta.rdev)
        })?;
        chmod_by_name(&self.target().directory, name, mode)
            .map_err(|error| self.failed("chmod", name, error))?;
        self.finish_by_name(entry.meta, name)
    }

    /// Creates `name`, in place of what is there unless that is a directory.
    fn replacing<T>(&self, name: &[u8], create: impl Fn(&OwnedFd) -> rustix::io::Result<T>) -> Result<T> {
        let directory = &self.target().directory;
        let created = match create(directory) {
            Err(Errno::EXIST) => {
                if look_up(directory, name)?.is_some_and(|meta| meta.is_directory()) {
                    return Err(self.conflict(name, "cannot replace to directory", " with file"));
                }
                unlinkat(directory, name, AtFlags::empty())
                    .map_err(|error| self.failed("replace", name, error))?;
                create(directory)
            }
            other => other,
        };
        created.map_err(|error| self.failed("create", name, error))
    }

    /// In BuildKit's words.
    fn conflict(&self, name: &[u8], before: &str, after: &str) -> Error {
        let path = self.shown(name);
        Error::new("CONFLICT", "copy", format!("{before} {path}{after}")).with_subject(path)
    }

    /// A directory of the destination to go on in: the one that is there, or a new one.
    fn make_directory(&self, name: &[u8]) -> Result<()> {
        let directory = &self.target().directory;
        match look_up(directory, name)? {
            Some(meta) if meta.is_directory() => return Ok(()),
            Some(_) if self.policy.collision == Collision::Refused => {
                return Err(self.conflict(name, "cannot copy to non-directory:", ""));
            }
            Some(_) => {
                unlinkat(directory, name, AtFlags::empty())
                    .map_err(|error| self.failed("replace", name, error))?;
            }
            None => {}
        }
        mkdirat(directory, name, Mode::from_raw_mode(0o700))
            .map_err(|error| self.failed("create", name, error))
    }

    /// chown(2) takes setuid bits and capabilities away: owner, mode, attributes, in this order; times last.
    fn finish(&self, from: &OwnedFd, to: &OwnedFd, meta: &Meta, name: &[u8]) -> Result<()> {
        if let Some((uid, gid)) = self.policy.owner_of(meta) {
            fchown(to, Some(uid), Some(gid)).map_err(|error| self.failed("chown", name, error))?;
        }
        let mode = Mode::from_raw_mode(self.policy.mode_of(meta));
        fchmod(to, mode).map_err(|error| self.failed("chmod", name, error))?;
        if let Some(scope) = self.policy.xattrs {
            let is_bare = meta.is_directory() && scope == Scope::Capability;
            if !is_bare {
                xattr::write(to, &xattr::read(from, scope)?)?;
            }
        }
        futimens(to, &self.policy.times.of(meta)).map_err(|error| self.failed("set times", name, error))
    }

    fn finish_by_name(&self, meta: &Meta, name: &[u8]) -> Result<()> {
        let directory = &self.target().directory;
        if let Some((uid, gid)) = self.policy.owner_of(meta) {
            chownat(directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
                .map_err(|error| self.failed("chown", name, error))?;
        }
        utimensat(
            directory,
            name,
            &self.policy.times.of(meta),
            AtFlags::SYMLINK_NOFOLLOW,
        )
        .map_err(|error| self.failed("set times", name, error))
    }
}

impl Visitor for Copier<'_> {
    fn enter(&mut self, entry: &Entry<'_>, _: &Arc<OwnedFd>) -> Result<()> {
        self.make_directory(entry.name)?;
        let target = self.target();
        let below = Target {
            directory: Arc::new(open_directory(&target.directory, entry.name)?),
            path: join(&target.path, entry.name),
        };
        self.open.push(below);
        Ok(())
    }

    fn leave(&mut self, entry: &Entry<'_>, directory: &Arc<OwnedFd>) -> Result<()> {
        let below = self.open.pop().expect("entered before");
        self.finish(directory, &below.directory, entry.meta, entry.name)
    }

    fn visit(&mut self, entry: &Entry<'_>) -> Result<()> {
        self.copy_entry(entry, entry.name)
    }
}
