//! What stands in a tree for one step only, where a mount would cover what is there: the original is moved aside meanwhile, and
//! comes back with its directory's time.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, Stat, Timespec, Timestamps, UTIME_OMIT, fstat, ftruncate,
    futimens, mkdirat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::locate::{find, path_below, path_of};
use crate::archive::sys::{failed, lstat_if_there, open_root};
use crate::error::{Error, Result};
use crate::task::CancelFlag;
use crate::tree::remove::remove_tree;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What becomes of it after the step.
pub enum After {
    Remove,
    /// Emptied too: other names that a step gave it must not keep a secret.
    Erase,
    /// It lay there before, and does again.
    GiveBack(PathBuf),
}

/// The covers of one tree.
pub struct Covers {
    root: Arc<OwnedFd>,
    root_path: PathBuf,
    aside: OwnedFd,
    aside_path: PathBuf,
    count: u32,
    placed: Vec<Placed>,
}

struct Placed {
    parent: OwnedFd,
    name: Vec<u8>,
    kind: Kind,
}

enum Kind {
    /// A directory on the way to a target that was missing. It stays when the step has put something into it.
    Way,
    Cover {
        /// What was put there, wherever the step moved it.
        put: OwnedFd,
        /// The original's name in `aside`.
        original: Option<String>,
        after: After,
    },
}

impl Covers {
    /// `aside` is a directory on the filesystem of the root.
    pub fn new(root: Arc<OwnedFd>, root_path: PathBuf, aside_path: PathBuf) -> Result<Self> {
        let aside = open_root(&aside_path.display().to_string(), "open tree")?;
        let root_path = path_of(&root).unwrap_or(root_path);
        Ok(Self {
            root,
            root_path,
            aside,
            aside_path,
            count: 0,
            placed: Vec::new(),
        })
    }

