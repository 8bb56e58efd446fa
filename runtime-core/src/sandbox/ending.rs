//! What is still being taken down when nobody waits for it any more: a step's last namespaces and its cgroup, a helper that got
//! no step. It takes a millisecond or two on a thread; a process that ends waits for that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, Once};
use std::time::Duration;

use super::spare;

/// How many things are being taken down.
static ENDING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// This process waits no longer than this for what it leaves. On a busy machine the kernel can take a hundred times the usual.
const MAX_WAIT_AT_EXIT: Duration = Duration::from_secs(3);

/// This process is ending in order.
static IS_OVER: AtomicBool = AtomicBool::new(false);

/// Held by whoever takes something down.
pub struct Ending(());

impl Ending {
    pub fn begin() -> Self {
        watch_for_the_end();
        count(|ending| ending + 1);
        Self(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        count(|ending| ending - 1);
    }
}

/// Has this process clean up when it ends in order. One that is killed leaves that to its helpers and to the next.
pub fn watch_for_the_end() {
    static AT_EXIT: Once = Once::new();
    // SAFETY: atexit(3) takes a function of this library, which Node never unloads.
    AT_EXIT.call_once(|| unsafe {
        libc::atexit(leave_nothing);
    });
}

/// Whether nothing may be begun any more: nobody would take it down.
pub fn is_over() -> bool {
    IS_OVER.load(Ordering::SeqCst)
}

extern "C" fn leave_nothing() {
    IS_OVER.store(true, Ordering::SeqCst);
    spare::give_up_any();
    if let Ok(count) = ENDING.lock() {
        let _ = ENDED.wait_timeout_while(count, MAX_WAIT_AT_EXIT, |count| *count > 0);
    }
}

fn count(change: impl Fn(usize) -> usize) {
    if let Ok(mut count) = ENDING.lock() {
        *count = change(*count);
        ENDED.notify_all();
    }
}
