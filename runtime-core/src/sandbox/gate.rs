//! Holds a step's output back while JavaScript has nowhere to put it: the step then waits for room in its pipes.

use std::sync::{Arc, Condvar, Mutex};

#[derive(Clone, Default)]
pub struct Gate(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub fn close(&self) {
        self.set(true);
    }

    pub fn open(&self) {
        self.set(false);
    }

    /// Returns once it is open.
    pub fn pass(&self) {
        if let Ok(is_closed) = self.0.is_closed.lock() {
            drop(self.0.changed.wait_while(is_closed, |is_closed| *is_closed));
        }
    }

    fn set(&self, to: bool) {
        if let Ok(mut is_closed) = self.0.is_closed.lock() {
            *is_closed = to;
            self.0.changed.notify_all();
        }
    }
}
