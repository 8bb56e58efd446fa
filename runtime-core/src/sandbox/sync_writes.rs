//! Synchronous writes, for steps whose writes are limited.
//!
//! On cgroup v1 the kernel counts what a process itself sends to the disk, and writes its page cache in nobody's name: a plain
//! cp would be held to nothing. On v2 the page cache counts, but a step may end before it is written, and then it is nobody's
//! too. Files with the attribute `S` (ioctl_iflags(2), FS_SYNC_FL) are written by who writes them, and so are those that are
//! made in a directory which has it. overlayfs passes on neither O_SYNC nor a mount's `sync`, so that the attribute is on the
//! layer's own files while the step runs. Memory mapped shared is still written later.
//!
//! On v2 a file's writes also count as those of the cgroup that has its inode, which is the one that wrote it first while the
//! inode stays in memory, and its cached pages as those of the cgroup that read them. So that a cache's old files are the step's,
//! they leave the memory before it starts: the kernel keeps no inode whose attribute for direct access (`x`, FS_DAX_FL) was
//! changed, as that takes effect only when the inode is read again.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use rustix::fs::{
    Advice, CWD, Dir, FileType, IFlags, Mode, OFlags, fadvise, fdatasync, ioctl_getflags, ioctl_setflags,
    openat,
};
use rustix::io;

use super::cgroup::Refusal;

/// How many running steps want a place so.
static HELD: LazyLock<Mutex<HashMap<PathBuf, usize>>> = LazyLock::new(Mutex::default);

/// Deeper directories keep the attribute, which is harmless; every level holds a descriptor.
const MAX_DEPTH: usize = 500;

/// What becomes of files that are there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OldFiles {
    Keep,
    /// They belong to no cgroup any more, unless another process has them open.
    Disown,
}

/// `linux/fs.h`.
const DAX: IFlags = IFlags::from_bits_retain(0x0200_0000);

/// Directories whose files are written synchronously until it is dropped.
pub struct SyncWrites {
    places: Vec<PathBuf>,
}

impl SyncWrites {
    /// Marks what is in `places` now; what is made there later is marked by the kernel.
    pub fn begin(places: Vec<PathBuf>, old_files: OldFiles) -> Self {
        if let Ok(mut held) = HELD.lock() {
            for place in &places {
                let count = held.entry(place.clone()).or_default();
                *count += 1;
                if *count == 1 {
                    mark_root(place, Change::Begin(old_files));
                }
            }
        }
        Self { places }
    }

    /// Whether the filesystem of `directory` has the attribute.
    pub fn check(directory: &Path) -> Result<(), Refusal> {
        let opened = openat(CWD, directory, DIRECTORY, Mode::empty());
        opened.and_then(ioctl_getflags).map(drop).map_err(|error| {
            let reason = format!(
                "on cgroup v1 it takes synchronous writes, which the filesystem of {} has not: {error}",
                directory.display()
            );
            Refusal::new(reason, "keep the --store on ext4 or xfs, or boot with cgroup v2")
        })
    }
}

impl Drop for SyncWrites {
    fn drop(&mut self) {
        let Ok(mut held) = HELD.lock() else { return };
        for place in &self.places {
            let Some(count) = held.get_mut(place) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                held.remove(place);
                mark_root(place, Change::End);
            }
        }
    }
}

const OPEN: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);
const DIRECTORY: OFlags = OPEN.union(OFlags::DIRECTORY);

#[derive(Clone, Copy)]
enum Change {
    Begin(OldFiles),
    End,
}

fn mark_root(place: &Path, change: Change) {
    if let Ok(directory) = openat(CWD, place, DIRECTORY, Mode::empty()) {
        mark_tree(&directory, change, 0);
    }
}

/// A file that cannot be marked stays as it is: it is written the other way, and nothing else hangs on it.
fn mark_tree(directory: &OwnedFd, change: Change, depth: usize) {
    let _ = mark(directory, !matches!(change, Change::End));
    let Ok(entries) = Dir::read_from(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_self_or_parent = matches!(name.to_bytes(), b"." | b"..");
        match entry.file_type() {
            FileType::RegularFile => {
                let _ = openat(directory, name, OPEN, Mode::empty()).map(|file| mark_file(&file, change));
            }
            FileType::Directory if !is_self_or_parent && depth < MAX_DEPTH => {
                if let Ok(inner) = openat(directory, name, DIRECTORY, Mode::empty()) {
                    mark_tree(&inner, change, depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn mark_file(file: &OwnedFd, change: Change) -> io::Result<()> {
    match change {
        Change::Begin(OldFiles::Keep) => mark(file, true),
        Change::Begin(OldFiles::Disown) => mark_disowned(file),
        Change::End => mark(file, false),
    }
}

/// The kernel forgets the file when it is closed after this. Where it has no such attribute, it can at least give up the pages.
fn mark_disowned(file: &OwnedFd) -> io::Result<()> {
    let wanted = ioctl_getflags(file)? | IFlags::SYNC;
    if ioctl_setflags(file, wanted ^ DAX).is_ok() {
        return ioctl_setflags(file, wanted);
    }
    ioctl_setflags(file, wanted)?;
    fdatasync(file)?;
    fadvise(file, 0, None, Advice::DontNeed)
}

fn mark(file: impl AsFd, is_sync: bool) -> io::Result<()> {
    let flags = ioctl_getflags(&file)?;
    let mut wanted = flags;
    wanted.set(IFlags::SYNC, is_sync);
    if wanted == flags {
        Ok(())
    } else {
        ioctl_setflags(&file, wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_sync(path: &Path) -> bool {
        flags(path).contains(IFlags::SYNC)
    }

    fn flags(path: &Path) -> IFlags {
        let file = std::fs::File::open(path).expect("a file");
        ioctl_getflags(file).expect("flags")
    }

    #[test]
    fn files_are_marked_as_long_as_somebody_wants_it() {
        let place = std::env::temp_dir().join(format!("tsbuild-sync-{}", std::process::id()));
        std::fs::create_dir_all(place.join("a")).expect("a directory");
        if SyncWrites::check(&place).is_ok() {
            std::fs::write(place.join("old"), "").expect("a file");
            let first = SyncWrites::begin(vec![place.clone()], OldFiles::Disown);
            let second = SyncWrites::begin(vec![place.clone()], OldFiles::Disown);
            std::fs::write(place.join("a/b"), "").expect("a file");
            drop(first);
            assert!(is_sync(&place.join("a/b")) && is_sync(&place.join("old")));
            drop(second);
            assert!(
                ["a/b", "old", ""]
                    .iter()
                    .all(|name| flags(&place.join(name)) & (IFlags::SYNC | DAX) == IFlags::empty())
            );
        }
        std::fs::remove_dir_all(&place).expect("removed");
    }
}
