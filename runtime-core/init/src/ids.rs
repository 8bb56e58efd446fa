//! Whose ids a step has: user_namespaces(7), "User and group ID mappings".

use crate::report::{Fail, Step};
use crate::sys::file::{self, Fd, O_RDONLY};
use crate::sys::{self, identity};
use crate::text::{Text, format};
use crate::wire::{FIRST_HOST_ID, HOST_IDS};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    /// Root inside is an ordinary user outside; mounts translate, so that the disk holds the ids of the image.
    Idmapped,
    /// The ids the caller has, in a user namespace of the step's own.
    Identity,
    /// The caller's own user namespace: every capability counts as the caller's would.
    Caller,
}

impl Ids {
    /// The id outside of the step's `id`.
    pub fn outside(self, id: u32) -> u32 {
        match self {
            Self::Idmapped => FIRST_HOST_ID.saturating_add(id),
            Self::Identity | Self::Caller => id,
        }
    }

    /// Writes both maps of process `pid`, once and for good.
    pub fn map(self, pid: i32) -> Result<(), Fail> {
        if self == Self::Caller {
            return Ok(());
        }
        for kind in ["uid_map", "gid_map"] {
            self.map_one(pid, kind).at("user namespace")?;
        }
        Ok(())
    }

    fn map_one(self, pid: i32, kind: &str) -> sys::Result<()> {
        let map: Text<4096> = match self {
            Self::Idmapped => format(format_args!("0 {FIRST_HOST_ID} {HOST_IDS}\n"))?,
            Self::Identity | Self::Caller => own_map(kind)?,
        };
        let name: Text<64> = format(format_args!("/proc/{pid}/{kind}"))?;
        file::write_file(file::AT_FDCWD, name.as_c_str(), map.as_bytes())
    }

    /// Runs `work` as the step's root sees files, with the launcher's capabilities: what it creates belongs to that root,
    /// and an overlay it mounts acts as that root (the mounter's credentials are what overlayfs works with).
    pub fn as_step_root<T>(self, work: impl FnOnce() -> Result<T, Fail>) -> Result<T, Fail> {
        if self != Self::Idmapped {
            return work();
        }
        identity::set_filesystem_ids(self.outside(0));
        let done = identity::raise_permitted()
            .at("capabilities")
            .and_then(|()| work());
        identity::set_filesystem_ids(0);
        identity::raise_permitted().at("capabilities")?;
        done
    }
}

/// Every extent of this process's map, as a map onto itself: a nested namespace can have no more.
fn own_map(kind: &str) -> sys::Result<Text<4096>> {
    let path: Text<64> = format(format_args!("/proc/self/{kind}"))?;
    let source = file::open(path.as_c_str(), O_RDONLY)?;
    let mut buffer = [0u8; 4096];
    let n = file::read(source.raw(), &mut buffer)?;
    let mut out = Text::new();
    for line in buffer[..n].split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        let mut fields = line.split(|b| *b == b' ').filter(|field| !field.is_empty());
        let (Some(inside), Some(_), Some(count)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(sys::EINVAL);
        };
        for part in [inside, b" ", inside, b" ", count, b"\n"] {
            out.push(part).map_err(|_| sys::ENAMETOOLONG)?;
        }
    }
    Ok(out)
}

/// The inode number of the first user namespace: PROC_USER_INIT_INO of the kernel.
const INITIAL_USER_NAMESPACE: u64 = 0xEFFF_FFFD;

pub fn in_initial_user_namespace() -> bool {
    file::stat_at(file::AT_FDCWD, c"/proc/self/ns/user", 0)
        .is_ok_and(|stat| stat.ino == INITIAL_USER_NAMESPACE)
}

pub fn user_namespace_of(pid: i32) -> sys::Result<Fd> {
    let path: Text<64> = format(format_args!("/proc/{pid}/ns/user"))?;
    file::open(path.as_c_str(), O_RDONLY)
}
