//! What the store needs of the kernel to be safe between processes and across a crash: flock(2) and syncfs(2).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use rustix::fs::{FlockOperation, flock, syncfs};
use rustix::io::Errno;

use crate::error::{Error, Result};
use crate::task::{Job, spawn};

/// Writes out everything that was changed on the filesystem of `path` before the call. syncfs(2).
#[napi(ts_return_type = "Promise<void>")]
pub fn sync_filesystem(path: String) -> AsyncTask<Job<()>> {
    spawn(move || {
        let file = File::open(&path).map_err(|e| Error::io("open", &path, &e))?;
        syncfs(&file).map_err(|e| Error::io("syncfs", &path, &e.into()))
    })
}

/// A lock that the kernel releases when its process ends, however it ends. flock(2).
#[napi]
pub struct FileLock {
    /// What goes with the lock.
    removed: Option<String>,
    file: Option<File>,
}

#[napi]
impl FileLock {
    /// Takes the lock at `path`, creating the file; null while another holds it.
    #[napi(ts_return_type = "FileLock | null")]
    pub fn try_acquire(path: String) -> napi::Result<Option<Self>> {
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        Ok(try_lock(&path, exclusive)?.map(|file| Self {
            removed: Some(path),
            file: Some(file),
        }))
    }

    /// The same with a file that stays: an exclusive lock, or one that any number share and none has alone.
    #[napi(ts_return_type = "FileLock | null")]
    pub fn try_hold(path: String, shared: bool) -> napi::Result<Option<Self>> {
        let operation = if shared {
            FlockOperation::NonBlockingLockShared
        } else {
            FlockOperation::NonBlockingLockExclusive
        };
        Ok(try_lock(&path, operation)?.map(|file| Self {
            removed: None,
            file: Some(file),
        }))
    }

    /// Lets the next one in, and removes the file unless it stays. A second call does nothing.
    #[napi]
    pub fn release(&mut self) {
        if let Some(file) = self.file.take() {
            // Unlinked while still locked: whoever opened it before sees that it is no longer the lock of this path.
            let _ = self.removed.take().map(std::fs::remove_file);
            drop(file);
        }
    }
}

fn try_lock(path: &str, operation: FlockOperation) -> Result<Option<File>> {
    loop {
        let file = open_lock(path).map_err(|e| Error::io("open lock", path, &e))?;
        match flock(&file, operation) {
            Ok(()) if is_at(&file, path) => return Ok(Some(file)),
            Ok(()) | Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(Error::io("flock", path, &e.into())),
        }
    }
}

/// O_CLOEXEC, which std always sets, keeps the lock out of the programs that a step runs.
fn open_lock(path: &str) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
}

/// False when the previous holder unlinked the file between our open and our lock.
fn is_at(file: &File, path: &str) -> bool {
    match (file.metadata(), std::fs::symlink_metadata(path)) {
        (Ok(held), Ok(named)) => held.dev() == named.dev() && held.ino() == named.ino(),
        _ => false,
    }
}
