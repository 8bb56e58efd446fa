//! A thread of its own: umask, working directory and mount namespace are changed without the process noticing.

use rustix::fs::Mode;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::UnshareFlags;

use crate::error::{Error, Result};

/// Deep trees are walked by recursion; the pages are only used when they are touched.
const STACK_BYTES: usize = 64 << 20;

/// What the work needs of its thread.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// A umask of 0: modes are what they are asked to be.
    Umask,
    /// Also a private mount namespace, for overlays.
    Mounts,
}

/// Runs `work` on a new thread that shares neither umask nor working directory with the process, nor mounts where asked.
pub fn run<T: Send>(isolation: Isolation, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("tsbuild-tree".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || {
                isolate(isolation)?;
                work()
            })
            .map_err(|error| Error::io("start thread", "tsbuild-tree", &error))?;
        thread
            .join()
            .unwrap_or_else(|_| Err(Error::new("INTERNAL", "tree", "the worker panicked")))
    })
}

fn isolate(isolation: Isolation) -> Result<()> {
    unshare(UnshareFlags::FS, "unshare")?;
    rustix::process::umask(Mode::empty());
    if isolation == Isolation::Mounts {
        unshare(UnshareFlags::NEWNS, "unshare mounts")?;
        // mount_namespaces(7): nothing that is mounted here may reach the host.
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .map_err(|error| Error::io("make mounts private", "/", &error.into()))?;
    }
    Ok(())
}

fn unshare(flags: UnshareFlags, step: &str) -> Result<()> {
    // SAFETY: this thread is new and runs only our work; FS and NEWNS do not touch the descriptor table it shares.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(|error| {
        let mut error = Error::io(step, "thread", &error.into());
        if error.errno == Some(libc::EPERM) {
            error.code = "NOT_PERMITTED";
        }
        error
    })
}
