//! Paths of a layer, resolved inside its directory: component by component, as if it were the root of the filesystem,
//! and opened by openat2(2) through no symbolic link.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::attributes::Attributes;
use super::lower::look_up;
use super::overlay;
use super::sys::{MAX_PATH, failed, join, lossy, lstat_if_there, open_dir_beneath};
use super::target::{Target, corrupt, mkdir};
use crate::error::{Error, Result};

/// path_resolution(7): as many links as the kernel follows.
const MAX_LINKS: u32 = 40;

/// An open directory of the target, and its path without symbolic links.
pub struct Parent {
    pub path: Vec<u8>,
    pub fd: OwnedFd,
}

enum Step {
    Directory(OwnedFd),
    Link(Vec<u8>),
    Missing,
}

impl Target {
    /// Opens the directory `dir`; what is missing of it is created, or makes it `None`.
    pub fn resolve(&mut self, dir: &[u8], create: bool) -> Result<Option<Arc<Parent>>> {
        match open_dir_beneath(self.root.as_fd(), dir) {
            Ok(fd) => Ok(Some(Arc::new(Parent {
                path: dir.to_vec(),
                fd,
            }))),
            Err(Errno::NOENT) if !create => Ok(None),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => self.resolve_slowly(dir, create),
            Err(errno) => Err(failed("open directory", dir)(errno)),
        }
    }

    /// A symbolic link of this layer leads to where it would lead inside the image, never out of it. So containerd
    /// resolves them, too. One directory is open at a time: paths can be deep.
    fn resolve_slowly(&mut self, dir: &[u8], create: bool) -> Result<Option<Arc<Parent>>> {
        let mut here = self.reopen(b"")?;
        let mut parts: VecDeque<Vec<u8>> = components(dir);
        let mut links = 0;
        while let Some(part) = parts.pop_front() {
            if part == b".." {
                let above = here.path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                here = self.reopen(&here.path[..above])?;
                continue;
            }
            match self.step(&here, &part, create)? {
                Step::Missing => return Ok(None),
                Step::Directory(fd) => {
                    here = Parent {
                        path: join(&here.path, &part),
                        fd,
                    }
                }
                Step::Link(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(corrupt(dir, "too many symbolic links"));
                    }
                    if target.starts_with(b"/") {
                        here = self.reopen(b"")?;
                    }
                    components(&target)
                        .into_iter()
                        .rev()
                        .for_each(|part| parts.push_front(part));
                }
            }
        }
        Ok(Some(Arc::new(here)))
    }

    fn reopen(&self, path: &[u8]) -> Result<Parent> {
        let fd = open_dir_beneath(self.root.as_fd(), path).map_err(failed("open directory", path))?;
        Ok(Parent {
            path: path.to_vec(),
            fd,
        })
    }

    fn step(&mut self, here: &Parent, part: &[u8], create: bool) -> Result<Step> {
        let path = join(&here.path, part);
        if path.len() > MAX_PATH {
            let message = "unsafe path: its symbolic links lead to more than 4095 bytes";
            return Err(Error::new("LAYER_UNSAFE_PATH", "unpack", message).with_subject(lossy(&path)));
        }
        let stat = lstat_if_there(&here.fd, part).map_err(failed("open directory", &path))?;
        let kind = stat.map(|stat| FileType::from_raw_mode(stat.st_mode));
        let hidden = stat
            .as_ref()
            .map_or(Ok(false), |stat| overlay::is_hidden(here.fd.as_fd(), part, stat));
        let hidden = hidden.map_err(failed("open directory", &path))?;
        match (kind, stat) {
            (Some(FileType::Directory), _) => {}
            (Some(FileType::Symlink), _) => {
                let target = rustix::fs::readlinkat(&here.fd, part, Vec::new());
                return Ok(Step::Link(
                    target.map_err(failed("read link", &path))?.into_bytes(),
                ));
            }
            (_, Some(_)) if !hidden => return Err(corrupt(&path, "not a directory")),
            _ if !create => return Ok(Step::Missing),
            _ => self.make_implied(here, part, hidden)?,
        }
        open_dir_beneath(here.fd.as_fd(), part)
            .map(Step::Directory)
            .map_err(failed("open directory", &path))
    }

    /// In a whiteout's place nothing of the lower's shows, so it does not say what the directory is like either.
    fn make_implied(&mut self, here: &Parent, part: &[u8], was_hidden: bool) -> Result<()> {
        self.keep_time(here)?;
        let path = join(&here.path, part);
        let attributes = if was_hidden {
            self.replace_by_directory(here, part, true)?;
            Attributes::implied(None, false)
        } else {
            mkdir(here, part)?;
            let lower = look_up(&self.lowers, &path)?;
            let lower = lower.filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory);
            Attributes::implied(lower.as_ref(), true)
        };
        self.directories.insert(path, attributes);
        Ok(())
    }
}

fn components(path: &[u8]) -> VecDeque<Vec<u8>> {
    let parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."));
    parts.map(<[u8]>::to_vec).collect()
}
