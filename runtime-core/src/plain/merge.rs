//! What overlayfs would show of some layers, as files of their own.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, Stat, fstat, linkat, mkdirat};

use super::node;
use crate::archive::lower::Lowers;
use crate::archive::sys::{failed, join, lstat, open_dir_beneath};
use crate::error::Result;
use crate::task::CancelFlag;
use crate::tree::content::Content;

/// What becomes of several names of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// They stay names of one file: what reads the tree sees the links.
    Kept,
    /// Each is a file of its own. overlayfs copies up the one name that is written to, and the others keep the old content.
    Broken,
}

/// Makes the merged `lowers` in `target`, an empty directory. Devices are left out: nobody mounts this tree nodev, and a step
/// must not open what an image calls a disk. Returns whether there were several names of one file.
pub fn merge(lowers: &Lowers, target: &OwnedFd, links: Links, cancel: &CancelFlag) -> Result<bool> {
    let mut merge = Merge {
        lowers,
        target,
        links,
        cancel,
        content: Content::new(cancel),
        first_names: HashMap::new(),
        directories: Vec::new(),
        had_links: false,
    };
    merge.run()?;
    merge.finish()?;
    Ok(merge.had_links)
}

struct Merge<'a> {
    lowers: &'a Lowers,
    target: &'a OwnedFd,
    links: Links,
    cancel: &'a CancelFlag,
    content: Content<'a>,
    /// (dev, ino) to the path of the first name.
    first_names: HashMap<(u64, u64), Vec<u8>>,
    /// Every directory with the layers that it is merged of, topmost first; parents before children.
    directories: Vec<(Vec<u8>, Vec<usize>)>,
    had_links: bool,
}

impl Merge<'_> {
    /// By path rather than by recursion: descriptors are few, directories can be deep.
    fn run(&mut self) -> Result<()> {
        let mut next = 0;
        self.directories.push((Vec::new(), self.lowers.all()));
        while let Some((path, layers)) = self.directories.get(next).cloned() {
            self.fill(&path, &layers)?;
            next += 1;
        }
        Ok(())
    }

    fn fill(&mut self, path: &[u8], layers: &[usize]) -> Result<()> {
        let from = self.lowers.open_dir(layers, path)?;
        let to = open_dir_beneath(self.target.as_fd(), path).map_err(failed("merge", path))?;
        for (name, directory) in from.entries(path)? {
            self.cancel.check()?;
            let below = join(path, &name);
            let stat = lstat(directory, &name).map_err(failed("merge", &below))?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => {
                    mkdirat(&to, &name[..], Mode::from_raw_mode(0o700)).map_err(failed("merge", &below))?;
                    let layers = from.layers_of(&name).map_err(failed("merge", &below))?;
                    self.directories.push((below, layers));
                }
                FileType::CharacterDevice | FileType::BlockDevice => {}
                _ => self.copy((directory, &name), (&to, &name), &stat, below)?,
            }
        }
        Ok(())
    }

    fn copy(
        &mut self,
        from: (&OwnedFd, &[u8]),
        to: (&OwnedFd, &[u8]),
        stat: &Stat,
        path: Vec<u8>,
    ) -> Result<()> {
        if stat.st_nlink > 1 {
            self.had_links |= self.first_names.contains_key(&(stat.st_dev, stat.st_ino));
            if self.links == Links::Kept && self.link(to, stat, &path)? {
                return Ok(());
            }
            self.first_names.insert((stat.st_dev, stat.st_ino), path.clone());
        }
        node::copy(from, to, stat, &path, &mut self.content)
    }

    /// False for the first name.
    fn link(&self, (directory, name): (&OwnedFd, &[u8]), stat: &Stat, path: &[u8]) -> Result<bool> {
        let Some(first) = self.first_names.get(&(stat.st_dev, stat.st_ino)) else {
            return Ok(false);
        };
        let at = first.iter().rposition(|byte| *byte == b'/');
        let (parent, first) = at.map_or((&b""[..], &first[..]), |at| (&first[..at], &first[at + 1..]));
        let parent = open_dir_beneath(self.target.as_fd(), parent).map_err(failed("link", path))?;
        linkat(&parent, first, directory, name, AtFlags::empty()).map_err(failed("link", path))?;
        Ok(true)
    }

    /// Directories get their looks at the end, the deepest first: times change while they are filled.
    fn finish(&self) -> Result<()> {
        for (path, layers) in self.directories.iter().rev() {
            let Some(top) = layers.first() else { continue };
            let from = self.lowers.open_dir(&[*top], path)?;
            let Some(from) = from.topmost() else { continue };
            let to = open_dir_beneath(self.target.as_fd(), path).map_err(failed("merge", path))?;
            let stat = fstat(from).map_err(failed("merge", path))?;
            node::dress(from, &to, &stat, path)?;
        }
        Ok(())
    }
}
