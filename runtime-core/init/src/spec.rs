//! Reading the spec. It comes from the addon, yet every length is checked: a wrong one is a failure, not a wild read.

use core::ffi::CStr;

use crate::report::{Fail, Step};
use crate::sys::process::Limit;
use crate::sys::{self, EINVAL, memory};
use crate::wire;

pub struct Spec {
    pub flags: u32,
    pub uid: u32,
    pub gid: u32,
    pub capabilities: u64,
    pub groups: &'static [u32],
    pub hostname: &'static [u8],
    pub hosts: &'static [u8],
    pub resolv_conf: &'static [u8],
    pub root: Stack,
    pub argv: Strings,
    pub env: Strings,
    pub cwd: &'static CStr,
    /// The files, one a cgroup, that take the step.
    pub cgroups: Strings,
    /// Names of v1 controllers the step has a cgroup of.
    pub controllers: Strings,
    pub mounts: Mounts,
    pub filter: &'static [u8],
    pub window: Window,
    /// Bytes of /dev/shm.
    pub shm_size: u64,
    pub ulimits: &'static [Ulimit],
}

/// The size of the step's terminal, in characters.
#[derive(Clone, Copy)]
pub struct Window {
    pub columns: u16,
    pub rows: u16,
}

/// getrlimit(2): a limit of every process of the step.
#[derive(Clone, Copy)]
pub struct Ulimit {
    pub resource: usize,
    pub limit: Limit,
}
// SAFETY: integers.
unsafe impl memory::Zero for Ulimit {}

impl Spec {
    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// Reads the spec at `offset` of the memfd, for as long as the process lives. Its second word is its size.
    pub fn load(offset: usize) -> Result<&'static Self, Fail> {
        Self::read(offset).at("read spec")
    }

    fn read(offset: usize) -> sys::Result<&'static Self> {
        let head = memory::map_file(wire::SPEC_FD, offset, 8)?;
        let mut reader = Reader { bytes: head };
        if reader.word()? != wire::MAGIC {
            return Err(EINVAL);
        }
        let size = reader.word()? as usize;
        let bytes = memory::map_file(wire::SPEC_FD, offset, size)?;
        let mut reader = Reader {
            bytes: bytes.get(8..).unwrap_or(&[]),
        };
        memory::keep(reader.spec()?)
    }

    /// The step's own spec: this one, or the one that was given since.
    pub fn of_the_step(&'static self) -> Result<&'static Self, Fail> {
        if self.has(wire::FLAG_AHEAD) {
            return Self::load(wire::STEP_OFFSET);
        }
        Ok(self)
    }
}

/// C strings one after the other.
#[derive(Clone, Copy)]
pub struct Strings {
    bytes: &'static [u8],
    pub count: usize,
}

impl Iterator for Strings {
    type Item = &'static CStr;
    fn next(&mut self) -> Option<&'static CStr> {
        self.count = self.count.checked_sub(1)?;
        let mut reader = Reader { bytes: self.bytes };
        let string = reader.string().ok()?;
        self.bytes = reader.bytes;
        Some(string)
    }
}

/// A mount of the step's own.
pub struct Mount {
    pub target: &'static CStr,
    pub read_only: bool,
    pub source: Source,
}

/// What a mount shows.
pub enum Source {
    /// A path of the host.
    Bind(&'static CStr),
    /// `path` inside a root.
    Layers {
        stack: Stack,
        path: &'static CStr,
    },
    /// `size` as the mount option has it; "" for the kernel's own limit.
    Tmpfs {
        size: &'static CStr,
    },
    File(Content),
}

/// Layers as overlayfs stacks them.
#[derive(Clone, Copy)]
pub struct Stack {
    /// Lowest first.
    pub lowers: Strings,
    /// Empty, like `work`, for a root that is only read.
    pub upper: &'static CStr,
    pub work: &'static CStr,
}

pub struct Content {
    pub bytes: &'static [u8],
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
}

/// Mounts one after the other.
#[derive(Clone, Copy)]
pub struct Mounts {
    bytes: &'static [u8],
    pub count: usize,
}

impl Iterator for Mounts {
    type Item = Mount;
    fn next(&mut self) -> Option<Mount> {
        self.count = self.count.checked_sub(1)?;
        let mut reader = Reader { bytes: self.bytes };
        let mount = reader.mount().ok()?;
        self.bytes = reader.bytes;
        Some(mount)
    }
}

struct Reader {
    bytes: &'static [u8],
}

impl Reader {
    fn spec(&mut self) -> sys::Result<Spec> {
        Ok(Spec {
            flags: self.word()?,
            uid: self.word()?,
            gid: self.word()?,
            capabilities: u64::from(self.word()?) | u64::from(self.word()?) << 32,
            groups: self.words()?,
            hostname: self.counted()?,
            hosts: self.counted()?,
            resolv_conf: self.counted()?,
            root: Stack {
                lowers: self.strings()?,
                upper: self.string()?,
                work: self.string()?,
            },
            argv: self.strings()?,
            env: self.strings()?,
            cwd: self.string()?,
            cgroups: self.strings()?,
            controllers: self.strings()?,
            mounts: self.mounts()?,
            filter: self.counted()?,
            window: self.window()?,
            shm_size: self.long()?,
            ulimits: self.ulimits()?,
        })
    }

