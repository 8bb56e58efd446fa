//! futex(2): waiting for a word to change.

use core::sync::atomic::AtomicU32;

use super::{call, nr};

const WAIT_PRIVATE: usize = 128;
const WAKE_PRIVATE: usize = 129;

/// Returns when `word` may no longer be `expected`: look again.
pub fn wait(word: &AtomicU32, expected: u32) {
    // SAFETY: the kernel reads the word. Without a time limit.
    let _ = unsafe {
        call(
            nr::FUTEX,
            [word.as_ptr() as usize, WAIT_PRIVATE, expected as usize, 0],
        )
    };
}

/// Wakes one that waits.
pub fn wake(word: &AtomicU32) {
    // SAFETY: the kernel uses the address alone.
    let _ = unsafe { call(nr::FUTEX, [word.as_ptr() as usize, WAKE_PRIVATE, 1]) };
}
