//! A running step as TypeScript holds it.

use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::sync::{Arc, Mutex};

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use super::cgroup::Cgroup;
use super::spawn::{self, Spawned};
use super::wire;
use crate::error::{Error, Result};
use crate::task::{self, Job};

/// One step. Collected without `finish`, it ends: the helper sees its control pipe close.
#[napi]
pub struct SandboxProcess {
    /// Descriptors for TypeScript to read and close.
    #[napi(readonly)]
    pub stdout: i32,
    #[napi(readonly)]
    pub stderr: i32,
    #[napi(readonly)]
    pub status: i32,
    control: Option<OwnedFd>,
    rest: Arc<Mutex<Option<Rest>>>,
}

/// What is left to do when the step has ended.
struct Rest {
    pidfd: OwnedFd,
    cgroup: Cgroup,
}

/// What the step's cgroup says at its end, where it has one.
#[napi(object)]
pub struct SandboxReport {
    pub memory_peak_bytes: Option<f64>,
    pub pids_peak: Option<f64>,
    /// Processes that the memory limit killed.
    pub oom_kills: f64,
    /// Forks that the pids limit refused.
    pub forks_refused: f64,
}

impl SandboxProcess {
    pub fn new(spawned: Spawned, cgroup: Cgroup) -> Self {
        Self {
            stdout: spawned.stdout.into_raw_fd(),
            stderr: spawned.stderr.into_raw_fd(),
            status: spawned.status.into_raw_fd(),
            control: Some(spawned.control),
            rest: Arc::new(Mutex::new(Some(Rest {
                pidfd: spawned.pidfd,
                cgroup,
            }))),
        }
    }

    /// Reads the status to its end on this thread, and cleans up. For steps that write no output.
    pub fn run_to_end(mut self) -> Result<Vec<u8>> {
        let mut records = Vec::new();
        // SAFETY: `new` took these three descriptors out of their owners, and nobody else has seen them.
        let [_stdout, _stderr, status] =
            unsafe { [self.stdout, self.stderr, self.status].map(|fd| File::from_raw_fd(fd)) };
        let read = (&status).read_to_end(&mut records);
        self.kill();
        if let Some(rest) = self.rest.lock().ok().and_then(|mut rest| rest.take()) {
            rest.finish();
        }
        read.map_err(|error| Error::io("status", "pipe", &error))?;
        Ok(records)
    }
}

#[napi]
impl SandboxProcess {
    /// SIGTERM to every process of the step.
    #[napi]
    pub fn terminate(&self) {
        if let Some(control) = &self.control {
            // A step that has ended meanwhile has nobody to read this.
            let _ = rustix::io::write(control, &[wire::CONTROL_TERMINATE]);
        }
    }

    /// SIGKILL to every process of the step that is left.
    #[napi]
    pub fn kill(&mut self) {
        self.control = None;
    }

    /// Waits for the helper, reads the step's cgroup and removes it. Call once the status pipe has ended.
    #[napi(ts_return_type = "Promise<SandboxReport>")]
    pub fn finish(&mut self) -> AsyncTask<Job<SandboxReport>> {
        self.kill();
        let rest = Arc::clone(&self.rest);
        task::spawn(move || {
            let taken = rest.lock().ok().and_then(|mut rest| rest.take());
            taken
                .map(Rest::finish)
                .ok_or_else(|| Error::new("INTERNAL", "finish", "called twice"))
        })
    }
}

impl Rest {
    fn finish(self) -> SandboxReport {
        spawn::reap(&self.pidfd);
        let report = self.cgroup.report();
        self.cgroup.remove();
        report
    }
}
