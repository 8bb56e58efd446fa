//! syscall(2), "Architecture calling conventions": arm64.

use core::arch::{asm, global_asm};

global_asm!(
    ".globl _start",
    "_start:",
    "mov x0, sp",
    "mov x29, xzr",
    "mov x30, xzr",
    "bl {entry}",
    "brk #1",
    entry = sym crate::entry,
);

/// # Safety
/// The arguments must be what the system call `number` expects.
pub unsafe fn syscall(number: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the caller's promise; the kernel keeps every register but x0.
    unsafe {
        asm!(
            "svc #0",
            in("x8") number,
            inlateout("x0") a[0] as isize => result,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5],
            options(nostack),
        );
    }
    result
}

/// clone(2) whose child runs `entry(argument)` on `stack_top`. Returns in the parent only.
///
/// # Safety
/// `stack_top` is 16-byte aligned and the end of memory that nothing else uses until the child is gone.
pub unsafe fn clone_on_stack(
    flags: usize,
    stack_top: *mut u8,
    entry: extern "C" fn(*mut u8) -> !,
    argument: *mut u8,
) -> isize {
    let result: isize;
    // SAFETY: the child leaves this function's frame at once for `entry`, which never returns.
    unsafe {
        asm!(
            "svc #0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x21",
            "blr x20",
            "brk #1",
            "2:",
            in("x8") super::nr::CLONE,
            inlateout("x0") flags as isize => result,
            in("x1") stack_top, in("x2") 0, in("x3") 0, in("x4") 0,
            in("x20") entry, in("x21") argument,
            lateout("x30") _,
        );
    }
    result
}

/// The numbers of include/uapi/asm-generic/unistd.h.
pub mod nr {
    pub const DUP3: usize = 24;
    pub const IOCTL: usize = 29;
    pub const MKDIRAT: usize = 34;
    pub const UNLINKAT: usize = 35;
    pub const MKNODAT: usize = 33;
    pub const SYMLINKAT: usize = 36;
    pub const READLINKAT: usize = 78;
    pub const UMOUNT2: usize = 39;
    pub const MOUNT: usize = 40;
    pub const PIVOT_ROOT: usize = 41;
    pub const CHDIR: usize = 49;
    pub const FCHDIR: usize = 50;
    pub const FCHOWN: usize = 55;
    pub const OPENAT: usize = 56;
    pub const CLOSE: usize = 57;
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const PPOLL: usize = 73;
    pub const UTIMENSAT: usize = 88;
    pub const CAPGET: usize = 90;
    pub const CAPSET: usize = 91;
    pub const EXIT_GROUP: usize = 94;
    pub const UNSHARE: usize = 97;
    pub const NANOSLEEP: usize = 101;
    pub const CLOCK_GETTIME: usize = 113;
    pub const KILL: usize = 129;
    pub const RT_SIGACTION: usize = 134;
    pub const RT_SIGPROCMASK: usize = 135;
    pub const RT_SIGTIMEDWAIT: usize = 137;
    pub const SENDMSG: usize = 211;
    pub const SETRESUID: usize = 147;
    pub const SETRESGID: usize = 149;
    pub const SETFSUID: usize = 151;
    pub const SETFSGID: usize = 152;
    pub const SETSID: usize = 157;
    pub const SETGROUPS: usize = 159;
    pub const SETHOSTNAME: usize = 161;
    pub const UMASK: usize = 166;
    pub const PRCTL: usize = 167;
    pub const SOCKET: usize = 198;
    pub const SOCKETPAIR: usize = 199;
    pub const BIND: usize = 200;
    pub const SETSOCKOPT: usize = 208;
    pub const KEYCTL: usize = 219;
    pub const CLONE: usize = 220;
    pub const CLONE3: usize = 435;
    pub const EXECVE: usize = 221;
    pub const MMAP: usize = 222;
    pub const GETCWD: usize = 17;
    pub const WAIT4: usize = 260;
    pub const GETRUSAGE: usize = 165;
    pub const PRLIMIT64: usize = 261;
    pub const SECCOMP: usize = 277;
    pub const STATX: usize = 291;
    pub const PIDFD_SEND_SIGNAL: usize = 424;
    pub const PIDFD_OPEN: usize = 434;
    pub const FUTEX: usize = 98;
    pub const OPEN_TREE: usize = 428;
    pub const MOVE_MOUNT: usize = 429;
    pub const FSOPEN: usize = 430;
    pub const FSCONFIG: usize = 431;
    pub const FSMOUNT: usize = 432;
    pub const CLOSE_RANGE: usize = 436;
    pub const OPENAT2: usize = 437;
    pub const MOUNT_SETATTR: usize = 442;
    pub const CHROOT: usize = 51;
    pub const SIGNALFD4: usize = 74;
    pub const GETPID: usize = 172;
}
