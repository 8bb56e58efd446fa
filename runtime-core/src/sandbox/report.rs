//! What there is to tell of a step that has ended, beside the records of its helper.

use napi_derive::napi;

/// What the step's cgroup, where it has one, and its disk say at its end.
#[napi(object)]
#[derive(Default)]
pub struct SandboxReport {
    pub memory_peak_bytes: Option<f64>,
    pub pids_peak: Option<f64>,
    /// Processes that were killed for want of memory.
    pub oom_kills: f64,
    /// Forks that a pids limit refused.
    pub forks_refused: f64,
    /// Whether the step's own memory limit was met, and its build's.
    pub memory_was_full: bool,
    pub group_memory_was_full: bool,
    /// Forks that the build's pids limit refused meanwhile, where the kernel counts them there.
    pub group_forks_refused: f64,
    /// The step was ended at its disk quota, or was over it when it ended.
    pub is_over_disk_quota: bool,
    /// It has written all that it may: what it did not get, it may have been refused.
    pub is_at_disk_quota: bool,
    /// Content of the files in the upper, where it is few files.
    pub layer_bytes: Option<f64>,
    /// Of packets to and from the step, where it had a private network and used it.
    pub network_received_bytes: Option<f64>,
    pub network_sent_bytes: Option<f64>,
    /// What the step was not allowed to reach.
    pub network_blocked: Vec<String>,
    /// What kept the step from having its private network.
    pub network_errno: Option<i32>,
}
