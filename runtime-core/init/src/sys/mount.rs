//! The mount API of Linux 5.2: mounts are made detached, as descriptors, and put in place by descriptor. No path is looked up twice.

use core::ffi::CStr;

use super::file::{AT_EMPTY_PATH, Fd};
use super::{Result, call, nr};

pub const RDONLY: u64 = 1;
pub const NOSUID: u64 = 2;
pub const NODEV: u64 = 4;
pub const NOEXEC: u64 = 8;
const IDMAP: u64 = 0x100000;

pub const MS_REC: usize = 0x4000;
pub const MS_PRIVATE: usize = 1 << 18;
pub const MNT_DETACH: usize = 2;
pub const UMOUNT_NOFOLLOW: usize = 8;

const OPEN_TREE_CLONE: usize = 1;
const OPEN_TREE_CLOEXEC: usize = 0o2000000;
const AT_RECURSIVE: usize = 0x8000;
const MOVE_MOUNT_F_EMPTY_PATH: usize = 4;
const MOVE_MOUNT_T_EMPTY_PATH: usize = 0x40;
const FSCONFIG_SET_FLAG: usize = 0;
const FSCONFIG_SET_STRING: usize = 1;
const FSCONFIG_CMD_CREATE: usize = 6;

fn address(p: &CStr) -> usize {
    p.as_ptr() as usize
}

/// A filesystem being configured: fsopen(2).
pub struct Filesystem(Fd);

impl Filesystem {
    pub fn open(kind: &CStr) -> Result<Self> {
        // SAFETY: fsopen(2) reads a C string.
        let new = unsafe { call(nr::FSOPEN, [address(kind), 1]) }.map(|fd| Self(Fd::new(fd as i32)))?;
        // What /proc/mounts and df show; nothing hangs on it.
        let _ = new.set(c"source", kind);
        Ok(new)
    }
    pub fn set(&self, key: &CStr, value: &CStr) -> Result<()> {
        self.configure(FSCONFIG_SET_STRING, address(key), address(value))
    }
    pub fn set_flag(&self, key: &CStr) -> Result<()> {
        self.configure(FSCONFIG_SET_FLAG, address(key), 0)
    }
    pub fn create(&self) -> Result<()> {
        self.configure(FSCONFIG_CMD_CREATE, 0, 0)
    }
    /// The new filesystem as a detached mount.
    pub fn mount(&self, attributes: u64) -> Result<Fd> {
        // SAFETY: fsmount(2) takes integers.
        unsafe { call(nr::FSMOUNT, [self.0.raw() as usize, 1, attributes as usize]) }
            .map(|fd| Fd::new(fd as i32))
    }
    /// What the filesystem says of its last failure.
    pub fn log(&self, buffer: &mut [u8]) -> usize {
        super::file::read(self.0.raw(), buffer).unwrap_or(0)
    }
    fn configure(&self, command: usize, key: usize, value: usize) -> Result<()> {
        // SAFETY: fsconfig(2) reads C strings, or nothing where null is allowed.
        unsafe { call(nr::FSCONFIG, [self.0.raw() as usize, command, key, value, 0]) }.map(drop)
    }
}

/// A new filesystem as a detached mount.
pub fn new(kind: &CStr, options: &[(&CStr, &CStr)], attributes: u64) -> Result<Fd> {
    let filesystem = Filesystem::open(kind)?;
    for (key, value) in options {
        filesystem.set(key, value)?;
    }
    filesystem.create()?;
    filesystem.mount(attributes)
}

/// A detached copy of the mount at `name` below `dir`, the descriptor itself when the name is empty.
pub fn clone(dir: i32, name: &CStr, recursive: bool) -> Result<Fd> {
    let mut flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
    if recursive {
        flags |= AT_RECURSIVE;
    }
    // SAFETY: open_tree(2) reads a C string.
    unsafe { call(nr::OPEN_TREE, [dir as usize, address(name), flags]) }.map(|fd| Fd::new(fd as i32))
}

/// Puts a mount, detached or not, on top of what `target` is.
pub fn attach(mount: &Fd, target: i32) -> Result<()> {
    let empty = address(c"");
    let flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    // SAFETY: move_mount(2) reads two empty C strings.
    unsafe {
        call(
            nr::MOVE_MOUNT,
            [mount.raw() as usize, empty, target as usize, empty, flags],
        )
    }
    .map(drop)
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

fn set_attributes(mount: i32, attributes: &MountAttributes, recursive: bool) -> Result<()> {
    let flags = AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    let size = size_of::<MountAttributes>();
    // SAFETY: mount_setattr(2) reads the struct, of the size given.
    unsafe {
        call(
            nr::MOUNT_SETATTR,
            [
                mount as usize,
                address(c""),
                flags,
                attributes as *const _ as usize,
                size,
            ],
        )
    }
    .map(drop)
}

pub fn restrict(mount: &Fd, attributes: u64, recursive: bool) -> Result<()> {
    let change = MountAttributes {
        set: attributes,
        clear: 0,
        propagation: 0,
        userns: 0,
    };
    set_attributes(mount.raw(), &change, recursive)
}

/// Maps the ids on disk as user namespace `userns` does: mount_setattr(2), "ID-mapped mounts".
pub fn map_ids(mount: &Fd, userns: i32, recursive: bool) -> Result<()> {
    let change = MountAttributes {
        set: IDMAP,
        clear: 0,
        propagation: 0,
        userns: userns as u64,
    };
    set_attributes(mount.raw(), &change, recursive)
}

/// mount(2), for what the newer calls cannot do on older kernels.
pub fn legacy(kind: &CStr, target: &CStr, flags: usize, data: &CStr) -> Result<()> {
    // SAFETY: mount(2) reads C strings.
    unsafe {
        call(
            nr::MOUNT,
            [
                address(kind),
                address(target),
                address(kind),
                flags,
                address(data),
            ],
        )
    }
    .map(drop)
}

/// Cuts this mount namespace from its peers: nothing done here is seen outside.
pub fn make_all_private() -> Result<()> {
    // SAFETY: mount(2) ignores source, type and data when it changes propagation.
    unsafe { call(nr::MOUNT, [0, address(c"/"), 0, MS_REC | MS_PRIVATE, 0]) }.map(drop)
}

pub fn unmount(target: &CStr, flags: usize) -> Result<()> {
    // SAFETY: umount2(2) reads a C string.
    unsafe { call(nr::UMOUNT2, [address(target), flags]) }.map(drop)
}

/// Makes the current directory the root and drops the old one: pivot_root(2), `pivot_root(".", ".")`.
pub fn pivot_to_current_directory() -> Result<()> {
    // SAFETY: pivot_root(2) reads C strings.
    unsafe { call(nr::PIVOT_ROOT, [address(c"."), address(c".")]) }?;
    unmount(c".", MNT_DETACH)?;
    super::file::change_directory(c"/")
}
