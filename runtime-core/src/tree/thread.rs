//! A thread of its own: its working directory and mounts are changed without the process noticing.

use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::UnshareFlags;

use crate::error::{Error, Result};

/// Deep trees are walked by recursion; the pages are only used when they are touched.
const STACK_BYTES: usize = 64 << 20;

/// What the work needs of its thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Nothing but a deep stack.
    Stack,
    /// A mount namespace, for overlays. Needs CAP_SYS_ADMIN.
    Mounts,
}

/// Runs `work` on a new thread with what it needs.
pub fn run<T: Send>(isolation: Isolation, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("tsbuild-tree".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || {
                if isolation == Isolation::Mounts {
                    leave_mounts()?;
                }
                work()
            })
            .map_err(|error| Error::io("start thread", "tsbuild-tree", &error))?;
        thread
            .join()
            .unwrap_or_else(|_| Err(Error::new("INTERNAL", "tree", "the worker panicked")))
    })
}

/// mount_namespaces(7): what is mounted from here on reaches nobody. The working directory is this thread's own, too.
fn leave_mounts() -> Result<()> {
    // SAFETY: this thread is new and runs only our work; NEWNS does not touch the descriptor table it shares.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }.map_err(|error| {
        let mut error = Error::io("unshare mounts", "thread", &error.into());
        if error.errno == Some(libc::EPERM) {
            error.code = "NOT_PERMITTED";
        }
        error
    })?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(|error| Error::io("make mounts private", "/", &error.into()))
}
