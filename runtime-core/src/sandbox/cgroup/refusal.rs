//! Why a limit cannot be enforced on this machine, and what to do about it.

use std::fs;
use std::path::Path;

use crate::error::Error;

#[derive(Debug)]
pub struct Refusal {
    /// A reason without the limit's name, lower case.
    pub reason: String,
    pub remedy: String,
}

impl Refusal {
    pub fn new(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    /// No cgroup filesystem is mounted where this process could see it.
    pub fn no_cgroups() -> Self {
        Self::new(
            "no cgroup filesystem is mounted here",
            "mount one at /sys/fs/cgroup, or in a container pass the host's on",
        )
    }

    pub fn not_mounted(controller: &str) -> Self {
        Self::new(
            format!("the {controller} cgroup controller is not mounted"),
            format!("mount it: mount -t cgroup -o {controller} cgroup /sys/fs/cgroup/{controller}"),
        )
    }

    pub fn not_in_kernel(controller: &str) -> Self {
        Self::new(
            format!("this machine's cgroup v2 has no {controller} controller"),
            "use a kernel that has it, without cgroup_disable= and without a v1 hierarchy that holds it",
        )
    }

    pub fn not_delegated(controller: &str) -> Self {
        Self::new(
            format!("the {controller} cgroup controller is not delegated to this user"),
            "start the build below a delegated cgroup, such as by systemd-run --user --scope -p Delegate=yes, or as root",
        )
    }

    pub fn not_writable(controller: &str, parent: &Path, error: &std::io::Error) -> Self {
        let reason = format!(
            "no directory can be made in the {controller} cgroup {}: {error}",
            parent.display()
        );
        Self::new(
            reason,
            "run as root, or in a cgroup whose directory this user owns",
        )
    }

    /// Writes a limit. The kernel refuses what it cannot hold.
    pub fn set(directory: &Path, file: &str, value: impl ToString) -> Result<(), Self> {
        let value = value.to_string();
        fs::write(directory.join(file), &value).map_err(|error| {
            let reason = format!("the kernel refuses {file} {value}: {error}");
            Self::new(
                reason,
                "choose a value that this machine can hold, or leave the limit out",
            )
        })
    }

    pub fn into_error(self) -> Error {
        Error::new("SANDBOX_LIMIT_UNSUPPORTED", "cgroup", self.reason)
    }
}
