//! How much a tree of files is. It may be changed meanwhile, by whoever it is a limit for: what goes is passed over, what moves
//! counts once, and no path is followed out of the root.

use std::collections::HashSet;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat2, statat};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::task::{CancelFlag, Job, spawn};

/// What a file takes at least, an empty one too: no filesystem has room for files without end.
pub const LEAST_FILE: u64 = 4096;
/// open(2) takes no longer path.
const MAX_PIECE: usize = 4000;
/// A path of this length takes 64 calls to open. Nothing but an attack makes one.
const MAX_PATH: usize = 64 * MAX_PIECE;

/// The size of a tree, its root not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeSize {
    /// Files of every type, several names of one counted once.
    pub entries: u64,
    /// Content of regular files, holes included.
    pub content: u64,
    /// What it takes on the disk; a file with holes counts as if it had none.
    pub on_disk: u64,
}

impl TreeSize {
    fn add(&mut self, stat: &Stat) {
        self.entries += 1;
        self.on_disk = self.on_disk.saturating_add(size_on_disk(stat));
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
            self.content = self.content.saturating_add(stat.st_size as u64);
        }
    }
}

/// What a file counts as: its blocks, what was reserved for it and what it will be in a layer, whichever is most.
pub fn size_on_disk(stat: &Stat) -> u64 {
    let blocks = (stat.st_blocks as u64).saturating_mul(512);
    let content = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => stat.st_size as u64,
        _ => 0,
    };
    blocks.max(content).max(LEAST_FILE)
}

/// How far a measurement came.
pub enum Measured {
    Whole(TreeSize),
    /// `go_on` said no, or the tree is deeper than can be looked into.
    Partly(TreeSize),
}

impl Measured {
    pub fn size(&self) -> TreeSize {
        match self {
            Self::Whole(size) | Self::Partly(size) => *size,
        }
    }
}

/// Measures what is in `root`. `go_on` is asked before every file.
pub fn measure(root: BorrowedFd<'_>, go_on: impl Fn(&TreeSize) -> bool) -> rustix::io::Result<Measured> {
    let mut size = TreeSize::default();
    let is_whole = each_file(root, |stat| {
        let goes_on = go_on(&size);
        if goes_on {
            size.add(stat);
        }
        goes_on
    })?;
    Ok(if is_whole {
        Measured::Whole(size)
    } else {
        Measured::Partly(size)
    })
}

/// Shows every file in `root`, several names of one once, until `visit` says no. False then, and where it is deeper than can
/// be looked into.
pub fn each_file(root: BorrowedFd<'_>, visit: impl FnMut(&Stat) -> bool) -> rustix::io::Result<bool> {
    let mut walk = Walk {
        root,
        visit,
        seen: HashSet::new(),
        directories: vec![Directory {
            parent: 0,
            name: Box::default(),
        }],
    };
    walk.run()
}

/// A directory by its name in another: paths are put together when they are opened, so that deep trees take little memory.
struct Directory {
    parent: usize,
    name: Box<[u8]>,
}

struct Walk<'a, F> {
    root: BorrowedFd<'a>,
    visit: F,
    /// Inode numbers: what is moved during the walk is met twice.
    seen: HashSet<u64>,
    /// The first is the root. Those found are added behind.
    directories: Vec<Directory>,
}

impl<F: FnMut(&Stat) -> bool> Walk<'_, F> {
    fn run(&mut self) -> rustix::io::Result<bool> {
        let mut next = 0;
        while next < self.directories.len() {
            let Some(path) = self.path(next) else {
                return Ok(false);
            };
            match open_deep(self.root, &path) {
                Ok(fd) => {
                    if !self.directory(next, fd)? {
                        return Ok(false);
                    }
                }
                Err(errno) if is_gone(errno) => {}
                Err(errno) => return Err(errno),
            }
            next += 1;
        }
        Ok(true)
    }

    /// `None` where it is too long.
    fn path(&self, mut index: usize) -> Option<Vec<u8>> {
        let mut names = Vec::new();
        let mut length = 0;
        while index != 0 {
            let directory = &self.directories[index];
            length += directory.name.len() + 1;
            names.push(&*directory.name);
            index = directory.parent;
        }
        names.reverse();
        (length <= MAX_PATH).then(|| names.join(&b'/'))
    }

    fn directory(&mut self, index: usize, fd: OwnedFd) -> rustix::io::Result<bool> {
        let mut entries = Dir::new(fd)?;
        while let Some(entry) = entries.read() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(errno) if is_gone(errno) => break,
                Err(errno) => return Err(errno),
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            match statat(entries.fd()?, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) if !self.file(index, name, &stat) => return Ok(false),
                Ok(_) => {}
                Err(errno) if is_gone(errno) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(true)
    }

    fn file(&mut self, parent: usize, name: &CStr, stat: &Stat) -> bool {
        if !self.seen.insert(stat.st_ino) {
            return true;
        }
        if !(self.visit)(stat) {
            return false;
        }
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let name = name.to_bytes().into();
            self.directories.push(Directory { parent, name });
        }
        true
    }
}

