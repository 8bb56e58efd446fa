//! Times of directories that an archive is unpacked into: what is put into a directory is no change of its own.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Timespec, Timestamps, UTIME_OMIT, fstat, futimens};

use super::resolve::Parent;
use super::sys::{failed, open_dir_beneath};
use super::target::Target;
use crate::error::Result;

/// mtimes by real path.
#[derive(Default)]
pub struct KeptTimes(BTreeMap<Vec<u8>, Timespec>);

impl Target {
    /// To be called before anything is made in `parent`. One that was made here gets the time that it is made with.
    pub(super) fn keep_time(&mut self, parent: &Parent) -> Result<()> {
        let Some(kept) = &mut self.kept_times else {
            return Ok(());
        };
        if kept.0.contains_key(&parent.path) || self.directories.contains_key(&parent.path) {
            return Ok(());
        }
        let stat = fstat(&parent.fd).map_err(failed("stat", &parent.path))?;
        let mtime = Timespec {
            tv_sec: stat.st_mtime,
            tv_nsec: stat.st_mtime_nsec as _,
        };
        kept.0.insert(parent.path.clone(), mtime);
        Ok(())
    }
}

impl KeptTimes {
    /// Gives the times back. A directory that something else has replaced has none to get.
    pub fn restore(&self, root: &OwnedFd) -> Result<()> {
        for (path, mtime) in &self.0 {
            let Ok(fd) = open_dir_beneath(root.as_fd(), path) else {
                continue;
            };
            let times = Timestamps {
                last_access: Timespec {
                    tv_sec: 0,
                    tv_nsec: UTIME_OMIT,
                },
                last_modification: *mtime,
            };
            futimens(&fd, &times).map_err(failed("set times", path))?;
        }
        Ok(())
    }
}
