//! A sandbox prepared ahead: while a step runs, the helper of the next one makes everything that no step's root is needed
//! for. It is used once. When it does not fit the next step, or none comes, it is thrown away.
//!
//! The helper cleans up after itself when this process ends: it sees its control pipe close. One that ends in order reaps
//! it, since not every container has an init that does.

use std::fs::File;
use std::path::Path;
use std::sync::Mutex;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{getegid, geteuid};

use super::cgroup::{Cgroup, Group, Limits, Refusal};
use super::disk::Disk;
use super::encode;
use super::ending::{self, Ending};
use super::holdings::Holdings;
use super::input::Input;
use super::limits::SandboxLimits;
use super::process::SandboxProcess;
use super::request::SandboxRequest;
use super::spawn::{self, Isolation, Spawned};
use super::ulimit::SandboxUlimit;
use crate::error::{Error, Result};
use crate::network::SandboxNetwork;

/// At most one; the lock is held while its helper is being started, for about a millisecond.
static SPARE: Mutex<Option<Spare>> = Mutex::new(None);

/// What cannot be changed any more once it is prepared.
#[derive(PartialEq)]
pub struct Needs {
    limits: Limits,
    shm_size: u64,
    ulimits: Option<Vec<SandboxUlimit>>,
    disk_quota: Option<f64>,
    dropped_capabilities: Vec<u32>,
    group: Option<u32>,
    host_network: bool,
    /// Private, and whether with IPv6.
    private_network: Option<bool>,
    identity: bool,
    /// Never true of what is prepared.
    interactive: bool,
    /// The helper keeps the ids of this process.
    caller: (u32, u32),
}

impl Needs {
    pub fn of(request: &SandboxRequest) -> Result<Self> {
        Ok(Self {
            limits: request.limits.check()?,
            shm_size: request.limits.shm_size()?,
            ulimits: request.limits.ulimits.clone(),
            disk_quota: request.limits.disk_quota_bytes,
            dropped_capabilities: request.dropped_capabilities.clone(),
            group: request.group,
            host_network: request.host_network,
            private_network: request.private_network(),
            identity: request.identity,
            interactive: request.is_interactive(),
            caller: (geteuid().as_raw(), getegid().as_raw()),
        })
    }

    /// As much of a step as can be known before there is one.
    fn request(&self) -> SandboxRequest {
        SandboxRequest {
            host_network: self.host_network,
            network: self.private_network.map(|_| SandboxNetwork::default()),
            identity: self.identity,
            dropped_capabilities: self.dropped_capabilities.clone(),
            limits: SandboxLimits {
                shm_size_bytes: Some(self.shm_size as f64),
                ulimits: self.ulimits.clone(),
                disk_quota_bytes: self.disk_quota,
                ..SandboxLimits::default()
            },
            ..SandboxRequest::default()
        }
    }
}

pub struct Spare {
    needs: Needs,
    /// Older than the helper's copy of the mounts: proc_pid_mountinfo(5), it polls as exceptional once they change.
    mounts: File,
    parts: Option<(Spawned, Cgroup)>,
}

/// Takes what was prepared, if it fits and still lives.
pub fn take(needs: &Needs) -> Option<Spare> {
    let spare = SPARE.lock().ok()?.take()?;
    spare.fits(needs).then_some(spare)
}

/// The same without waiting for one that is being prepared.
pub fn take_ready(needs: &Needs) -> Option<Spare> {
    let spare = SPARE.try_lock().ok()?.take()?;
    spare.fits(needs).then_some(spare)
}

/// Ends what was prepared in a group that is about to go.
pub fn give_up(group: u32) {
    let spare = SPARE.lock().ok().and_then(|mut slot| {
        let is_in_it = slot
            .as_ref()
            .is_some_and(|spare| spare.needs.group == Some(group));
        is_in_it.then(|| slot.take()).flatten()
    });
    drop(spare);
}

