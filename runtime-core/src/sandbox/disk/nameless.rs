//! Files that take room and have no name: removed while a process of the step has them open. proc_pid_fd(5).

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, fstatfs, open, stat};

use crate::tree::size::size_on_disk;

/// linux/magic.h.
const OVERLAYFS_MAGIC: i64 = 0x794c_7630;
/// A step with more processes is looked at in part.
const MAX_PROCESSES: usize = 10_000;

pub struct Nameless {
    /// The process that the step's descend from, while it is there.
    helper: Option<u32>,
    device: u64,
    /// When the upper was made. A file of a lower layer was changed before that, and takes nothing of the step's.
    since: (i64, u64),
}

impl Nameless {
    pub fn new(helper: &OwnedFd, upper: &OwnedFd) -> Self {
        let stat = fstat(upper);
        Self {
            helper: process_of(helper),
            device: stat.as_ref().map_or(0, |stat| stat.st_dev),
            since: stat.as_ref().map_or((i64::MAX, 0), changed),
        }
    }

    /// What they take on the disk.
    pub fn bytes(&self) -> u64 {
        let mut seen = HashSet::new();
        let mut total = 0u64;
        for process in self.helper.map_or(Vec::new(), descendants) {
            for file in open_files(process) {
                if let Some(stat) = self.nameless(&file)
                    && seen.insert((stat.st_dev, stat.st_ino))
                {
                    total = total.saturating_add(size_on_disk(&stat));
                }
            }
        }
        total
    }

    fn nameless(&self, file: &Path) -> Option<Stat> {
        let stat = stat(file).ok()?;
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let is_written = is_regular && stat.st_nlink == 0 && changed(&stat) >= self.since;
        (is_written && (stat.st_dev == self.device || is_on_overlay(file))).then_some(stat)
    }
}

fn changed(stat: &Stat) -> (i64, u64) {
    (stat.st_ctime, stat.st_ctime_nsec)
}

/// Not on a tmpfs, which is memory.
fn is_on_overlay(file: &Path) -> bool {
    let held = open(file, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    held.and_then(fstatfs)
        .is_ok_and(|filesystem| filesystem.f_type == OVERLAYFS_MAGIC)
}

/// Descriptors, and what is mapped after its descriptor was closed; the latter is for root to see alone. proc_pid_map_files(5).
fn open_files(process: u32) -> impl Iterator<Item = PathBuf> {
    ["fd", "map_files"]
        .into_iter()
        .filter_map(move |kind| fs::read_dir(format!("/proc/{process}/{kind}")).ok())
        .flat_map(|entries| entries.filter_map(Result::ok).map(|entry| entry.path()))
}

/// Every process below `ancestor`. proc_tid_children(5): what forks meanwhile may be missing.
fn descendants(ancestor: u32) -> Vec<u32> {
    let mut found = children(ancestor);
    let mut next = 0;
    while next < found.len() && found.len() < MAX_PROCESSES {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten();
    let files = threads
        .filter_map(Result::ok)
        .map(|thread| thread.path().join("children"));
    files.flat_map(|file| numbers(&file)).collect()
}

fn numbers(file: &Path) -> Vec<u32> {
    let mut text = String::new();
    let read = File::open(file).and_then(|mut file| file.read_to_string(&mut text));
    read.map_or(Vec::new(), |_| {
        text.split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect()
    })
}

/// The process that a descriptor stands for: pidfd_open(2), "/proc/pid/fdinfo".
fn process_of(pidfd: &OwnedFd) -> Option<u32> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_fd().as_raw_fd())).ok()?;
    info.lines()
        .find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
}
