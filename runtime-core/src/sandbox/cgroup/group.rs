//! The cgroup of a build: what its steps may use together. It holds the steps' own cgroups and no process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use super::limits::Limits;
use super::refusal::Refusal;
use super::{Cgroup, Version};

pub struct Group {
    pub cgroup: Cgroup,
    pub limits: Limits,
}

/// By the numbers that TypeScript knows them by.
static OPEN: LazyLock<Mutex<HashMap<u32, Arc<Group>>>> = LazyLock::new(Mutex::default);
static OPENED: AtomicU32 = AtomicU32::new(0);

impl Group {
    /// Makes the cgroup, for steps with `step_limits` that write below `directory`.
    pub fn create(limits: &Limits, step_limits: &Limits, directory: &Path) -> Result<Self, Refusal> {
        let cgroup = Cgroup::create_for(limits, None, &step_limits.required())?;
        let group = Self {
            cgroup,
            limits: limits.clone(),
        };
        match group.limit_io(directory) {
            Ok(()) => Ok(group),
            Err(refusal) => {
                group.cgroup.remove();
                Err(refusal)
            }
        }
    }

    /// blk-throttle on v1 looks at the cgroup that a process is in, and at none above it.
    fn limit_io(&self, directory: &Path) -> Result<(), Refusal> {
        if self.limits.io.is_any() && self.cgroup.version == Version::V1 {
            return Err(Refusal::new(
                "cgroup v1 holds no cgroups together to limits of block io",
                "limit each RUN instead, or boot with cgroup v2",
            ));
        }
        self.cgroup.limit_io(&self.limits.io, directory)
    }

    /// Keeps the group until `close`.
    pub fn open(self) -> u32 {
        let id = OPENED.fetch_add(1, Ordering::Relaxed) + 1;
        if let Ok(mut open) = OPEN.lock() {
            open.insert(id, Arc::new(self));
        }
        id
    }

    pub fn find(id: u32) -> Option<Arc<Self>> {
        OPEN.lock().ok()?.get(&id).cloned()
    }

    /// Removes the cgroup. Its steps must have ended.
    pub fn close(id: u32) {
        let closed = OPEN.lock().ok().and_then(|mut open| open.remove(&id));
        if let Some(group) = closed {
            group.cgroup.remove();
        }
    }
}
