//! How a tree was before something wrote in it: enough of each entry to tell, without reading it, whether it still is the same.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, Statx, StatxFlags, StatxTimestamp, statx};
use rustix::time::{ClockId, clock_gettime};

use crate::archive::sys::{failed, join, open_dir_beneath};
use crate::error::Result;

/// A moment of the filesystem's clock, to the nanosecond.
pub type Moment = (i64, u32);

/// One entry. A file that replaces another may get the inode number of the one before, but not its birth; whatever is done to an
/// entry moves its ctime, and no program can set that (inode(7)).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    pub kind: FileType,
    ino: u64,
    born: Moment,
    pub changed: Moment,
    pub links: u32,
    pub is_whiteout: bool,
}

impl Stamp {
    pub fn read(dir: BorrowedFd<'_>, name: &[u8]) -> rustix::io::Result<Self> {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let stat = statx(dir, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, mask)?;
        Ok(Self::of(&stat))
    }

    fn of(stat: &Statx) -> Self {
        let moment = |time: &StatxTimestamp| (time.tv_sec, time.tv_nsec);
        let kind = FileType::from_raw_mode(stat.stx_mode.into());
        Self {
            kind,
            ino: stat.stx_ino,
            born: moment(&stat.stx_btime),
            changed: moment(&stat.stx_ctime),
            links: if kind == FileType::Directory {
                1
            } else {
                stat.stx_nlink
            },
            is_whiteout: kind == FileType::CharacterDevice
                && (stat.stx_rdev_major, stat.stx_rdev_minor) == (0, 0),
        }
    }

    /// The same file, whatever became of it.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.kind, self.ino, self.born) == (other.kind, other.ino, other.born)
    }
}

/// The entries of one directory, by name.
pub type Names = HashMap<Vec<u8>, Stamp>;

/// Every directory of a tree, by its path; the root is "".
#[derive(Default)]
pub struct Record {
    directories: HashMap<Vec<u8>, Names>,
    newest: Moment,
}

impl Record {
    /// Looks at all of a tree.
    pub fn of(root: &OwnedFd) -> Result<Self> {
        let mut record = Self::default();
        let mut waiting = vec![Vec::new()];
        while let Some(path) = waiting.pop() {
            let directory = open_dir_beneath(root.as_fd(), &path).map_err(failed("read tree", &path))?;
            let names = names(&directory, &path)?;
            let is_directory = |stamp: &Stamp| stamp.kind == FileType::Directory;
            waiting.extend(
                names
                    .iter()
                    .filter(|(_, stamp)| is_directory(stamp))
                    .map(|(name, _)| join(&path, name)),
            );
            record.add(path, names);
        }
        Ok(record)
    }

    pub fn add(&mut self, path: Vec<u8>, names: Names) {
        let newest = names.values().map(|stamp| stamp.changed).max();
        self.newest = self.newest.max(newest.unwrap_or_default());
        self.directories.insert(path, names);
    }

    /// `None` for what was no directory.
    pub fn directory(&self, path: &[u8]) -> Option<&Names> {
        self.directories.get(path)
    }

    /// Waits until the filesystem's clock has moved on: what changes from now on has a later ctime than all that is recorded. The
    /// clock ticks every one to ten milliseconds, and most often it has.
    pub fn let_time_pass(&self) {
        let now = || {
            let time = clock_gettime(ClockId::RealtimeCoarse);
            (time.tv_sec, time.tv_nsec as u32)
        };
        const MOST_TICKS: usize = 40;
        for _ in 0..MOST_TICKS {
            if now() > self.newest {
                return;
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }
}

/// What is in an open directory. `path` is for messages.
pub fn names(directory: &OwnedFd, path: &[u8]) -> Result<Names> {
    let mut names = Names::new();
    for entry in Dir::read_from(directory).map_err(failed("read tree", path))? {
        let entry = entry.map_err(failed("read tree", path))?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let stamp =
                Stamp::read(directory.as_fd(), name).map_err(failed("read tree", &join(path, name)))?;
            names.insert(name.to_vec(), stamp);
        }
    }
    Ok(names)
}
