//! How copied entries look at the destination: owners, modes, times, and what gives way to them.

use rustix::fs::{Gid, Timespec, Timestamps, Uid};

use super::meta::Meta;
use super::mode::ModeRule;
use super::xattr::Scope;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OwnerRule {
    As(Owner),
    Source,
    /// Whoever creates it: without root there is no choice.
    Creator,
}

/// Seconds since 1970.
#[derive(Clone, Copy)]
pub enum TimeRule {
    Exactly(i64),
    AtMost(i64),
    Source,
}

/// What stands where something of another kind is to be put.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Collision {
    /// A directory and anything else never replace each other.
    Refused,
    /// A file or symlink gives way to a directory. A directory gives way to nothing.
    DirectoryWins,
}

/// Where the bytes of a file come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ContentRule {
    Copied,
    /// A further hard link to the source, where the filesystem allows it: nobody writes to either again.
    Shared,
}

/// How entries look at the destination.
pub struct Policy {
    pub owner: OwnerRule,
    /// Source modes count as git's two.
    pub normalize_modes: bool,
    /// For everything but symlinks, which have none.
    pub mode: Option<ModeRule>,
    pub times: TimeRule,
    pub xattrs: Option<Scope>,
    pub collision: Collision,
    pub content: ContentRule,
}

impl Policy {
    pub fn mode_of(&self, meta: &Meta) -> u32 {
        let meta = if self.normalize_modes {
            &meta.with_git_mode()
        } else {
            meta
        };
        self.mode.as_ref().map_or(meta.mode, |mode| mode.of(meta))
    }

    pub fn owner_of(&self, meta: &Meta) -> Option<(Uid, Gid)> {
        let owner = match self.owner {
            OwnerRule::As(owner) => owner,
            OwnerRule::Source => Owner {
                uid: meta.uid,
                gid: meta.gid,
            },
            OwnerRule::Creator => return None,
        };
        Some((Uid::from_raw(owner.uid), Gid::from_raw(owner.gid)))
    }
}

impl TimeRule {
    pub fn of(self, meta: &Meta) -> Timestamps {
        match self {
            Self::Source => times(meta.mtime),
            Self::AtMost(limit) if meta.mtime.tv_sec < limit => times(meta.mtime),
            Self::AtMost(seconds) | Self::Exactly(seconds) => times(seconds_only(seconds)),
        }
    }
}

pub fn seconds_only(seconds: i64) -> Timespec {
    Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    }
}

pub fn times(both: Timespec) -> Timestamps {
    Timestamps {
        last_access: both,
        last_modification: both,
    }
}
