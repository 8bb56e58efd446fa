//! Extended attributes of a name in a directory, without opening it: xattr(7).

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

/// Attribute names and values, sorted bytewise by name.
pub type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// XATTR_LIST_MAX and XATTR_SIZE_MAX of linux/limits.h.
const MAX: usize = 65536;

const SYS_GETXATTRAT: libc::c_long = 464;
const SYS_LISTXATTRAT: libc::c_long = 465;

/// Linux before 6.13 has no getxattrat(2); procfs names the directory there.
static NO_XATTRAT: AtomicBool = AtomicBool::new(false);

/// `struct xattr_args` of linux/xattr.h.
#[repr(C, align(8))]
struct XattrArgs {
    value: u64,
    size: u32,
    flags: u32,
}

/// The attributes of `dir/name` for which `wanted` holds. A filesystem without attributes has none.
pub fn read(dir: BorrowedFd<'_>, name: &[u8], wanted: impl Fn(&[u8]) -> bool) -> rustix::io::Result<Xattrs> {
    let path = CString::new(name).map_err(|_| Errno::INVAL)?;
    let names = list(dir, &path)?;
    let mut found = Xattrs::new();
    for attribute in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty() && wanted(name))
    {
        let key = CString::new(attribute).map_err(|_| Errno::INVAL)?;
        match sized(|buffer| get_at(dir, &path, &key, buffer)) {
            Ok(value) => found.push((attribute.to_vec(), value)),
            // Removed between the two calls, or listed but not for us to read (trusted.* without CAP_SYS_ADMIN).
            Err(Errno::NODATA | Errno::PERM) => {}
            Err(errno) => return Err(errno),
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn list(dir: BorrowedFd<'_>, path: &CString) -> rustix::io::Result<Vec<u8>> {
    match sized(|buffer| list_at(dir, path, buffer)) {
        Err(Errno::NOTSUP) => Ok(Vec::new()),
        done => done,
    }
}

/// Calls with a small buffer, and once more with the largest when the kernel says ERANGE.
fn sized(call: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut small = [0u8; 512];
    match call(&mut small) {
        Ok(len) => Ok(small[..len].to_vec()),
        Err(Errno::RANGE) => {
            let mut large = vec![0u8; MAX];
            let len = call(&mut large)?;
            large.truncate(len);
            Ok(large)
        }
        Err(errno) => Err(errno),
    }
}

fn list_at(dir: BorrowedFd<'_>, path: &CString, buffer: &mut [u8]) -> rustix::io::Result<usize> {
    if NO_XATTRAT.load(Ordering::Relaxed) {
        return rustix::fs::llistxattr(through_proc(dir, path), buffer);
    }
    // SAFETY: path is a C string and buffer is writable for its length; both outlive the call.
    let result = unsafe {
        libc::syscall(
            SYS_LISTXATTRAT,
            dir.as_raw_fd(),
            path.as_ptr(),
            libc::AT_SYMLINK_NOFOLLOW,
            buffer.as_mut_ptr(),
            buffer.len(),
        )
    };
    match outcome(result) {
        // Docker's filter of system calls knows this one only since 2025, and runc answers EPERM for what it does not.
        Err(Errno::NOSYS | Errno::PERM) => {
            NO_XATTRAT.store(true, Ordering::Relaxed);
            list_at(dir, path, buffer)
        }
        done => done,
    }
}

fn get_at(
    dir: BorrowedFd<'_>,
    path: &CString,
    key: &CString,
    buffer: &mut [u8],
) -> rustix::io::Result<usize> {
    if NO_XATTRAT.load(Ordering::Relaxed) {
        return rustix::fs::lgetxattr(through_proc(dir, path), key.as_c_str(), buffer);
    }
    let mut args = XattrArgs {
        value: buffer.as_mut_ptr() as u64,
        size: buffer.len() as u32,
        flags: 0,
    };
    // SAFETY: the strings are C strings, args points to a buffer writable for its size; all outlive the call.
    let result = unsafe {
        libc::syscall(
            SYS_GETXATTRAT,
            dir.as_raw_fd(),
            path.as_ptr(),
            libc::AT_SYMLINK_NOFOLLOW,
            key.as_ptr(),
            &raw mut args,
            size_of::<XattrArgs>(),
        )
    };
    outcome(result)
}

fn outcome(result: libc::c_long) -> rustix::io::Result<usize> {
    usize::try_from(result)
        .map_err(|_| Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
}

fn through_proc(dir: impl AsFd, path: &CString) -> Vec<u8> {
    let mut name = format!("/proc/self/fd/{}/", dir.as_fd().as_raw_fd()).into_bytes();
    name.extend_from_slice(path.as_bytes());
    name
}
