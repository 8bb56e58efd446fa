//! The layers below an upper, looked through the way overlayfs does: top down, until a whiteout or an opaque directory.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::names::list;
use super::overlay::{WHITEOUT_PREFIX, is_hidden, is_overlay, take_marks};
use super::sys::{failed, lstat_if_there, open_dir_beneath, open_file, open_root};
use super::xattr::{self, Xattrs};
use crate::error::Result;

pub struct Lowers {
    /// Topmost first.
    roots: Vec<OwnedFd>,
}

/// One directory of the merged lowers: the layers that contribute to it, topmost first.
pub struct LowerDir {
    layers: Vec<(usize, OwnedFd)>,
}

impl Lowers {
    /// `paths` lowest first, as everywhere.
    pub fn open(paths: &[String]) -> Result<Self> {
        let roots = paths
            .iter()
            .rev()
            .map(|path| open_root(path, "open lower"))
            .collect::<Result<_>>()?;
        Ok(Self { roots })
    }

    /// Every layer: overlayfs merges the roots whatever they are marked with.
    pub fn all(&self) -> Vec<usize> {
        (0..self.roots.len()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    pub fn open_dir(&self, layers: &[usize], path: &[u8]) -> Result<LowerDir> {
        let open = |layer: &usize| {
            let fd =
                open_dir_beneath(self.roots[*layer].as_fd(), path).map_err(failed("open lower", path))?;
            Ok((*layer, fd))
        };
        Ok(LowerDir {
            layers: layers.iter().map(open).collect::<Result<_>>()?,
        })
    }
}

impl LowerDir {
    /// What the merged lowers show under `name`.
    pub fn find(&self, name: &[u8]) -> rustix::io::Result<Option<(BorrowedFd<'_>, Stat)>> {
        for (_, dir) in &self.layers {
            if let Some(stat) = lstat_if_there(dir, name)? {
                let hidden = is_hidden(dir.as_fd(), name, &stat)?;
                return Ok((!hidden).then_some((dir.as_fd(), stat)));
            }
        }
        Ok(None)
    }

    /// Every name that the merged directory shows, with the directory of the layer that has it. `path` is for messages.
    pub fn entries(&self, path: &[u8]) -> Result<Vec<(Vec<u8>, &OwnedFd)>> {
        let (mut seen, mut shown) = (HashSet::new(), Vec::new());
        for (_, dir) in &self.layers {
            let marks = take_marks(
                &mut xattr::read(dir.as_fd(), b".", is_overlay).map_err(failed("read lower", path))?,
            );
            for name in list(dir.as_fd(), path, marks.may_hold_marked_whiteouts())? {
                let text = match name.text.strip_prefix(WHITEOUT_PREFIX) {
                    Some(hidden) if name.is_whiteout => hidden.to_vec(),
                    _ => name.text,
                };
                if seen.insert(text.clone()) && !name.is_whiteout {
                    shown.push((text, dir));
                }
            }
        }
        Ok(shown)
    }

    /// The uppermost layer's own directory, which says how the merged one looks.
    pub fn topmost(&self) -> Option<&OwnedFd> {
        self.layers.first().map(|(_, dir)| dir)
    }

    /// The layers that make up the merged subdirectory `name`; none when it is no directory there.
    pub fn layers_of(&self, name: &[u8]) -> rustix::io::Result<Vec<usize>> {
        let mut layers = Vec::new();
        for (layer, dir) in &self.layers {
            let Some(stat) = lstat_if_there(dir, name)? else {
                continue;
            };
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                break;
            }
            layers.push(*layer);
            if take_marks(&mut xattr::read(dir.as_fd(), name, is_overlay)?).opaque {
                break;
            }
        }
        Ok(layers)
    }
}

/// What decides whether an upper's entry differs from the lower's.
pub struct Seen<'a> {
    pub dir: BorrowedFd<'a>,
    pub name: &'a [u8],
    pub stat: &'a Stat,
    pub xattrs: &'a Xattrs,
}

/// Would both give the same entry? mtimes count as the archive writes them, so a lower that still has the clock's
/// times is equal to the same layer once unpacked; contents are read, since equal times prove nothing then.
pub fn is_same(
    upper: &Seen<'_>,
    lower: &Seen<'_>,
    written_mtime: impl Fn(&Stat) -> i64,
) -> rustix::io::Result<bool> {
    let (a, b) = (upper.stat, lower.stat);
    if (a.st_mode, a.st_uid, a.st_gid) != (b.st_mode, b.st_uid, b.st_gid) || upper.xattrs != lower.xattrs {
        return Ok(false);
    }
    let kind = FileType::from_raw_mode(a.st_mode);
    if kind == FileType::Directory {
        return Ok(true);
    }
    if written_mtime(a) != written_mtime(b) {
        return Ok(false);
    }
    match kind {
        FileType::RegularFile => Ok(a.st_size == b.st_size && same_content(upper, lower)?),
        FileType::Symlink => Ok(target(upper)? == target(lower)?),
        _ => Ok(a.st_rdev == b.st_rdev),
    }
}

fn target(seen: &Seen<'_>) -> rustix::io::Result<Vec<u8>> {
    Ok(rustix::fs::readlinkat(seen.dir, seen.name, Vec::new())?.into_bytes())
}

fn same_content(upper: &Seen<'_>, lower: &Seen<'_>) -> rustix::io::Result<bool> {
    let (a, b) = (
        open_file(upper.dir, upper.name)?,
        open_file(lower.dir, lower.name)?,
    );
    let (mut left, mut right) = (vec![0u8; 128 << 10], vec![0u8; 128 << 10]);
    let mut at = 0;
    loop {
        let len = read_full(&a, &mut left, at)?;
        if len != read_full(&b, &mut right, at)? || left[..len] != right[..len] {
            return Ok(false);
        }
        if len < left.len() {
            return Ok(true);
        }
        at += len as u64;
    }
}

fn read_full(file: &OwnedFd, buffer: &mut [u8], at: u64) -> rustix::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match rustix::io::pread(file, &mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(filled)
}

/// Where the merged lowers have `path`, if they do: its stat and what attributes are kept.
pub fn look_up(lowers: &Lowers, path: &[u8]) -> Result<Option<Stat>> {
    let mut layers = lowers.all();
    let mut parent: &[u8] = b"";
    let mut rest = path;
    loop {
        let dir = lowers.open_dir(&layers, parent)?;
        let (name, below) = match rest.iter().position(|byte| *byte == b'/') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, &b""[..]),
        };
        if below.is_empty() {
            return Ok(dir
                .find(name)
                .map_err(failed("look up lower", path))?
                .map(|(_, stat)| stat));
        }
        layers = dir.layers_of(name).map_err(failed("look up lower", path))?;
        if layers.is_empty() {
            return Ok(None);
        }
        parent = &path[..path.len() - below.len() - 1];
        rest = below;
    }
}
