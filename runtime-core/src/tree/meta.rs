//! What stat(2) says of a file, in the words the rest of the module uses.

use rustix::fs::{FileType, Stat, Timespec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    Symlink,
    CharDevice,
    BlockDevice,
    Fifo,
    Socket,
}

#[derive(Clone, Copy, Debug)]
pub struct Meta {
    pub kind: Kind,
    /// The twelve permission bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    /// 0 for what is not a device.
    pub rdev: u64,
    pub links: u64,
    /// (st_dev, st_ino)
    pub identity: (u64, u64),
    pub mtime: Timespec,
    pub ctime: Timespec,
}

impl Meta {
    /// `None` for overlayfs's whiteout, a character device 0:0: there is nothing.
    #[allow(clippy::unnecessary_cast)] // st_nlink is narrower on arm64.
    pub fn of(stat: &Stat) -> Option<Self> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Symlink,
            FileType::CharacterDevice => Kind::CharDevice,
            FileType::BlockDevice => Kind::BlockDevice,
            FileType::Fifo => Kind::Fifo,
            FileType::Socket => Kind::Socket,
            _ => Kind::File,
        };
        let is_device = matches!(kind, Kind::CharDevice | Kind::BlockDevice);
        if kind == Kind::CharDevice && stat.st_rdev == 0 {
            return None;
        }
        Some(Self {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: stat.st_size as u64,
            rdev: if is_device { stat.st_rdev } else { 0 },
            links: stat.st_nlink as u64,
            identity: (stat.st_dev, stat.st_ino),
            mtime: Timespec {
                tv_sec: stat.st_mtime,
                tv_nsec: stat.st_mtime_nsec as _,
            },
            ctime: Timespec {
                tv_sec: stat.st_ctime,
                tv_nsec: stat.st_ctime_nsec as _,
            },
        })
    }

    /// With one of the two modes that git knows, by the owner's execute bit: whatever umask it was checked out with.
    pub fn with_git_mode(self) -> Self {
        let is_executable = self.is_directory() || self.mode & 0o100 != 0;
        let mode = if is_executable { 0o755 } else { 0o644 };
        Self { mode, ..self }
    }

    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// One of several names of the same file.
    pub fn is_hardlinked(&self) -> bool {
        self.kind == Kind::File && self.links > 1
    }
}
