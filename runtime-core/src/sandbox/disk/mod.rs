//! What a step writes: how much it was at the end, and the quota it is held to meanwhile.
//!
//! The quota needs nothing of the kernel or of the filesystem, so that it holds for everybody and on any store.

mod guard;
mod nameless;
mod written;

use std::cmp::Ordering;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::control::Control;
use super::request::SandboxRequest;
use crate::error::{Error, Result};
use crate::tree::size::{self, Measured};
use guard::Guard;
use nameless::Nameless;
use written::Written;

/// Counting this many files takes two milliseconds or so; a step that wrote more has taken far longer.
const COUNTED_AT_ONCE: u64 = 1000;

/// The disk of one step.
pub struct Disk {
    upper: OwnedFd,
    /// Until it is watched.
    quota: Option<Quota>,
    guard: Option<Guard>,
}

struct Quota {
    bytes: u64,
    written: Written,
}

/// What there is to tell at the end.
pub struct DiskReport {
    /// How what it wrote compares with its quota.
    pub quota: Option<Ordering>,
    /// Content of the files in the upper; `None` where that takes too long to count now.
    pub layer_bytes: Option<u64>,
}

impl Disk {
    /// With a quota, counts what the step's caches hold already.
    pub fn open(request: &SandboxRequest) -> Result<Self> {
        let upper = size::open_tree(&request.upper)?;
        let quota = match request.limits.disk_quota()? {
            Some(bytes) => Some(Quota {
                bytes,
                written: Written::open(&upper, &request.mounts)
                    .map_err(|errno| Error::io("disk quota", &request.upper, &errno.into()))?,
            }),
            None => None,
        };
        Ok(Self {
            upper,
            quota,
            guard: None,
        })
    }

    /// Holds the step that now runs to its quota. `helper` is the process that its processes descend from.
    pub fn watch(&mut self, helper: &OwnedFd, control: &Control) -> io::Result<()> {
        if let Some(Quota { bytes, written }) = self.quota.take() {
            let nameless = Nameless::new(helper, written.upper());
            self.guard = Some(Guard::start(bytes, written, nameless, control.clone())?);
        }
        Ok(())
    }

    /// To be called when no process of the step is left.
    pub fn report(&mut self) -> DiskReport {
        let measured = size::measure(self.upper.as_fd(), |size| size.entries < COUNTED_AT_ONCE);
        DiskReport {
            quota: self.guard.take().map(Guard::finish),
            layer_bytes: match measured {
                Ok(Measured::Whole(size)) => Some(size.content),
                _ => None,
            },
        }
    }
}
