//! Signals: taken synchronously, never by a handler.

use super::file::Fd;
use super::{Result, call, nr};

pub const SIGKILL: i32 = 9;
pub const SIGTERM: i32 = 15;
pub const SIGCHLD: i32 = 17;
/// Carries another signal's number to init: the first real-time signal, since these queue up and keep their order.
pub const FORWARD: i32 = 34;

const MASK_SIZE: usize = 8;
const SIG_SETMASK: usize = 2;

fn set_mask(mask: u64) {
    // SAFETY: rt_sigprocmask(2) reads one 64-bit set.
    let _ = unsafe {
        call(
            nr::RT_SIGPROCMASK,
            [SIG_SETMASK, &raw const mask as usize, 0, MASK_SIZE],
        )
    };
}

pub fn block_all() {
    set_mask(u64::MAX);
}

pub fn unblock_all() {
    set_mask(0);
}

/// Gives every signal its default action: execve(2) keeps what the parent ignored, and Node ignores SIGPIPE.
pub fn reset_actions() {
    let default = [0u64; 4];
    for signal in 1..=64 {
        // SAFETY: rt_sigaction(2) reads a struct sigaction of zeros: SIG_DFL.
        let _ = unsafe {
            call(
                nr::RT_SIGACTION,
                [signal, default.as_ptr() as usize, 0, MASK_SIZE],
            )
        };
    }
}

/// A descriptor that is readable when a child has ended: signalfd(2). SIGCHLD must be blocked.
pub fn child_events() -> Result<Fd> {
    const NEW_CLOEXEC_NONBLOCK: [usize; 2] = [usize::MAX, 0o2004000];
    let set: u64 = 1 << (SIGCHLD - 1);
    let [new, flags] = NEW_CLOEXEC_NONBLOCK;
    // SAFETY: signalfd4(2) reads one 64-bit set.
    unsafe { call(nr::SIGNALFD4, [new, &raw const set as usize, MASK_SIZE, flags]) }
        .map(|fd| Fd::new(fd as i32))
}

/// Takes one signal from such a descriptor.
pub fn take_event(events: &Fd) {
    let mut information = [0u8; 128];
    let _ = super::file::read(events.raw(), &mut information);
}

pub struct Received {
    pub signal: i32,
    /// Sent by a process outside this pid namespace: pid_namespaces(7) shows it as pid 0.
    pub from_outside: bool,
    /// What was sent along.
    pub value: i32,
}

/// Waits for SIGCHLD, SIGTERM or `FORWARD`, which must be blocked.
pub fn wait() -> Result<Received> {
    let set: u64 = 1 << (SIGCHLD - 1) | 1 << (SIGTERM - 1) | 1 << (FORWARD - 1);
    let mut info = [0i32; 32];
    // SAFETY: rt_sigtimedwait(2) fills a siginfo_t of 128 bytes.
    let signal = unsafe {
        call(
            nr::RT_SIGTIMEDWAIT,
            [&raw const set as usize, info.as_mut_ptr() as usize, 0, MASK_SIZE],
        )
    }?;
    Ok(Received {
        signal: signal as i32,
        from_outside: info[SI_PID] == 0,
        value: info[SI_VALUE],
    })
}

/// Words of a siginfo_t on 64-bit.
const SI_CODE: usize = 2;
const SI_PID: usize = 4;
const SI_VALUE: usize = 6;

/// Sends a signal with a value, as sigqueue(3) does.
pub fn queue_to(process: &Fd, signal: i32, value: i32) {
    const SI_QUEUE: i32 = -1;
    let mut info = [0i32; 32];
    info[0] = signal;
    info[SI_CODE] = SI_QUEUE;
    info[SI_VALUE] = value;
    // SAFETY: pidfd_send_signal(2) reads a siginfo_t of 128 bytes.
    let _ = unsafe {
        call(
            nr::PIDFD_SEND_SIGNAL,
            [process.raw() as usize, signal as usize, info.as_ptr() as usize, 0],
        )
    };
}

/// kill(2). -1 is everything but this process that it can reach.
pub fn send(pid: i32, signal: i32) {
    // SAFETY: kill(2) takes integers.
    let _ = unsafe { call(nr::KILL, [pid as usize, signal as usize]) };
}

pub fn send_to(process: &Fd, signal: i32) {
    // SAFETY: pidfd_send_signal(2) without siginfo.
    let _ = unsafe {
        call(
            nr::PIDFD_SEND_SIGNAL,
            [process.raw() as usize, signal as usize, 0, 0],
        )
    };
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Poll {
    fd: i32,
    events: i16,
    pub ready: i16,
}

impl Poll {
    pub fn readable(fd: &Fd) -> Self {
        const POLLIN: i16 = 1;
        Self {
            fd: fd.raw(),
            events: POLLIN,
            ready: 0,
        }
    }
}

/// ppoll(2) without a time limit.
pub fn poll(fds: &mut [Poll]) -> Result<()> {
    // SAFETY: the kernel reads and writes `fds.len()` structs pollfd.
    unsafe { call(nr::PPOLL, [fds.as_mut_ptr() as usize, fds.len(), 0, 0, 0]) }.map(drop)
}

/// Whether it can be read from now; of a process, whether it has ended: pidfd_open(2).
pub fn is_ready(fd: &Fd) -> bool {
    let (mut one, mut no_time) = (Poll::readable(fd), [0u64; 2]);
    // SAFETY: the kernel reads and writes one struct pollfd and a struct timespec.
    let ready = unsafe {
        call(
            nr::PPOLL,
            [&raw mut one as usize, 1, &raw mut no_time as usize, 0, 0],
        )
    };
    ready.is_ok_and(|count| count > 0)
}
