//! /dev of a step, made of nodes where nothing can be mounted.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, makedev, mkdirat, mknodat, openat, symlinkat};

use crate::archive::sys::failed;
use crate::error::{Error, Result};
use crate::tree::chmod::chmod_by_name;

const NODES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Fills an empty directory. mknod(2) needs CAP_MKNOD outside of any user namespace, and a filesystem that is not mounted nodev.
pub fn fill(directory: &OwnedFd) -> Result<()> {
    for (name, major, minor) in NODES {
        let device = makedev(major, minor);
        mknodat(directory, name, FileType::CharacterDevice, Mode::empty(), device)
            .and_then(|()| chmod_by_name(directory, name.as_bytes(), Mode::from_raw_mode(0o666)))
            .map_err(setup(name))?;
    }
    openat(directory, "null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(setup("null"))?;
    for (name, target) in LINKS {
        symlinkat(target, directory, name).map_err(failed("/dev", name.as_bytes()))?;
    }
    mkdirat(directory, "shm", Mode::from_raw_mode(0o700))
        .and_then(|()| chmod_by_name(directory, b"shm", Mode::from_raw_mode(0o1777)))
        .map_err(failed("/dev", b"shm"))
}

fn setup(name: &str) -> impl Fn(rustix::io::Errno) -> Error {
    move |errno| Error {
        code: "SANDBOX_SETUP_FAILED",
        ..failed("device node", format!("/dev/{name}").as_bytes())(errno)
    }
}