    /// Puts at `target`, absolute inside the root, what `make` creates under the name it is given.
    pub fn put(
        &mut self,
        target: &str,
        after: After,
        make: impl FnOnce(&OwnedFd, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let (parent, name) = self.place(target)?;
        let failed = |errno| failed("mount point", target.as_bytes())(errno);
        let time = fstat(&parent).map_err(failed)?;
        let original = self.move_aside(&parent, &name).map_err(failed)?;
        let made = make(&parent, &name);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let put = openat(&parent, &name[..], flags, Mode::empty());
        restore_time(&parent, &time);
        match (made, put) {
            (Ok(()), Ok(put)) => {
                let kind = Kind::Cover { put, original, after };
                self.placed.push(Placed { parent, name, kind });
                Ok(())
            }
            (made, put) => {
                if let Some(original) = original {
                    let _ = renameat(&self.aside, &original, &parent, &name[..]);
                }
                made.and(put.map(drop).map_err(failed))
            }
        }
    }

    /// The directory and name of a target: links are followed inside the root, and what is missing on the way is made.
    fn place(&mut self, target: &str) -> Result<(OwnedFd, Vec<u8>)> {
        let failed = |errno| failed("mount point", target.as_bytes())(errno);
        let asked = target.trim_matches('/').as_bytes();
        let real = match find(&self.root, asked, OFlags::PATH) {
            Ok(found) => path_below(&self.root_path, &found),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(failed(errno)),
        };
        let path = real
            .filter(|path| !path.is_empty())
            .unwrap_or_else(|| asked.to_vec());
        let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&b""[..], &path[..]),
        };
        Ok((self.way_to(parent).map_err(failed)?, name.to_vec()))
    }

    fn way_to(&mut self, path: &[u8]) -> rustix::io::Result<OwnedFd> {
        let mut parent = find(&self.root, b"", DIRECTORY)?;
        let ends = (0..=path.len()).filter(|at| *at == path.len() || path[*at] == b'/');
        for end in ends.filter(|end| *end > 0) {
            let next = match find(&self.root, &path[..end], DIRECTORY) {
                Err(Errno::NOENT) => {
                    let start = path[..end]
                        .iter()
                        .rposition(|byte| *byte == b'/')
                        .map_or(0, |at| at + 1);
                    self.make_way(&parent, &path[start..end])?;
                    find(&self.root, &path[..end], DIRECTORY)?
                }
                found => found?,
            };
            parent = next;
        }
        Ok(parent)
    }

    fn make_way(&mut self, parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
        let time = fstat(parent)?;
        mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
        restore_time(parent, &time);
        self.placed.push(Placed {
            parent: rustix::io::fcntl_dupfd_cloexec(parent, 0)?,
            name: name.to_vec(),
            kind: Kind::Way,
        });
        Ok(())
    }

    /// The name that it has in `aside`; `None` when there is nothing.
    fn move_aside(&mut self, parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<Option<String>> {
        self.count += 1;
        let aside = self.count.to_string();
        match renameat(parent, name, &self.aside, &aside) {
            Ok(()) => Ok(Some(aside)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Takes everything away again, the last first. No process of the step is left.
    pub fn take_away(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        while let Some(placed) = self.placed.pop() {
            let done = self.undo(&placed).map_err(failed("mount point", &placed.name));
            outcome = outcome.and(done);
        }
        outcome?;
        let aside = self.aside_path.display().to_string();
        remove_tree(&aside, &CancelFlag::default())?;
        std::fs::create_dir(&aside).map_err(|error| Error::io("open tree", aside, &error))
    }

    fn undo(&mut self, Placed { parent, name, kind }: &Placed) -> rustix::io::Result<()> {
        let time = fstat(parent)?;
        match kind {
            Kind::Way => match unlinkat(parent, &name[..], AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => {}
                done => done?,
            },
            Kind::Cover { put, original, after } => {
                self.withdraw(put, (parent, name), after)?;
                if let Some(original) = original {
                    self.bring_back(original, parent, name)?;
                }
            }
        }
        restore_time(parent, &time);
        Ok(())
    }

    /// Takes what was put from where it is now, unless the step has removed it.
    fn withdraw(&mut self, put: &OwnedFd, at: (&OwnedFd, &[u8]), after: &After) -> rustix::io::Result<()> {
        if matches!(after, After::Erase) {
            erase(put);
        }
        let is_in_place = lstat_if_there(at.0, at.1)?.is_some_and(|stat| is_same(&stat, put));
        if is_in_place {
            return self.dispose((at.0, at.1), after);
        }
        if let Some(path) = path_below(&self.root_path, put) {
            let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
                Some(at) => (&path[..at], &path[at + 1..]),
                None => (&b""[..], &path[..]),
            };
            let parent = find(&self.root, parent, DIRECTORY)?;
            return self.dispose((&parent, name), after);
        }
        match after {
            // The step has removed the directory itself: it is empty, then.
            After::GiveBack(to) => mkdirat(CWD, to, Mode::from_raw_mode(0o755)),
            _ => Ok(()),
        }
    }

    fn dispose(&mut self, (parent, name): (&OwnedFd, &[u8]), after: &After) -> rustix::io::Result<()> {
        match after {
            After::GiveBack(to) => renameat_with(parent, name, CWD, to, RenameFlags::NOREPLACE),
            _ => self.move_aside(parent, name).map(drop),
        }
    }

    fn bring_back(&mut self, original: &str, parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
        self.move_aside(parent, name)?;
        match renameat(&self.aside, original, parent, name) {
            // The step has removed the directory that it was in.
            Err(Errno::NOENT) => Ok(()),
            done => done,
        }
    }
}

/// A step that was given up.
impl Drop for Covers {
    fn drop(&mut self) {
        while let Some(placed) = self.placed.pop() {
            let _ = self.undo(&placed);
        }
    }
}

fn is_same(stat: &Stat, put: &OwnedFd) -> bool {
    fstat(put).is_ok_and(|own| (own.st_dev, own.st_ino) == (stat.st_dev, stat.st_ino))
}

fn erase(put: &OwnedFd) {
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(put));
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if let Ok(file) = openat(CWD, path, flags, Mode::empty()) {
        let _ = ftruncate(&file, 0);
    }
}

/// Only the mtime: a directory that goes away has none to restore.
fn restore_time(directory: &OwnedFd, stat: &Stat) {
    let omitted = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_OMIT,
    };
    let times = Timestamps {
        last_access: omitted,
        last_modification: super::node::times(stat).last_modification,
    };
    let _ = futimens(directory, &times);
}
