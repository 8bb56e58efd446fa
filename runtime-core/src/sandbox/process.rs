//! A running step as TypeScript holds it.

use std::os::fd::OwnedFd;
use std::sync::Mutex;

use napi::bindgen_prelude::Function;
use napi_derive::napi;

use super::cgroup::Cgroup;
use super::follow::{MAX_WAITING, Pipes, STATUS, Told, tell};
use super::spawn::{self, Spawned};
use super::wire;
use crate::error::{Error, Result};

/// One step. Collected before its end, it ends: the helper sees its control pipe close.
#[napi]
pub struct SandboxProcess {
    control: Option<OwnedFd>,
    rest: Mutex<Option<Rest>>,
}

/// What there is to read of the step, and what is left to do when it has ended.
struct Rest {
    pipes: Pipes,
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
            control: Some(spawned.control),
            rest: Mutex::new(Some(Rest {
                pipes: Pipes {
                    stdout: spawned.stdout,
                    stderr: spawned.stderr,
                    status: spawned.status,
                },
                pidfd: spawned.pidfd,
                cgroup,
            })),
        }
    }

    /// Reads the status to its end on this thread, and cleans up.
    pub fn run_to_end(self) -> Result<Vec<u8>> {
        let (status, _) = self.take()?.finish(|_, _| {});
        Ok(status)
    }

    fn take(&self) -> Result<Rest> {
        let rest = self.rest.lock().ok().and_then(|mut rest| rest.take());
        rest.ok_or_else(|| Error::new("INTERNAL", "follow", "called twice"))
    }
}

#[napi]
impl SandboxProcess {
    /// Calls back with every piece of output as it comes (0: stdout, 1: stderr), and once, when nothing is left of the step, with
    /// the records of its status pipe (2) and the report. Call it once.
    #[napi(ts_args_type = "callback: (from: number, bytes: Buffer, report?: SandboxReport) => void")]
    pub fn follow(&self, callback: Function<'_, Told, ()>) -> napi::Result<()> {
        let listener = callback
            .build_threadsafe_function::<Told>()
            .max_queue_size::<MAX_WAITING>()
            .build()?;
        let rest = self.take()?;
        let follow = move || {
            let (status, report) = rest.finish(|from, bytes| tell(&listener, from, bytes, None));
            tell(&listener, STATUS, status, Some(report));
        };
        std::thread::Builder::new()
            .name("tsbuild-step".into())
            .spawn(follow)?;
        Ok(())
    }

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
}

impl Rest {
    /// To the end of the step: its status records, and what its cgroup said before it went.
    fn finish(self, on_output: impl FnMut(u32, Vec<u8>)) -> (Vec<u8>, SandboxReport) {
        let status = self.pipes.drain(on_output);
        spawn::reap(&self.pidfd);
        let report = self.cgroup.report();
        self.cgroup.remove();
        (status, report)
    }
}
