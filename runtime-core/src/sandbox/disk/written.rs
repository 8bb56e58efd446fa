//! What a step has written, by looking: its upper, those of its writable mounts, and the growth of its caches.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, fstat};

use super::super::request::SandboxMount;
use crate::tree::size::{self, Measured};

pub struct Written {
    /// The first is the step's upper.
    trees: Vec<Tree>,
}

struct Tree {
    root: OwnedFd,
    /// What was there before the step.
    before: u64,
}

impl Written {
    pub fn open(upper: &OwnedFd, mounts: &[SandboxMount]) -> rustix::io::Result<Self> {
        let mut trees = vec![Tree::open(
            upper.try_clone().map_err(|_| rustix::io::Errno::MFILE)?,
        )?];
        for path in mounts.iter().filter_map(written_through) {
            if let Some(root) = open_directory_of(upper, path)? {
                trees.push(Tree::open(root)?);
            }
        }
        Ok(Self { trees })
    }

    pub fn upper(&self) -> &OwnedFd {
        &self.trees[0].root
    }

    /// Bytes, counted no further than `enough`. A cache that became smaller gives nothing back.
    /// `None` when `go_on` said no.
    pub fn bytes(&self, enough: u64, go_on: impl Fn() -> bool) -> Option<u64> {
        let mut total = 0u64;
        for tree in &self.trees {
            let limit = enough.saturating_sub(total).saturating_add(tree.before);
            let measured = size::measure(tree.root.as_fd(), |size| size.on_disk <= limit && go_on()).ok()?;
            let grown = measured.size().on_disk.saturating_sub(tree.before);
            total = total.saturating_add(grown);
            match measured {
                Measured::Whole(_) => {}
                Measured::Partly(_) if !go_on() => return None,
                // Deeper than can be looked into is more than any quota.
                Measured::Partly(_) => return Some(total.max(enough.saturating_add(1))),
            }
        }
        Some(total)
    }
}

impl Tree {
    fn open(root: OwnedFd) -> rustix::io::Result<Self> {
        let before = size::measure(root.as_fd(), |_| true)?.size().on_disk;
        Ok(Self { root, before })
    }
}

/// Where writes to a mount end up, if they are kept on a disk.
fn written_through(mount: &SandboxMount) -> Option<&str> {
    if mount.readonly {
        return None;
    }
    let upper = mount.layers.as_ref().and_then(|layers| layers.upper.as_deref());
    mount.bind.as_deref().or(upper)
}

/// `None` for what is no directory, or not on the store's filesystem: a socket, something of the caller's own.
fn open_directory_of(upper: &OwnedFd, path: &str) -> rustix::io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let stat = fstat(rustix::fs::open(path, flags, Mode::empty())?)?;
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    if !is_directory || stat.st_dev != fstat(upper)?.st_dev {
        return Ok(None);
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map(Some)
}
