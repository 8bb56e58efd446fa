//! What of /proc and /sys a step may not see or not change: Docker's lists. Every lookup starts at a filesystem this
//! program mounted itself, so that no image can stand in the way.

use core::ffi::CStr;

use crate::report::{Fail, Step};
use crate::sys::file::{self, Fd, O_NOFOLLOW, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS};
use crate::sys::mount::{self, NODEV, NOEXEC, NOSUID, RDONLY};
use crate::sys::{self, ENOENT};
use crate::text::{Text, format};

const STEP: &str = "masked paths";

const MASKED_IN_PROC: [&CStr; 10] = [
    c"acpi",
    c"asound",
    c"interrupts",
    c"kcore",
    c"keys",
    c"latency_stats",
    c"sched_debug",
    c"scsi",
    c"timer_list",
    c"timer_stats",
];

const READ_ONLY_IN_PROC: [&CStr; 5] = [c"bus", c"fs", c"irq", c"sys", c"sysrq-trigger"];

const MASKED_IN_SYS: [&CStr; 2] = [c"firmware", c"devices/virtual/powercap"];

/// More cores than any machine of today; the walk ends at the first that is missing.
const MAX_CORES: usize = 8192;

pub struct Masks<'a> {
    null: &'a Fd,
    /// The first masked directory's tmpfs; the others are copies of it.
    empty: Option<Fd>,
}

impl<'a> Masks<'a> {
    /// `null` is a null device, checked, and attached: only Linux 6.15 copies a detached mount.
    pub fn new(null: &'a Fd) -> Self {
        Self { null, empty: None }
    }

    pub fn apply(&mut self, proc: &Fd, sys: &Fd) -> Result<(), Fail> {
        for name in READ_ONLY_IN_PROC {
            make_read_only(proc, name).about("read-only paths", name)?;
        }
        for name in MASKED_IN_PROC {
            self.cover(proc, name).about(STEP, name)?;
        }
        for name in MASKED_IN_SYS {
            self.cover(sys, name).about(STEP, name)?;
        }
        self.cover_thermal_throttling(sys).at(STEP)
    }

    fn cover_thermal_throttling(&mut self, sys: &Fd) -> sys::Result<()> {
        for core in 0..MAX_CORES {
            let directory: Text<64> = format(format_args!("devices/system/cpu/cpu{core}"))?;
            if lookup(sys, directory.as_c_str())?.is_none() {
                break;
            }
            let counters: Text<96> = format(format_args!("devices/system/cpu/cpu{core}/thermal_throttle"))?;
            self.cover(sys, counters.as_c_str())?;
        }
        Ok(())
    }

    /// Covers a file with the null device, a directory with an empty one. What does not exist needs no cover.
    fn cover(&mut self, filesystem: &Fd, path: &CStr) -> sys::Result<()> {
        let Some(at) = lookup(filesystem, path)? else {
            return Ok(());
        };
        if file::stat(at.raw())?.is_directory() {
            return self.cover_directory(&at);
        }
        mount::attach(&mount::clone(self.null.raw(), c"", false)?, at.raw())
    }

    fn cover_directory(&mut self, at: &Fd) -> sys::Result<()> {
        if let Some(empty) = &self.empty {
            return mount::attach(&mount::clone(empty.raw(), c"", false)?, at.raw());
        }
        let empty = mount::new(
            c"tmpfs",
            &[(c"mode", c"755"), (c"size", c"4k")],
            RDONLY | NOSUID | NODEV | NOEXEC,
        )?;
        mount::attach(&empty, at.raw())?;
        self.empty = Some(empty);
        Ok(())
    }
}

fn make_read_only(filesystem: &Fd, path: &CStr) -> sys::Result<()> {
    let Some(at) = lookup(filesystem, path)? else {
        return Ok(());
    };
    let copy = mount::clone(at.raw(), c"", false)?;
    mount::restrict(&copy, RDONLY, false)?;
    mount::attach(&copy, at.raw())
}

fn lookup(filesystem: &Fd, path: &CStr) -> sys::Result<Option<Fd>> {
    match file::open_beneath(
        filesystem.raw(),
        path,
        O_PATH | O_NOFOLLOW,
        RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS,
    ) {
        Ok(found) => Ok(Some(found)),
        Err(ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}
