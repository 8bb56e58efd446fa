//! An overlay upper as a list of changes: depth first, names sorted as bytes, a directory before what it holds.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::vec::IntoIter;

use rustix::fs::{FileType, Stat};

use super::listing::{Entry, Kind, Listing, Span};
use super::lower::{LowerDir, Lowers, Seen, is_same};
use super::names::{Name, list};
use super::overlay::{self, Marks, OPAQUE_MARKER, WHITEOUT_PREFIX};
use super::sys::{MAX_PATH, failed, join, lossy, lstat, open_dir_beneath};
use super::xattr::{self, Xattrs};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

pub struct WalkOptions<'a> {
    pub source_date_epoch: i64,
    /// Keep `user.*` attributes too.
    pub user_xattrs: bool,
    pub cancel: &'a CancelFlag,
}

/// Lists what `upper` changes about `lowers`.
pub fn walk(upper: &OwnedFd, lowers: &Lowers, options: &WalkOptions<'_>) -> Result<Listing> {
    let mut walker = Walker {
        upper,
        lowers,
        options,
        listing: Listing::default(),
        links: HashMap::new(),
    };
    walker.run()?;
    Ok(walker.listing)
}

struct Walker<'a> {
    upper: &'a OwnedFd,
    lowers: &'a Lowers,
    options: &'a WalkOptions<'a>,
    listing: Listing,
    /// (dev, ino) to the entry that has the content.
    links: HashMap<(u64, u64), usize>,
}

/// A directory under way. Only the innermost is open: descriptors are few, directories can be deep.
struct Frame {
    path: Vec<u8>,
    span: Span,
    names: IntoIter<Name>,
    /// The lower layers merged into this directory.
    layers: Vec<usize>,
    open: Option<(OwnedFd, LowerDir)>,
    /// This directory's entry, when it is only here for what it may hold.
    unchanged: Option<usize>,
}

/// One name of the upper, looked at.
struct Child {
    stat: Stat,
    kind: FileType,
    xattrs: Xattrs,
    marks: Marks,
    changed: bool,
}

