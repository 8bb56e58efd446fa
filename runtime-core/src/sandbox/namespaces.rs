//! What the kernel says when a namespace of each kind is asked for: namespaces(7). Each is made by a process or thread of its own,
//! and gone at once.

use std::io;

use napi_derive::napi;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::UnshareFlags;

use crate::error::{Error, Result};
use crate::tree::thread::{self, Isolation};

/// A kind of namespace, and what was refused.
#[napi(object)]
pub struct TriedNamespace {
    pub name: String,
    /// errno(3); absent where it could be made.
    pub errno: Option<i32>,
}

/// All eight, with a user namespace around each of the others where this process is not privileged itself.
#[napi]
pub fn try_namespaces(in_user_namespace: bool) -> Vec<TriedNamespace> {
    let around = if in_user_namespace { libc::CLONE_NEWUSER } else { 0 };
    let kinds = [
        ("user", libc::CLONE_NEWUSER),
        ("mount", libc::CLONE_NEWNS),
        ("pid", libc::CLONE_NEWPID),
        ("net", libc::CLONE_NEWNET),
        ("ipc", libc::CLONE_NEWIPC),
        ("uts", libc::CLONE_NEWUTS),
        ("cgroup", libc::CLONE_NEWCGROUP),
    ];
    let mut tried: Vec<_> = kinds
        .iter()
        .map(|(name, flag)| outcome(name, clone_once(around | flag)))
        .collect();
    // clone(2) has no room for its flag; a thread cannot have a user namespace of its own.
    if in_user_namespace {
        let exists = std::fs::metadata("/proc/self/ns/time").map(drop);
        let refused = tried[0]
            .errno
            .map_or(Ok(()), |errno| Err(io::Error::from_raw_os_error(errno)));
        tried.push(outcome("time", refused.and(exists)));
    } else {
        tried.push(outcome("time", unshare_once(UnshareFlags::NEWTIME)));
    }
    tried
}

/// The errno with which a mount namespace, or a mount in it, is refused to this process; absent where both are to be had.
/// A tenth of a millisecond.
#[napi]
pub fn mount_refusal() -> Option<i32> {
    let tried: Result<()> = thread::run(Isolation::Stack, || {
        let failed = |step| move |errno: rustix::io::Errno| Error::io(step, "/", &errno.into());
        // SAFETY: the thread is new and ends after the next call.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.map_err(failed("unshare"))?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .map_err(failed("mount"))
    });
    tried.err().and_then(|error| error.errno)
}

fn outcome(name: &str, tried: io::Result<()>) -> TriedNamespace {
    TriedNamespace {
        name: name.into(),
        errno: tried.err().map(|error| error.raw_os_error().unwrap_or(libc::EIO)),
    }
}

fn unshare_once(flag: UnshareFlags) -> io::Result<()> {
    let thread = std::thread::Builder::new().spawn(move || {
        // SAFETY: the thread ends with this call; it shares nothing that the flag would part.
        unsafe { rustix::thread::unshare_unsafe(flag) }
    })?;
    Ok(thread.join().unwrap_or(Err(rustix::io::Errno::IO))?)
}

const STACK_SIZE: usize = 16 * 1024;

extern "C" fn end(_: *mut libc::c_void) -> libc::c_int {
    0
}

/// clone(2): a child that ends at once.
fn clone_once(flags: libc::c_int) -> io::Result<()> {
    let mut stack = vec![0u128; STACK_SIZE / size_of::<u128>()];
    // SAFETY: the child only returns; this thread sleeps until it has, so the stack outlives it.
    let pid = unsafe {
        let top = stack.as_mut_ptr_range().end.cast();
        let flags = flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(end, top, flags, std::ptr::null_mut())
    };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: waitpid(2) of a child of this process's own; the status is not wanted.
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    Ok(())
}
