//! Descriptors, directories and paths.

use core::ffi::CStr;

use super::{EAGAIN, EINTR, Result, call, nr};

pub const AT_FDCWD: i32 = -100;
pub const AT_REMOVEDIR: usize = 0x200;
pub const AT_EMPTY_PATH: usize = 0x1000;

#[cfg(target_arch = "x86_64")]
mod flags {
    pub const O_DIRECTORY: usize = 0o200000;
    pub const O_NOFOLLOW: usize = 0o400000;
}
#[cfg(target_arch = "aarch64")]
mod flags {
    pub const O_DIRECTORY: usize = 0o40000;
    pub const O_NOFOLLOW: usize = 0o100000;
}
pub use flags::{O_DIRECTORY, O_NOFOLLOW};
pub const O_RDONLY: usize = 0;
pub const O_WRONLY: usize = 1;
pub const O_RDWR: usize = 2;
pub const O_CREAT: usize = 0o100;
pub const O_EXCL: usize = 0o200;
pub const O_CLOEXEC: usize = 0o2000000;
pub const O_PATH: usize = 0o10000000;

pub const RESOLVE_NO_MAGICLINKS: u64 = 2;
pub const RESOLVE_NO_SYMLINKS: u64 = 4;
pub const RESOLVE_IN_ROOT: u64 = 16;

pub const S_IFMT: u32 = 0o170000;
pub const S_IFDIR: u32 = 0o040000;
pub const S_IFCHR: u32 = 0o020000;
pub const S_IFBLK: u32 = 0o060000;
pub const S_IFIFO: u32 = 0o010000;

/// A descriptor that is closed when dropped.
pub struct Fd(i32);

impl Fd {
    pub fn new(raw: i32) -> Self {
        Self(raw)
    }
    pub fn raw(&self) -> i32 {
        self.0
    }
    /// Leaves the descriptor open for good.
    pub fn leak(self) -> i32 {
        let raw = self.0;
        core::mem::forget(self);
        raw
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        // SAFETY: close(2) of a descriptor this value owns.
        let _ = unsafe { call(nr::CLOSE, [self.0 as usize]) };
    }
}

fn path(p: &CStr) -> usize {
    p.as_ptr() as usize
}

pub fn open_at(dir: i32, name: &CStr, flags: usize, mode: usize) -> Result<Fd> {
    // SAFETY: openat(2) reads a C string.
    unsafe { call(nr::OPENAT, [dir as usize, path(name), flags | O_CLOEXEC, mode]) }.map(|fd| Fd(fd as i32))
}

pub fn open(name: &CStr, flags: usize) -> Result<Fd> {
    open_at(AT_FDCWD, name, flags, 0)
}

#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// openat2(2). While it walks a "..", any rename or mount of the machine makes it fail with EAGAIN: the builds beside this one do
/// both all the time. A walk takes microseconds, so that the attempts outlast any such burst.
pub fn open_beneath(root: i32, name: &CStr, flags: usize, resolve: u64) -> Result<Fd> {
    const ATTEMPTS: usize = 100_000;
    for _ in 1..ATTEMPTS {
        match try_open_beneath(root, name, flags, resolve) {
            Err(EAGAIN) => {}
            other => return other,
        }
    }
    try_open_beneath(root, name, flags, resolve)
}

fn try_open_beneath(root: i32, name: &CStr, flags: usize, resolve: u64) -> Result<Fd> {
    let how = OpenHow {
        flags: (flags | O_CLOEXEC) as u64,
        mode: 0,
        resolve,
    };
    // SAFETY: `how` is the struct the kernel expects, of the size given.
    unsafe {
        call(
            nr::OPENAT2,
            [
                root as usize,
                path(name),
                &raw const how as usize,
                size_of::<OpenHow>(),
            ],
        )
    }
    .map(|fd| Fd(fd as i32))
}

pub fn read(fd: i32, buffer: &mut [u8]) -> Result<usize> {
    loop {
        // SAFETY: the kernel writes at most `buffer.len()` bytes.
        match unsafe {
            call(
                nr::READ,
                [fd as usize, buffer.as_mut_ptr() as usize, buffer.len()],
            )
        } {
            Err(EINTR) => {}
            other => return other,
        }
    }
}

pub fn write(fd: i32, bytes: &[u8]) -> Result<usize> {
    loop {
        // SAFETY: the kernel reads `bytes.len()` bytes.
        match unsafe { call(nr::WRITE, [fd as usize, bytes.as_ptr() as usize, bytes.len()]) } {
            Err(EINTR) => {}
            other => return other,
        }
    }
}

pub fn write_all(fd: i32, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let n = write(fd, bytes)?;
        bytes = &bytes[n..];
    }
    Ok(())
}

/// Writes a kernel file such as /proc/self/uid_map in one write.
pub fn write_file(dir: i32, name: &CStr, content: &[u8]) -> Result<()> {
    let file = open_at(dir, name, O_WRONLY, 0)?;
    write(file.raw(), content).map(drop)
}

pub fn duplicate(from: i32, to: i32) -> Result<()> {
    // SAFETY: dup3(2) touches the descriptor table only.
    unsafe { call(nr::DUP3, [from as usize, to as usize, 0]) }.map(drop)
}

/// Closes every descriptor from `first` on: close_range(2).
pub fn close_from(first: u32) {
    close_between(first, u32::MAX);
}