impl Walker<'_> {
    fn run(&mut self) -> Result<()> {
        let root = rustix::io::fcntl_dupfd_cloexec(self.upper, 0).map_err(failed("open upper", b"/"))?;
        let marks = overlay::take_marks(&mut self.xattrs(root.as_fd(), b".", b"")?);
        let mut stack = vec![self.enter(Vec::new(), root, &marks, self.lowers.all(), None)?];
        while let Some(frame) = stack.last_mut() {
            let Some(name) = frame.names.next() else {
                let unchanged = frame.unchanged;
                stack.pop();
                self.leave(unchanged);
                continue;
            };
            self.options.cancel.check()?;
            if name.is_whiteout {
                self.push_whiteout(frame.span, &name.text)?;
            } else if let Some(below) = self.visit(frame, &name.text)? {
                frame.open = None;
                stack.push(below);
            }
        }
        Ok(())
    }

    /// An unchanged directory in which nothing changed is no change.
    fn leave(&mut self, unchanged: Option<usize>) {
        if unchanged.is_some_and(|index| index + 1 == self.listing.entries.len()) {
            self.listing.entries.pop();
        }
    }

    fn enter(
        &mut self,
        path: Vec<u8>,
        fd: OwnedFd,
        marks: &Marks,
        layers: Vec<usize>,
        unchanged: Option<usize>,
    ) -> Result<Frame> {
        let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
        let span = self.listing.add_text(&[&path, slash])?;
        let names = list(fd.as_fd(), &path, marks.may_hold_marked_whiteouts())?;
        // overlayfs marks every directory that is moved to where the lowers have its parent: over nothing, that says nothing. What
        // the layer will lie on is not known when it has no lowers.
        let hides = marks.opaque && (self.lowers.is_empty() || !layers.is_empty());
        let layers = if marks.opaque { Vec::new() } else { layers };
        let lower = self.lowers.open_dir(&layers, &path)?;
        if hides {
            self.push_whiteout(span, OPAQUE_MARKER)?;
        }
        Ok(Frame {
            path,
            span,
            names: names.into_iter(),
            layers,
            open: Some((fd, lower)),
            unchanged,
        })
    }

    /// Adds the entry `name`, unless it equals the lower's. Gives the frame of a directory to go into.
    fn visit(&mut self, frame: &mut Frame, name: &[u8]) -> Result<Option<Frame>> {
        let path = join(&frame.path, name);
        check_name(name, &path)?;
        let (dir, lower) = match &mut frame.open {
            Some((dir, lower)) => (&*dir, &*lower),
            closed => {
                let dir = open_dir_beneath(self.upper.as_fd(), &frame.path)
                    .map_err(failed("read upper", &frame.path))?;
                let lower = self.lowers.open_dir(&frame.layers, &frame.path)?;
                let (dir, lower) = closed.insert((dir, lower));
                (&*dir, &*lower)
            }
        };
        let child = self.look_at(dir.as_fd(), lower, name, &path)?;
        if child.kind == FileType::Socket || !child.changed && child.kind != FileType::Directory {
            return Ok(None);
        }
        self.push(frame.span, dir.as_fd(), name, &path, &child)?;
        if child.kind != FileType::Directory {
            return Ok(None);
        }
        let index = self.listing.entries.len() - 1;
        let layers = lower.layers_of(name).map_err(failed("read lower", &path))?;
        let fd = open_dir_beneath(self.upper.as_fd(), &path).map_err(failed("read upper", &path))?;
        let unchanged = (!child.changed).then_some(index);
        self.enter(path, fd, &child.marks, layers, unchanged).map(Some)
    }

    fn look_at(&self, dir: BorrowedFd<'_>, lower: &LowerDir, name: &[u8], path: &[u8]) -> Result<Child> {
        let stat = lstat(dir, name).map_err(failed("read upper", path))?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let mut xattrs = self.xattrs_of(dir, name, kind, path)?;
        let marks = overlay::take_marks(&mut xattrs);
        if marks.foreign {
            return Err(foreign(path));
        }
        let mut child = Child {
            stat,
            kind,
            xattrs,
            marks,
            changed: true,
        };
        child.changed = !self
            .equals_lower(dir, lower, name, &child)
            .map_err(failed("compare", path))?;
        Ok(child)
    }

    /// Several names of one file stay together, whether or not one of them was below already.
    fn equals_lower(
        &self,
        dir: BorrowedFd<'_>,
        lower: &LowerDir,
        name: &[u8],
        child: &Child,
    ) -> rustix::io::Result<bool> {
        let is_linked = child.kind != FileType::Directory && child.stat.st_nlink > 1;
        if is_linked || child.marks.opaque {
            return Ok(false);
        }
        let Some((lower_dir, lower_stat)) = lower.find(name)? else {
            return Ok(false);
        };
        let mut lower_xattrs = Xattrs::new();
        if has_xattrs(FileType::from_raw_mode(lower_stat.st_mode)) {
            lower_xattrs = xattr::read(lower_dir, name, |attribute| self.is_kept(attribute))?;
        }
        let upper = Seen {
            dir,
            name,
            stat: &child.stat,
            xattrs: &child.xattrs,
        };
        let lower = Seen {
            dir: lower_dir,
            name,
            stat: &lower_stat,
            xattrs: &lower_xattrs,
        };
        is_same(&upper, &lower, |stat| self.mtime(stat))
    }

    fn xattrs_of(&self, dir: BorrowedFd<'_>, name: &[u8], kind: FileType, path: &[u8]) -> Result<Xattrs> {
        if has_xattrs(kind) {
            self.xattrs(dir, name, path)
        } else {
            Ok(Xattrs::new())
        }
    }

    fn xattrs(&self, dir: BorrowedFd<'_>, name: &[u8], path: &[u8]) -> Result<Xattrs> {
        let wanted = |attribute: &[u8]| overlay::is_overlay(attribute) || self.is_kept(attribute);
        xattr::read(dir, name, wanted).map_err(failed("read xattr", path))
    }

    /// ACLs, SELinux labels and trusted.* belong to the host. A pax key cannot hold `=`.
    fn is_kept(&self, attribute: &[u8]) -> bool {
        let is_user = || attribute.starts_with(b"user.") && !attribute.contains(&b'=');
        attribute == b"security.capability"
            || self.options.user_xattrs && is_user() && !overlay::is_overlay(attribute)
    }

    fn mtime(&self, stat: &Stat) -> i64 {
        stat.st_mtime.min(self.options.source_date_epoch)
    }

    fn push(
        &mut self,
        span: Span,
        dir: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        child: &Child,
    ) -> Result<()> {
        let stat = &child.stat;
        let mut entry = Entry {
            kind: kind_of(child.kind, path)?,
            dir: span,
            name: self.listing.add_text(&[name])?,
            link: Span::default(),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            rdev: 0,
            mtime: self.mtime(stat),
            size: 0,
            ino: stat.st_ino,
            ctime: (stat.st_ctime, stat.st_ctime_nsec as u32),
            xattrs: (!child.xattrs.is_empty()).then(|| Box::new(child.xattrs.clone())),
        };
        match entry.kind {
            Kind::File => entry.size = stat.st_size as u64,
            Kind::CharDevice | Kind::BlockDevice => entry.rdev = stat.st_rdev,
            Kind::Symlink => {
                let target =
                    rustix::fs::readlinkat(dir, name, Vec::new()).map_err(failed("read link", path))?;
                entry.link = self.listing.add_text(&[target.as_bytes()])?;
            }
            _ => {}
        }
        if entry.kind != Kind::Directory && stat.st_nlink > 1 {
            self.link(&mut entry, (stat.st_dev, stat.st_ino))?;
        }
        self.listing.entries.push(entry);
        Ok(())
    }

    /// The first name in output order has the content, the later ones point to it.
    fn link(&mut self, entry: &mut Entry, id: (u64, u64)) -> Result<()> {
        let Some(first) = self.links.get(&id) else {
            self.links.insert(id, self.listing.entries.len());
            return Ok(());
        };
        let path = self.listing.path(&self.listing.entries[*first]);
        entry.link = self.listing.add_text(&[&path])?;
        entry.kind = Kind::HardLink;
        (entry.size, entry.rdev, entry.xattrs) = (0, 0, None);
        Ok(())
    }

    fn push_whiteout(&mut self, dir: Span, name: &[u8]) -> Result<()> {
        let name = self.listing.add_text(&[name])?;
        self.listing.entries.push(Entry {
            kind: Kind::Whiteout,
            dir,
            name,
            link: Span::default(),
            mode: 0,
            uid: 0,
            gid: 0,
            rdev: 0,
            mtime: 0,
            size: 0,
            ino: 0,
            ctime: (0, 0),
            xattrs: None,
        });
        Ok(())
    }
}

