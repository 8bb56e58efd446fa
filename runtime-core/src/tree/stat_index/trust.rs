//! When stat(2) can be trusted to tell a later change, as git's index has it ("racy git"): not while the clock that stamps
//! files may still show the time that the file already has, and not on filesystems that do not stamp every write.

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use rustix::fs::{Timespec, fstatfs};
use rustix::time::{ClockId, clock_gettime};

use crate::tree::meta::Meta;

/// The kernel stamps a file, then writes: a writer may be preempted between the two.
const SETTLE_NS: i128 = 100_000_000;
/// A write stamps once, at its beginning. Slower ones than this are not waited for.
const WRITE_BYTES_PER_SECOND: i128 = 64 << 20;
/// ext3, and ext4 with small inodes, count whole seconds.
const WHOLE_SECONDS_NS: i128 = 2_000_000_000;
const SECOND_NS: i128 = 1_000_000_000;

/// f_type of statfs(2). Not NFS, 9p, CIFS or FUSE, where others write; not tmpfs, which never stamps what is written through
/// a shared mapping; not FAT, whose times are two seconds apart.
const FILESYSTEMS: [u32; 9] = [
    0x0000_EF53, // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // Btrfs
    0x794C_7630, // overlayfs
    0xF2F5_2010, // F2FS
    0x2FC1_2FC1, // ZFS
    0xCA45_1A4E, // bcachefs
    0x7371_7368, // squashfs
    0xE0F5_E1E2, // EROFS
];

/// Decides for files that are about to be read, and remembers the filesystems it met.
#[derive(Default)]
pub struct Trust {
    devices: HashMap<u64, bool>,
}

/// When reading began, by the clock that stamps files.
#[derive(Clone, Copy)]
pub struct Moment(Timespec);

impl Moment {
    /// clock_getres(2): CLOCK_REALTIME_COARSE is what a write stamps a file with, or earlier.
    pub fn now() -> Self {
        Self(clock_gettime(ClockId::RealtimeCoarse))
    }

    /// Whether whatever changes the file from now on gives it another ctime.
    fn is_past_changes_of(self, meta: &Meta) -> bool {
        let last = nanoseconds(meta.mtime).max(nanoseconds(meta.ctime));
        nanoseconds(self.0) - last > settle_time(meta)
    }
}

impl Trust {
    /// Whether what is read of `file`, whose stat is `meta`, after `began` may be noted.
    pub fn allows(&mut self, began: Moment, file: &OwnedFd, meta: &Meta) -> bool {
        began.is_past_changes_of(meta) && self.is_on_known_filesystem(file, meta)
    }

    fn is_on_known_filesystem(&mut self, file: &OwnedFd, meta: &Meta) -> bool {
        let (device, _) = meta.identity;
        *self.devices.entry(device).or_insert_with(|| {
            // The field's type differs between targets, its 32 bits do not.
            fstatfs(file).is_ok_and(|stat| FILESYSTEMS.contains(&(stat.f_type as u32)))
        })
    }
}

fn settle_time(meta: &Meta) -> i128 {
    let ticks = if meta.ctime.tv_nsec == 0 {
        WHOLE_SECONDS_NS
    } else {
        SETTLE_NS
    };
    ticks + i128::from(meta.size) * SECOND_NS / WRITE_BYTES_PER_SECOND
}

#[allow(clippy::unnecessary_cast)] // tv_nsec differs between targets.
fn nanoseconds(time: Timespec) -> i128 {
    i128::from(time.tv_sec) * SECOND_NS + i128::from(time.tv_nsec as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::meta::Kind;

    fn time(tv_sec: i64, milliseconds: i64) -> Timespec {
        Timespec {
            tv_sec,
            tv_nsec: (milliseconds * 1_000_000) as _,
        }
    }

    fn file(size: u64, mtime: Timespec, ctime: Timespec) -> Meta {
        Meta {
            kind: Kind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size,
            rdev: 0,
            links: 1,
            identity: (1, 1),
            mtime,
            ctime,
        }
    }

    #[test]
    fn a_file_is_settled_when_no_later_change_can_have_its_time() {
        let began = Moment(time(1000, 500));
        let old = time(900, 1);
        let table = [
            ("long ago", 10, old, old, true),
            ("just changed", 10, time(1000, 450), time(1000, 450), false),
            ("just changed, mtime put back", 10, old, time(1000, 450), false),
            ("a while ago", 10, time(1000, 350), time(1000, 350), true),
            ("from the future", 10, time(2000, 1), old, false),
            (
                "whole seconds, the last one",
                10,
                time(999, 0),
                time(999, 0),
                false,
            ),
            ("whole seconds, earlier", 10, time(998, 0), time(998, 0), true),
            (
                "large, still being written",
                1 << 30,
                time(990, 1),
                time(990, 1),
                false,
            ),
            ("large, written", 1 << 30, time(980, 1), time(980, 1), true),
        ];
        for (name, size, mtime, ctime, expected) in table {
            let settled = began.is_past_changes_of(&file(size, mtime, ctime));
            assert_eq!(settled, expected, "{name}");
        }
    }
}