/// Removed, replaced or closed to us since its name was read.
fn is_gone(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::ACCESS
            | Errno::STALE
            | Errno::AGAIN
            | Errno::XDEV
    )
}

/// The directory at `path`, which may be longer than a call takes.
fn open_deep(root: BorrowedFd<'_>, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let mut rest = path;
    let mut at: Option<OwnedFd> = None;
    loop {
        let (piece, left) = cut(rest);
        let opened = open_beneath(at.as_ref().map_or(root, AsFd::as_fd), piece)?;
        if left.is_empty() {
            return Ok(opened);
        }
        at = Some(opened);
        rest = left;
    }
}

/// As many whole components as one call takes, and the rest.
fn cut(path: &[u8]) -> (&[u8], &[u8]) {
    if path.len() <= MAX_PIECE {
        return (path, b"");
    }
    // A component has at most 255 bytes: NAME_MAX.
    let slash = path[..MAX_PIECE]
        .iter()
        .rposition(|byte| *byte == b'/')
        .unwrap_or(MAX_PIECE);
    (&path[..slash], path.get(slash + 1..).unwrap_or(b""))
}

fn open_beneath(root: BorrowedFd<'_>, path: &[u8]) -> rustix::io::Result<OwnedFd> {
    let path = if path.is_empty() { b"." } else { path };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(root, path, flags, Mode::empty(), resolve)
}

/// A directory given by the caller, to be measured.
pub fn open_tree(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| Error::io("measure", path, &errno.into()))
}

/// Bytes of the regular files in a directory, holes included, several names of a file counted once.
#[napi(ts_return_type = "Promise<number>")]
pub fn tree_content_size(path: String, cancel: &CancelFlag) -> AsyncTask<Job<f64>> {
    let cancel = cancel.clone();
    spawn(move || {
        let root = open_tree(&path)?;
        let measured = measure(root.as_fd(), |_| cancel.check().is_ok());
        let size = measured
            .map_err(|errno| Error::io("measure", &path, &errno.into()))?
            .size();
        cancel.check()?;
        Ok(size.content as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of(root: &std::path::Path) -> TreeSize {
        let root = open_tree(root.to_str().unwrap_or_default()).expect("a directory");
        measure(root.as_fd(), |_| true).expect("a tree").size()
    }

    fn fresh(name: &str) -> std::path::PathBuf {
        let path = std::env::temp_dir().join(format!("tsbuild-size-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a directory");
        path
    }

    #[test]
    fn several_names_of_a_file_count_once_and_holes_count() {
        let root = fresh("links");
        let file = std::fs::File::create(root.join("a")).expect("a file");
        file.set_len(1 << 20).expect("a hole");
        std::fs::hard_link(root.join("a"), root.join("b")).expect("a link");
        let size = size_of(&root);
        assert_eq!((size.entries, size.content, size.on_disk), (1, 1 << 20, 1 << 20));
        std::fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn an_empty_file_counts_as_a_block() {
        let root = fresh("empty");
        std::fs::write(root.join("a"), "").expect("a file");
        assert_eq!(size_of(&root).on_disk, LEAST_FILE);
        std::fs::remove_dir_all(root).expect("removed");
    }

    #[test]
    fn paths_are_cut_between_components() {
        let path = [vec![b'a'; 200], vec![b'b'; 200]].join(&b'/').repeat(1);
        assert_eq!(cut(&path), (&path[..], &b""[..]));
        let long: Vec<u8> = vec![vec![b'x'; 255]; 40].join(&b'/');
        let (piece, rest) = cut(&long);
        assert!(piece.len() <= MAX_PIECE && piece.len() % 256 == 255 && rest.starts_with(b"x"));
        assert_eq!(piece.len() + 1 + rest.len(), long.len());
    }
}
