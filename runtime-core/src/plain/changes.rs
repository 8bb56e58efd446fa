//! What was changed in a tree, as an upper in overlayfs's form: the directory that a step with mounts would have written.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Gid, Mode, Uid, fchmod, fchown, fstat, mkdirat, statat};

use super::node;
use super::record::{Names, Record, Stamp, names};
use crate::archive::overlay;
use crate::archive::sys::{failed, join, open_dir_beneath};
use crate::error::Result;
use crate::task::CancelFlag;
use crate::tree::content::Content;

/// A tree after it was written in.
pub struct Changed {
    pub record: Record,
    /// Some file has several names: overlayfs would not keep them together when one is written to later.
    pub has_links: bool,
}

/// Copies what differs from `before` into `upper`, an empty directory, with a whiteout for what is gone.
pub fn collect(tree: &OwnedFd, before: &Record, upper: &OwnedFd, cancel: &CancelFlag) -> Result<Changed> {
    let mut collector = Collector {
        tree,
        before,
        upper,
        cancel,
        content: Content::new(cancel),
        first_names: HashMap::new(),
        made: vec![Vec::new()],
        after: Changed {
            record: Record::default(),
            has_links: false,
        },
    };
    collector.run()?;
    collector.finish()?;
    Ok(collector.after)
}

struct Collector<'a> {
    tree: &'a OwnedFd,
    before: &'a Record,
    upper: &'a OwnedFd,
    cancel: &'a CancelFlag,
    content: Content<'a>,
    /// Where in the upper the first of several names of one file is, by inode.
    first_names: HashMap<u64, Vec<u8>>,
    /// Directories of the upper, parents before children.
    made: Vec<Vec<u8>>,
    after: Changed,
}

/// A directory of the tree that is still to be looked at.
struct Waiting {
    path: Vec<u8>,
    /// It is another directory than the one that was there, or there was none: all in it is new.
    is_new: bool,
}

impl Collector<'_> {
    fn run(&mut self) -> Result<()> {
        let root = Waiting {
            path: Vec::new(),
            is_new: false,
        };
        let mut waiting = vec![root];
        while let Some(next) = waiting.pop() {
            waiting.extend(self.directory(&next)?);
        }
        Ok(())
    }

    fn directory(&mut self, at: &Waiting) -> Result<Vec<Waiting>> {
        let path = &at.path;
        let directory = open_dir_beneath(self.tree.as_fd(), path).map_err(failed("read tree", path))?;
        let now = names(&directory, path)?;
        let nothing = Names::new();
        let before = self
            .before
            .directory(path)
            .filter(|_| !at.is_new)
            .unwrap_or(&nothing);
        let mut below = Vec::new();
        for (name, stamp) in sorted(&now) {
            self.cancel.check()?;
            self.after.has_links |= stamp.links > 1;
            if !stamp.is_whiteout {
                below.extend(self.entry(&directory, path, (name, stamp), before.get(name))?);
            }
        }
        let is_gone = |name: &[u8]| now.get(name).is_none_or(|stamp| stamp.is_whiteout);
        for (name, _) in sorted(before).into_iter().filter(|(name, _)| is_gone(name)) {
            self.whiteout(path, name)?;
        }
        self.after.record.add(at.path.clone(), now);
        Ok(below)
    }

    fn entry(
        &mut self,
        directory: &OwnedFd,
        path: &[u8],
        (name, stamp): (&[u8], &Stamp),
        before: Option<&Stamp>,
    ) -> Result<Option<Waiting>> {
        let below = join(path, name);
        let same = before.filter(|before| before.is_same_file(stamp));
        let is_changed = same.is_none_or(|before| before.changed != stamp.changed);
        if stamp.kind != FileType::Directory {
            if is_changed {
                self.copy((directory, name), path, below)?;
            }
            return Ok(None);
        }
        if is_changed {
            self.make_directory(&below)?;
        }
        if same.is_none() && before.is_some() {
            let upper = self.open_upper(&below)?;
            overlay::make_opaque(upper.as_fd()).map_err(failed("mark opaque", &below))?;
        }
        Ok(Some(Waiting {
            path: below,
            is_new: same.is_none(),
        }))
    }

    fn copy(&mut self, (from, name): (&OwnedFd, &[u8]), parent: &[u8], path: Vec<u8>) -> Result<()> {
        self.make_directory(parent)?;
        let to = self.open_upper(parent)?;
        let stat = statat(from, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed("copy", &path))?;
        if stat.st_nlink > 1 {
            if let Some(first) = self.first_names.get(&stat.st_ino) {
                let (first_parent, first_name) = split(first);
                let first_parent = self.open_upper(first_parent)?;
                return rustix::fs::linkat(&first_parent, first_name, &to, name, AtFlags::empty())
                    .map_err(failed("link", &path));
            }
            self.first_names.insert(stat.st_ino, path.clone());
        }
        node::copy((from, name), (&to, name), &stat, &path, &mut self.content)
    }

    fn whiteout(&mut self, parent: &[u8], name: &[u8]) -> Result<()> {
        self.make_directory(parent)?;
        let upper = self.open_upper(parent)?;
        overlay::make_whiteout(upper.as_fd(), name).map_err(failed("create whiteout", &join(parent, name)))
    }

    /// With its parents, as overlayfs copies them up.
    fn make_directory(&mut self, path: &[u8]) -> Result<()> {
        if path.is_empty() || self.open_upper(path).is_ok() {
            return Ok(());
        }
        let (parent, name) = split(path);
        self.make_directory(parent)?;
        let parent = self.open_upper(parent)?;
        mkdirat(&parent, name, Mode::from_raw_mode(0o700)).map_err(failed("create directory", path))?;
        self.made.push(path.to_vec());
        Ok(())
    }

    fn open_upper(&self, path: &[u8]) -> Result<OwnedFd> {
        open_dir_beneath(self.upper.as_fd(), path).map_err(failed("open upper", path))
    }

    /// Directories get their looks at the end, the deepest first. The root's own time is not a layer's to say.
    fn finish(&self) -> Result<()> {
        for path in self.made.iter().rev() {
            let from = open_dir_beneath(self.tree.as_fd(), path).map_err(failed("read tree", path))?;
            let stat = fstat(&from).map_err(failed("read tree", path))?;
            let to = self.open_upper(path)?;
            if path.is_empty() {
                fchown(
                    &to,
                    Some(Uid::from_raw(stat.st_uid)),
                    Some(Gid::from_raw(stat.st_gid)),
                )
                .and_then(|()| fchmod(&to, Mode::from_raw_mode(stat.st_mode & 0o7777)))
                .map_err(failed("set mode", b"/"))?;
            } else {
                node::dress(&from, &to, &stat, path)?;
            }
        }
        Ok(())
    }
}

fn sorted(names: &Names) -> Vec<(&[u8], &Stamp)> {
    let mut all: Vec<_> = names.iter().map(|(name, stamp)| (&name[..], stamp)).collect();
    all.sort_unstable_by_key(|(name, _)| *name);
    all
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}
