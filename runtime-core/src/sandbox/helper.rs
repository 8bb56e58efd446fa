//! The helper as an open file: a sealed memfd, so that nothing that runs it can change it (CVE-2019-5736).

use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use crate::error::{Error, Result};

const PROGRAM: &[u8] = include_bytes!(env!("TSBUILD_INIT"));

static HELPER: OnceLock<OwnedFd> = OnceLock::new();

/// The descriptor to execute; it stays open as long as this process.
pub fn descriptor() -> Result<RawFd> {
    if let Some(helper) = HELPER.get() {
        return Ok(helper.as_raw_fd());
    }
    let made = sealed(PROGRAM).map_err(|error| Error::io("helper", "memfd", &error))?;
    // Another thread may have been first; its descriptor is as good.
    Ok(HELPER.get_or_init(|| made).as_raw_fd())
}

fn sealed(program: &[u8]) -> std::io::Result<OwnedFd> {
    let base = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // memfd_create(2): MFD_EXEC since Linux 6.3, implied before.
    let memfd = memfd_create(c"tsbuild-init", base | MemfdFlags::EXEC)
        .or_else(|_| memfd_create(c"tsbuild-init", base))?;
    let mut file = std::fs::File::from(memfd);
    file.write_all(program)?;
    let memfd = OwnedFd::from(file);
    fcntl_add_seals(
        &memfd,
        SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
    )?;
    Ok(memfd)
}

/// An empty memfd, closed on exec.
pub fn memfd() -> std::io::Result<OwnedFd> {
    Ok(memfd_create(c"tsbuild-spec", MemfdFlags::CLOEXEC)?)
}