/// Closes the descriptors `first..=last`.
pub fn close_between(first: u32, last: u32) {
    if first > last {
        return;
    }
    // SAFETY: close_range(2) touches the descriptor table only; callers own what they close.
    let done = unsafe { call(nr::CLOSE_RANGE, [first as usize, last as usize, 0]) };
    if done.is_err() {
        // Linux before 5.9.
        for fd in first..=last.min(65_535) {
            drop(Fd(fd as i32));
        }
    }
}

pub fn make_directory(dir: i32, name: &CStr, mode: usize) -> Result<()> {
    // SAFETY: mkdirat(2) reads a C string.
    unsafe { call(nr::MKDIRAT, [dir as usize, path(name), mode]) }.map(drop)
}

/// `mode` is the kind and the permissions; the device is a major and a minor number below 256.
pub fn make_device(dir: i32, name: &CStr, mode: u32, (major, minor): (u32, u32)) -> Result<()> {
    let device = (major << 8 | minor) as usize;
    // SAFETY: mknodat(2) reads a C string.
    unsafe { call(nr::MKNODAT, [dir as usize, path(name), mode as usize, device]) }.map(drop)
}

pub fn symlink(target: &CStr, dir: i32, name: &CStr) -> Result<()> {
    // SAFETY: symlinkat(2) reads C strings.
    unsafe { call(nr::SYMLINKAT, [path(target), dir as usize, path(name)]) }.map(drop)
}

/// What a symbolic link says, in `text`; a longer one is cut. EINVAL for anything else.
pub fn read_link<'a>(dir: i32, name: &CStr, text: &'a mut [u8]) -> Result<&'a [u8]> {
    // SAFETY: readlinkat(2) reads a C string and writes at most the length it is given.
    let length = unsafe {
        call(
            nr::READLINKAT,
            [dir as usize, path(name), text.as_mut_ptr() as usize, text.len()],
        )
    }?;
    Ok(&text[..length])
}

pub fn unlink(dir: i32, name: &CStr, flags: usize) -> Result<()> {
    // SAFETY: unlinkat(2) reads a C string.
    unsafe { call(nr::UNLINKAT, [dir as usize, path(name), flags]) }.map(drop)
}

pub fn change_owner_of(fd: i32, uid: u32, gid: u32) -> Result<()> {
    // SAFETY: fchown(2) takes integers.
    unsafe { call(nr::FCHOWN, [fd as usize, uid as usize, gid as usize]) }.map(drop)
}

pub fn change_directory(to: &CStr) -> Result<()> {
    // SAFETY: chdir(2) reads a C string.
    unsafe { call(nr::CHDIR, [path(to)]) }.map(drop)
}

pub fn change_root(to: &CStr) -> Result<()> {
    // SAFETY: chroot(2) reads a C string.
    unsafe { call(nr::CHROOT, [path(to)]) }.map(drop)
}

pub fn change_directory_to(fd: i32) -> Result<()> {
    // SAFETY: fchdir(2) takes a descriptor.
    unsafe { call(nr::FCHDIR, [fd as usize]) }.map(drop)
}

/// getcwd(2), which says "(unreachable)…" for a directory outside the root.
pub fn is_directory_inside_root() -> Result<bool> {
    let mut buffer = [0u8; 4096];
    // SAFETY: the kernel writes at most the buffer.
    unsafe { call(nr::GETCWD, [buffer.as_mut_ptr() as usize, buffer.len()]) }?;
    Ok(buffer[0] == b'/')
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct StatxTime {
    pub seconds: i64,
    pub nanoseconds: u32,
    reserved: i32,
}

/// statx(2).
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Statx {
    mask: u32,
    blksize: u32,
    attributes: u64,
    nlink: u32,
    pub uid: u32,
    pub gid: u32,
    mode: u16,
    spare0: u16,
    pub ino: u64,
    size: u64,
    blocks: u64,
    attributes_mask: u64,
    times: [StatxTime; 3],
    pub mtime: StatxTime,
    pub rdev_major: u32,
    pub rdev_minor: u32,
    dev_major: u32,
    dev_minor: u32,
    pub mount_id: u64,
    rest: [u64; 13],
}

impl Statx {
    pub fn kind(&self) -> u32 {
        u32::from(self.mode) & S_IFMT
    }
    pub fn is_directory(&self) -> bool {
        self.kind() == S_IFDIR
    }
}

const STATX_BASIC_STATS: usize = 0x7ff;
const STATX_MNT_ID: usize = 0x1000;

pub fn stat(fd: i32) -> Result<Statx> {
    stat_at(fd, c"", AT_EMPTY_PATH)
}

pub fn stat_at(dir: i32, name: &CStr, flags: usize) -> Result<Statx> {
    let mut out = Statx::default();
    let mask = STATX_BASIC_STATS | STATX_MNT_ID;
    // SAFETY: the kernel fills a struct statx, which `out` is (256 bytes).
    unsafe {
        call(
            nr::STATX,
            [dir as usize, path(name), flags, mask, &raw mut out as usize],
        )
    }?;
    Ok(out)
}

const UTIME_OMIT: i64 = (1 << 30) - 2;

/// Puts an mtime back: utimensat(2) on the directory itself.
pub fn set_modified(fd: i32, time: StatxTime) -> Result<()> {
    let times: [[i64; 2]; 2] = [[0, UTIME_OMIT], [time.seconds, i64::from(time.nanoseconds)]];
    // SAFETY: two timespecs, and no path: the descriptor's own times.
    unsafe { call(nr::UTIMENSAT, [fd as usize, 0, &raw const times as usize, 0]) }.map(drop)
}
const _: () = assert!(size_of::<Statx>() == 256);
