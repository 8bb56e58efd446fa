//! Who a process is: credentials(7), capabilities(7), session keyring.

use super::{Result, call, nr};

/// Ids and groups of the calling thread.
pub fn set_groups(groups: &[u32]) -> Result<()> {
    // SAFETY: setgroups(2) reads `groups.len()` ids.
    unsafe { call(nr::SETGROUPS, [groups.len(), groups.as_ptr() as usize]) }.map(drop)
}

pub fn set_ids(uid: u32, gid: u32) -> Result<()> {
    let (uid, gid) = (uid as usize, gid as usize);
    // SAFETY: setresgid(2) and setresuid(2) take integers.
    unsafe {
        call(nr::SETRESGID, [gid, gid, gid])?;
        call(nr::SETRESUID, [uid, uid, uid])?;
    }
    Ok(())
}

/// The ids that filesystems see: setfsuid(2). They report no failure.
pub fn set_filesystem_ids(id: u32) {
    // SAFETY: both take an integer.
    unsafe {
        let _ = call(nr::SETFSUID, [id as usize]);
        let _ = call(nr::SETFSGID, [id as usize]);
    }
}

/// The sets of capabilities(7), "Thread capability sets", a bit a capability.
#[derive(Clone, Copy, Default)]
pub struct Capabilities {
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
}

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const VERSION_3: u32 = 0x2008_0522;

impl Capabilities {
    pub fn current() -> Result<Self> {
        let header = Header {
            version: VERSION_3,
            pid: 0,
        };
        let mut halves = [Half::default(); 2];
        // SAFETY: version 3 fills two halves.
        unsafe {
            call(
                nr::CAPGET,
                [&raw const header as usize, halves.as_mut_ptr() as usize],
            )
        }?;
        let join = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        Ok(Self {
            effective: join(halves[0].effective, halves[1].effective),
            permitted: join(halves[0].permitted, halves[1].permitted),
            inheritable: join(halves[0].inheritable, halves[1].inheritable),
        })
    }

    pub fn apply(&self) -> Result<()> {
        let header = Header {
            version: VERSION_3,
            pid: 0,
        };
        let half = |shift: u32| Half {
            effective: (self.effective >> shift) as u32,
            permitted: (self.permitted >> shift) as u32,
            inheritable: (self.inheritable >> shift) as u32,
        };
        let halves = [half(0), half(32)];
        // SAFETY: version 3 reads two halves.
        unsafe { call(nr::CAPSET, [&raw const header as usize, halves.as_ptr() as usize]) }.map(drop)
    }
}

/// Raises every permitted capability again, after setfsuid(2) has dropped some.
pub fn raise_permitted() -> Result<()> {
    let mut sets = Capabilities::current()?;
    sets.effective = sets.permitted;
    sets.apply()
}

const PR_SET_PDEATHSIG: usize = 1;
const PR_SET_DUMPABLE: usize = 4;
const PR_SET_KEEPCAPS: usize = 8;
const PR_CAPBSET_DROP: usize = 24;
const PR_SET_CHILD_SUBREAPER: usize = 36;
const PR_SET_NO_NEW_PRIVS: usize = 38;
const PR_CAP_AMBIENT: usize = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;

fn prctl(option: usize, argument: usize) -> Result<()> {
    // SAFETY: the options used here take integers.
    unsafe { call(nr::PRCTL, [option, argument, 0, 0, 0]) }.map(drop)
}

pub fn set_parent_death_signal(signal: i32) -> Result<()> {
    prctl(PR_SET_PDEATHSIG, signal as usize)
}

/// Descendants whose parent is gone become children of this process.
pub fn adopt_orphans() -> Result<()> {
    prctl(PR_SET_CHILD_SUBREAPER, 1)
}

/// Nobody of equal ids may trace this process or read its /proc entries.
pub fn forbid_tracing() -> Result<()> {
    prctl(PR_SET_DUMPABLE, 0)
}

/// Undoes what a change of ids has done as by `forbid_tracing`: prctl(2).
pub fn allow_tracing() -> Result<()> {
    prctl(PR_SET_DUMPABLE, 1)
}

pub fn keep_capabilities() -> Result<()> {
    prctl(PR_SET_KEEPCAPS, 1)
}

pub fn set_no_new_privileges() -> Result<()> {
    prctl(PR_SET_NO_NEW_PRIVS, 1)
}

pub fn clear_ambient() -> Result<()> {
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
}

/// Makes every permitted capability inheritable and ambient: a user other than root keeps them too. capabilities(7),
/// "Transformation of capabilities during execve()".
pub fn keep_all_through_execve() -> Result<()> {
    let mut sets = Capabilities::current()?;
    sets.effective = sets.permitted;
    sets.inheritable = sets.permitted;
    sets.apply()?;
    for capability in (0..64).filter(|c| sets.permitted & (1 << c) != 0) {
        // SAFETY: integers.
        unsafe {
            call(
                nr::PRCTL,
                [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0],
            )
        }?;
    }
    Ok(())
}

/// Removes from the bounding set what `kept` does not name. EINVAL is the end of the kernel's list.
pub fn bound_capabilities(kept: u64) -> Result<()> {
    for capability in (0..64).filter(|c| kept & (1 << c) == 0) {
        match prctl(PR_CAPBSET_DROP, capability) {
            Err(super::EINVAL) => break,
            other => other?,
        }
    }
    Ok(())
}

const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;

/// A new anonymous session keyring. Kernels without keys have nothing to hide.
pub fn join_new_session_keyring() {
    // SAFETY: keyctl(2) with a null name.
    let _ = unsafe { call(nr::KEYCTL, [KEYCTL_JOIN_SESSION_KEYRING, 0]) };
}

#[repr(C)]
struct FilterProgram {
    length: u16,
    filter: *const u8,
}

const SECCOMP_SET_MODE_FILTER: usize = 1;

/// Installs a BPF program of 8-byte instructions: seccomp(2).
pub fn install_filter(program: &[u8]) -> Result<()> {
    let program = FilterProgram {
        length: (program.len() / 8) as u16,
        filter: program.as_ptr(),
    };
    // SAFETY: the kernel copies `length` instructions.
    unsafe {
        call(
            nr::SECCOMP,
            [SECCOMP_SET_MODE_FILTER, 0, &raw const program as usize],
        )
    }
    .map(drop)
}