/// Prepares on a thread of its own, which nothing waits for. A failure is told by the next step, which then starts anew.
pub fn prepare_next(needs: Needs) {
    if needs.interactive {
        return;
    }
    // Held by another thread: that one prepares.
    if SPARE.try_lock().map_or(true, |slot| slot.is_some()) {
        return;
    }
    ending::watch_for_the_end();
    let prepare = move || {
        // Asked under the lock, which the end of this process takes after it has told of itself.
        if let Ok(mut slot) = SPARE.lock()
            && slot.is_none()
            && !ending::is_over()
        {
            *slot = Spare::prepare(needs).ok();
        }
    };
    let _ = std::thread::Builder::new()
        .name("tsbuild-ahead".into())
        .spawn(prepare);
}

impl Spare {
    fn prepare(needs: Needs) -> Result<Self> {
        let mounts = File::open("/proc/self/mountinfo")
            .map_err(|error| Error::io("prepare", "/proc/self/mountinfo", &error))?;
        let group = needs.group.and_then(Group::find);
        let spawned = spawn::spawn(Isolation::Namespaces, Input::None)?;
        let cgroup = match Cgroup::create(&needs.limits, group.as_deref()) {
            Ok(cgroup) => cgroup,
            Err(refusal) => {
                spawned.give_up();
                return Err(refusal.into_error());
            }
        };
        let given = encode::encode_ahead(&needs.request(), &cgroup).and_then(|spec| {
            let failed = |error| Error::io("give spec", "tsbuild-init", &error);
            spawned.give_spec(&spec).map_err(failed)
        });
        if let Err(error) = given {
            spawned.give_up();
            cgroup.remove();
            return Err(error);
        }
        Ok(Self {
            needs,
            mounts,
            parts: Some((spawned, cgroup)),
        })
    }

    fn fits(&self, needs: &Needs) -> bool {
        let has_ended = |(spawned, _): &(Spawned, Cgroup)| is_ready(&spawned.pidfd, PollFlags::IN);
        self.needs == *needs
            && !is_ready(&self.mounts, PollFlags::PRI)
            && !self.parts.as_ref().is_none_or(has_ended)
    }

    /// `None` when the helper has ended meanwhile.
    pub fn start(mut self, request: &SandboxRequest) -> Result<Option<SandboxProcess>> {
        let Some((spawned, cgroup)) = &self.parts else {
            return Ok(None);
        };
        let group = super::group_of(request)?;
        cgroup
            .limit_io(&self.needs.limits.io, Path::new(&request.upper))
            .map_err(Refusal::into_error)?;
        let disk = Disk::open(request)?;
        let spec = encode::encode(request, cgroup)?;
        let network = request.network.as_ref().map(SandboxNetwork::check).transpose()?;
        let sync = super::sync_writes(request, cgroup, group.as_deref())?;
        if spawned.give_step(&spec).is_err() {
            return Ok(None);
        }
        Ok(self.parts.take().map(|(spawned, cgroup)| {
            let holdings = Holdings {
                cgroup,
                group,
                sync,
                disk,
                tree: None,
            };
            SandboxProcess::new(spawned, holdings, network)
        }))
    }
}

/// Ends a helper that got no step. Its end takes a millisecond or more, which nothing waits for.
impl Drop for Spare {
    fn drop(&mut self) {
        let Some((spawned, cgroup)) = self.parts.take() else {
            return;
        };
        let ending = Ending::begin();
        let clean_up = move || {
            let Spawned { pidfd, control, .. } = spawned;
            drop(control);
            spawn::reap(&pidfd);
            cgroup.remove();
            drop(ending);
        };
        // Without a thread it ends by itself: its control pipe is closed.
        let _ = std::thread::Builder::new()
            .name("tsbuild-ahead".into())
            .spawn(clean_up);
    }
}

/// Ends the one that stands ready.
pub fn give_up_any() {
    let spare = SPARE.lock().ok().and_then(|mut slot| slot.take());
    drop(spare);
}

fn is_ready(file: &impl std::os::fd::AsFd, what: PollFlags) -> bool {
    let mut fds = [PollFd::new(file, what)];
    !matches!(poll(&mut fds, Some(&Timespec::default())), Ok(0))
}