/// Symbolic links cannot have the attributes that a layer keeps, nor can devices (xattr(7)).
fn has_xattrs(kind: FileType) -> bool {
    matches!(kind, FileType::RegularFile | FileType::Directory)
}

fn kind_of(kind: FileType, path: &[u8]) -> Result<Kind> {
    match kind {
        FileType::Directory => Ok(Kind::Directory),
        FileType::RegularFile => Ok(Kind::File),
        FileType::Symlink => Ok(Kind::Symlink),
        FileType::CharacterDevice => Ok(Kind::CharDevice),
        FileType::BlockDevice => Ok(Kind::BlockDevice),
        FileType::Fifo => Ok(Kind::Fifo),
        _ => Err(unsupported(path, "a file of a type that tar does not have")),
    }
}

/// image-spec layer.md: no file of an image can have a name that begins with `.wh.`.
fn check_name(name: &[u8], path: &[u8]) -> Result<()> {
    if name.starts_with(WHITEOUT_PREFIX) {
        return Err(unsupported(
            path,
            "a name that begins with .wh. would remove a file when the layer is unpacked",
        ));
    }
    if path.len() > MAX_PATH {
        return Err(unsupported(
            path,
            "the path is longer than the 4095 bytes that can be unpacked",
        ));
    }
    Ok(())
}

fn foreign(path: &[u8]) -> Error {
    unsupported(
        path,
        "the upper was mounted with redirect_dir or metacopy, so its content lies elsewhere",
    )
}

fn unsupported(path: &[u8], message: &str) -> Error {
    Error::new("LAYER_UNSUPPORTED", "pack layer", message).with_subject(lossy(path))
}
