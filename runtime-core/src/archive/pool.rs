//! Buffers that go round between threads, and results that come back out of order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// What `work` gives; a panic becomes an error, so that nobody waits for a thread that is gone.
pub fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let panicked = |_| Err(Error::new("INTERNAL", "archive", "a thread panicked"));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(panicked)
}

/// A fixed number of buffers: who wants one waits, so memory is bounded.
pub struct Pool {
    sender: Mutex<Option<Sender<Vec<u8>>>>,
    receiver: Mutex<Receiver<Vec<u8>>>,
}

impl Pool {
    pub fn new(count: usize) -> Self {
        let (sender, receiver) = channel();
        (0..count).for_each(|_| drop(sender.send(Vec::new())));
        Self {
            sender: Mutex::new(Some(sender)),
            receiver: Mutex::new(receiver),
        }
    }

    /// Waits for a buffer; `None` once the pool is closed.
    pub fn take(&self) -> Option<Vec<u8>> {
        self.receiver
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
            .ok()
    }

    pub fn give(&self, buffer: Vec<u8>) {
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            // The receiver lives as long as the pool.
            let _ = sender.send(buffer);
        }
    }

    /// Wakes everyone who waits.
    pub fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Puts numbered things back into order.
pub struct Reorder<T> {
    next: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Reorder<T> {
    pub fn new() -> Self {
        Self {
            next: 0,
            waiting: BTreeMap::new(),
        }
    }

    /// Adds one and gives those whose turn it is.
    pub fn push(&mut self, number: u64, item: T) -> Vec<T> {
        self.waiting.insert(number, item);
        let mut ready = Vec::new();
        while let Some(item) = self.waiting.remove(&self.next) {
            self.next += 1;
            ready.push(item);
        }
        ready
    }
}
