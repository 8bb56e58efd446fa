//! What the store needs of the kernel to be safe between processes and across a crash: flock(2) and syncfs(2).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use rustix::fs::{AtFlags, CWD, FlockOperation, Timespec, Timestamps, UTIME_NOW, flock, syncfs, utimensat};
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

/// What a process uses of what several share: a line each, in a file that others read. Whoever removes things holds the lock
/// alone while it reads that file and removes: what is here by then stays, and what comes later finds it gone.
#[napi]
pub struct UseLog {
    lock: File,
    log: File,
}

#[napi]
impl UseLog {
    #[napi(factory)]
    pub fn open(lock: String, log: String) -> napi::Result<Self> {
        Ok(Self {
            lock: open_lock(&lock).map_err(|e| Error::io("open lock", &lock, &e))?,
            log: open_appending(&log).map_err(|e| Error::io("open", &log, &e))?,
        })
    }

    /// Waits while things are being removed.
    #[napi]
    pub fn add(&mut self, name: String) -> napi::Result<()> {
        let wrong = |e: io::Error| Error::io("note a use", &name, &e);
        lock_shared(&self.lock).map_err(|e| wrong(e.into()))?;
        let written = self.log.write_all(format!("{name}\n").as_bytes());
        let unlocked = flock(&self.lock, FlockOperation::Unlock);
        written.map_err(wrong)?;
        Ok(unlocked.map_err(|e| wrong(e.into()))?)
    }
}

fn lock_shared(lock: &File) -> rustix::io::Result<()> {
    loop {
        match flock(lock, FlockOperation::LockShared) {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Sets the times of `path` to now, and makes `counter` a byte longer. Nothing happens where they are not there.
#[napi]
pub fn note_use(path: String, counter: Option<String>) -> napi::Result<()> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    let touched = utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW);
    unless_absent(touched.map_err(io::Error::from)).map_err(|e| Error::io("touch", &path, &e))?;
    let Some(counter) = counter else { return Ok(()) };
    let counted = open_appending(&counter).and_then(|mut file| file.write_all(b"+"));
    Ok(unless_absent(counted).map_err(|e| Error::io("count a use", &counter, &e))?)
}

fn unless_absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn open_appending(path: &str) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)
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
