//! Holds a step to its quota: a thread that asks how much of the filesystem is free, which takes some µs, and looks at
//! what the step wrote only when that can have become too much.
//!
//! Two things are not seen by what is free: files with holes, and what others give back meanwhile. So it looks once in a while in any
//! case, so rarely that it costs a hundredth of a core.

use std::cmp::Ordering;
use std::io;
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::fs::fstatvfs;

use super::super::control::Control;
use super::nameless::Nameless;
use super::written::Written;
use crate::tree::size::LEAST_FILE;

/// Faster than any step writes, in bytes a second: how long it may be left alone follows from it.
const FASTEST: u64 = 16 << 30;
/// Less would cost more than a hundredth of a core.
const SHORTEST_WAIT: Duration = Duration::from_millis(4);
const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// How long the killing may take.
const LONGEST_END: Duration = Duration::from_secs(1);
/// Between two looks that nothing asked for: this many times what the last took, and at least a second.
const IDLE_RATIO: u32 = 100;
const SHORTEST_IDLE: Duration = Duration::from_secs(1);
/// The same where the filesystem fills up.
const BUSY_RATIO: u32 = 4;

pub struct Guard {
    end: Arc<End>,
    thread: JoinHandle<Watch>,
}

/// Says that the step is over.
#[derive(Default)]
struct End {
    is_over: AtomicBool,
    lock: Mutex<()>,
    told: Condvar,
}

impl Guard {
    pub fn start(quota: u64, written: Written, nameless: Nameless, control: Control) -> io::Result<Self> {
        let end = Arc::new(End::default());
        let mut watch = Watch {
            quota,
            written,
            nameless,
            end: end.clone(),
            has_ended_it: false,
        };
        let run = move || {
            watch.run(&control);
            watch
        };
        let thread = std::thread::Builder::new()
            .name("tsbuild-disk".into())
            .spawn(run)?;
        Ok(Self { end, thread })
    }

    /// How what the step wrote compares with its quota: more, when it was ended for that. All its processes are gone by now.
    pub fn finish(self) -> Ordering {
        self.end.tell();
        // What cannot be counted must not pass for a step within its quota.
        self.thread.join().map_or(Ordering::Greater, Watch::finish)
    }
}

impl End {
    fn tell(&self) {
        self.is_over.store(true, atomic::Ordering::Relaxed);
        drop(self.lock.lock());
        self.told.notify_all();
    }

    /// False once the step is over.
    fn wait(&self, time: Duration) -> bool {
        if let Ok(guard) = self.lock.lock()
            && self.goes_on()
        {
            let _ = self.told.wait_timeout(guard, time);
        }
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        !self.is_over.load(atomic::Ordering::Relaxed)
    }
}

struct Watch {
    quota: u64,
    written: Written,
    nameless: Nameless,
    end: Arc<End>,
    has_ended_it: bool,
}

impl Watch {
    fn run(&mut self, control: &Control) {
        let mut room = Room::new(self.quota, self.free());
        while self.end.wait(room.wait()) {
            room.filled_to(self.free());
            if !room.is_time_to_look() {
                continue;
            }
            let began = Instant::now();
            let bytes = self.look();
            if self.is_over(bytes) && self.is_over(self.look()) {
                self.has_ended_it = true;
                return self.end_it(control);
            }
            // What could not be counted is looked at again soon.
            room.looked(
                bytes.map_or(0, |bytes| self.quota.saturating_sub(bytes)),
                began.elapsed(),
            );
        }
    }

    /// A PID 1 that does not answer in time goes with the rest.
    fn end_it(&self, control: &Control) {
        control.signal(libc::SIGKILL as u8);
        if self.end.wait(LONGEST_END) {
            control.kill();
        }
    }

    /// `None` when it cannot be told, and when the step ended meanwhile.
    fn look(&self) -> Option<u64> {
        let named = self.written.bytes(self.quota, || self.end.goes_on())?;
        Some(named.saturating_add(self.nameless.bytes()))
    }

    /// To be asked of two looks: what is replaced during one may count twice.
    fn is_over(&self, bytes: Option<u64>) -> bool {
        bytes.is_some_and(|bytes| bytes > self.quota) && self.end.goes_on()
    }

    fn finish(self) -> Ordering {
        if self.has_ended_it {
            return Ordering::Greater;
        }
        let bytes = self.written.bytes(self.quota, || true);
        bytes.map_or(Ordering::Greater, |bytes| bytes.cmp(&self.quota))
    }

    /// Bytes that can still be written, a file that can still be made being worth a block.
    fn free(&self) -> u64 {
        fstatvfs(self.written.upper()).map_or(0, |filesystem| {
            let blocks = filesystem.f_bfree.saturating_mul(filesystem.f_frsize);
            blocks.saturating_add(filesystem.f_ffree.saturating_mul(LEAST_FILE))
        })
    }
}

/// What the step may still write, as far as the filesystem tells.
struct Room {
    /// What it was allowed when it was last looked at.
    left: u64,
    /// What the filesystem has lost since; what it got back, by whomever, is no sign.
    lost: u64,
    free: u64,
    looked_at: Instant,
    look_took: Duration,
}

impl Room {
    fn new(quota: u64, free: u64) -> Self {
        Self {
            left: quota,
            lost: 0,
            free,
            looked_at: Instant::now(),
            look_took: Duration::ZERO,
        }
    }

    /// For so long nothing can have happened.
    fn wait(&self) -> Duration {
        let room = self.left.saturating_sub(self.lost);
        Duration::from_secs_f64(room as f64 / FASTEST as f64).clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }

    fn filled_to(&mut self, free: u64) {
        self.lost = self.lost.saturating_add(self.free.saturating_sub(free));
        self.free = free;
    }

    fn is_time_to_look(&self) -> bool {
        let since = self.looked_at.elapsed();
        if self.lost > self.left {
            return since >= self.look_took * BUSY_RATIO;
        }
        since >= SHORTEST_IDLE.max(self.look_took * IDLE_RATIO)
    }

    fn looked(&mut self, left: u64, took: Duration) {
        self.left = left;
        self.lost = 0;
        self.looked_at = Instant::now();
        self.look_took = took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn it_is_time_to_look_once_more_is_lost_than_was_left() {
        let mut room = Room::new(10 * MIB, 100 * MIB);
        room.filled_to(91 * MIB);
        assert!(!room.is_time_to_look());
        room.filled_to(89 * MIB);
        assert!(room.is_time_to_look());
    }

    #[test]
    fn what_others_give_back_hides_nothing() {
        let mut room = Room::new(10 * MIB, 100 * MIB);
        for free in [94, 99, 93] {
            room.filled_to(free * MIB);
        }
        assert!(room.is_time_to_look());
    }

    #[test]
    fn a_step_with_much_room_is_left_alone_for_longer() {
        assert_eq!(Room::new(1 << 40, 0).wait(), LONGEST_WAIT);
        assert_eq!(Room::new(1 << 20, 0).wait(), SHORTEST_WAIT);
    }
}
