//! System calls as the kernel defines them, each with its errno as the error. No libc: this program is one static page or two.

#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod arch;
#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod arch;

pub mod file;
pub mod futex;
pub mod identity;
pub mod memory;
pub mod mount;
pub mod netlink;
pub mod network;
pub mod process;
pub mod signal;
pub mod socket;
pub mod terminal;

use arch::nr;

/// errno(3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

pub const EPERM: Errno = Errno(1);
pub const ENOENT: Errno = Errno(2);
pub const EINTR: Errno = Errno(4);
pub const ENOEXEC: Errno = Errno(8);
pub const ECHILD: Errno = Errno(10);
pub const EAGAIN: Errno = Errno(11);
pub const EACCES: Errno = Errno(13);
pub const EBUSY: Errno = Errno(16);
pub const EEXIST: Errno = Errno(17);
pub const ENOTDIR: Errno = Errno(20);
pub const EINVAL: Errno = Errno(22);
pub const ENAMETOOLONG: Errno = Errno(36);
pub const ENOSYS: Errno = Errno(38);
pub const ELOOP: Errno = Errno(40);
pub const EOPNOTSUPP: Errno = Errno(95);
pub const EOVERFLOW: Errno = Errno(75);

pub type Result<T> = core::result::Result<T, Errno>;

/// Makes a system call, and turns the negative results into `Errno`.
///
/// # Safety
/// The arguments must be what the system call `number` expects.
unsafe fn call<const N: usize>(number: usize, arguments: [usize; N]) -> Result<usize> {
    let mut all = [0; 6];
    all[..N].copy_from_slice(&arguments);
    // SAFETY: the caller's promise.
    let result = unsafe { arch::syscall(number, all) };
    if (-4095..0).contains(&result) {
        return Err(Errno(-result as i32));
    }
    Ok(result as usize)
}
