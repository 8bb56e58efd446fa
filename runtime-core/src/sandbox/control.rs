//! The one end of a step's control pipe on this side, for all that may end the step.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use super::wire;

#[derive(Clone)]
pub struct Control(Arc<Mutex<Option<OwnedFd>>>);

impl Control {
    pub fn new(pipe: OwnedFd) -> Self {
        Self(Arc::new(Mutex::new(Some(pipe))))
    }

    /// SIGTERM to every process of the step.
    pub fn terminate(&self) {
        self.write(&[wire::CONTROL_TERMINATE]);
    }

    /// A signal to the command alone. SIGKILL ends the step in order: the rest is killed, and what it used is told.
    pub fn signal(&self, number: u8) {
        self.write(&[wire::CONTROL_SIGNAL, number]);
    }

    /// SIGKILL to every process of the step that is left, PID 1 too: the helper sees the pipe close.
    pub fn kill(&self) {
        if let Ok(mut pipe) = self.0.lock() {
            *pipe = None;
        }
    }

    fn write(&self, bytes: &[u8]) {
        if let Ok(Some(pipe)) = self.0.lock().as_deref() {
            // A step that has ended meanwhile has nobody to read this.
            let _ = rustix::io::write(pipe, bytes);
        }
    }
}