    fn window(&mut self) -> sys::Result<Window> {
        let word = self.word()?;
        Ok(Window {
            columns: word as u16,
            rows: (word >> 16) as u16,
        })
    }

    fn take(&mut self, n: usize) -> sys::Result<&'static [u8]> {
        let (head, rest) = self.bytes.split_at_checked(n).ok_or(EINVAL)?;
        self.bytes = rest;
        Ok(head)
    }

    fn word(&mut self) -> sys::Result<u32> {
        let b = self.take(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn long(&mut self) -> sys::Result<u64> {
        Ok(u64::from(self.word()?) | u64::from(self.word()?) << 32)
    }

    fn ulimits(&mut self) -> sys::Result<&'static [Ulimit]> {
        let count = self.word()? as usize;
        if count == 0 {
            return Ok(&[]);
        }
        if count > self.bytes.len() / 20 {
            return Err(EINVAL);
        }
        let ulimits = memory::slice::<Ulimit>(count)?;
        for slot in ulimits.iter_mut() {
            *slot = Ulimit {
                resource: self.word()? as usize,
                limit: Limit {
                    soft: self.long()?,
                    hard: self.long()?,
                },
            };
        }
        Ok(ulimits)
    }

    fn words(&mut self) -> sys::Result<&'static [u32]> {
        let count = self.word()? as usize;
        if count > self.bytes.len() / 4 {
            return Err(EINVAL);
        }
        let words = memory::slice::<u32>(count)?;
        for slot in words.iter_mut() {
            *slot = self.word()?;
        }
        Ok(words)
    }

    /// Bytes behind their length, with a NUL after them.
    fn counted(&mut self) -> sys::Result<&'static [u8]> {
        let length = self.word()? as usize;
        let bytes = self.take(length)?;
        if self.take(1)? != [0] {
            return Err(EINVAL);
        }
        Ok(bytes)
    }

    fn string(&mut self) -> sys::Result<&'static CStr> {
        let start = self.bytes;
        let length = self.counted()?.len();
        CStr::from_bytes_with_nul(&start[4..4 + length + 1]).map_err(|_| EINVAL)
    }

    fn mounts(&mut self) -> sys::Result<Mounts> {
        let count = self.word()? as usize;
        let list = Mounts {
            bytes: self.bytes,
            count,
        };
        for _ in 0..count {
            self.mount()?;
        }
        Ok(list)
    }

    fn mount(&mut self) -> sys::Result<Mount> {
        let kind = self.word()?;
        Ok(Mount {
            read_only: self.word()? != 0,
            target: self.string()?,
            source: self.source(kind)?,
        })
    }

    fn source(&mut self, kind: u32) -> sys::Result<Source> {
        Ok(match kind {
            wire::MOUNT_BIND => Source::Bind(self.string()?),
            wire::MOUNT_LAYERS => Source::Layers {
                stack: Stack {
                    lowers: self.strings()?,
                    upper: self.string()?,
                    work: self.string()?,
                },
                path: self.string()?,
            },
            wire::MOUNT_TMPFS => Source::Tmpfs { size: self.string()? },
            wire::MOUNT_FILE => Source::File(Content {
                uid: self.word()?,
                gid: self.word()?,
                mode: self.word()?,
                bytes: self.counted()?,
            }),
            _ => return Err(EINVAL),
        })
    }

    fn strings(&mut self) -> sys::Result<Strings> {
        let count = self.word()? as usize;
        let list = Strings {
            bytes: self.bytes,
            count,
        };
        for _ in 0..count {
            self.string()?;
        }
        Ok(list)
    }
}
