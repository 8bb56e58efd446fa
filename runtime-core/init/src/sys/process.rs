//! Processes, namespaces, limits and clocks.

use super::file::Fd;
use super::{Result, arch, call, nr};

pub const CLONE_VM: usize = 0x100;
pub const CLONE_FILES: usize = 0x400;
pub const CLONE_PIDFD: usize = 0x1000;
pub const CLONE_NEWTIME: usize = 0x80;
pub const CLONE_NEWNS: usize = 0x20000;
pub const CLONE_NEWCGROUP: usize = 0x0200_0000;
pub const CLONE_NEWUTS: usize = 0x0400_0000;
pub const CLONE_NEWIPC: usize = 0x0800_0000;
pub const CLONE_NEWUSER: usize = 0x1000_0000;
pub const CLONE_NEWPID: usize = 0x2000_0000;
pub const CLONE_NEWNET: usize = 0x4000_0000;

pub fn exit(code: i32) -> ! {
    // SAFETY: exit_group(2) does not return.
    unsafe {
        let _ = call(nr::EXIT_GROUP, [code as usize]);
    }
    loop {
        core::hint::spin_loop();
    }
}

pub struct Child {
    pub pid: i32,
    pub pidfd: Fd,
}

/// Goes on as two processes, like fork(2), the child in new namespaces. `None` in the child.
pub fn fork(flags: usize) -> Result<Option<Child>> {
    let mut pidfd: i32 = -1;
    // SAFETY: without CLONE_VM the child has a copy of this memory and stack. The third argument takes the pidfd.
    let pid = unsafe {
        call(
            nr::CLONE,
            [
                flags | CLONE_PIDFD | super::signal::SIGCHLD as usize,
                0,
                &raw mut pidfd as usize,
                0,
                0,
            ],
        )
    }?;
    Ok((pid != 0).then(|| Child {
        pid: pid as i32,
        pidfd: Fd::new(pidfd),
    }))
}

/// clone3(2), struct clone_args.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `fork` whose child begins in the cgroup of version 2 that `directory` is.
pub fn fork_into(directory: &Fd, flags: usize) -> Result<Option<Child>> {
    let mut pidfd: i32 = -1;
    let arguments = CloneArguments {
        flags: (flags | CLONE_PIDFD) as u64 | CLONE_INTO_CGROUP,
        pidfd: &raw mut pidfd as u64,
        exit_signal: super::signal::SIGCHLD as u64,
        cgroup: directory.raw() as u64,
        ..CloneArguments::default()
    };
    let size = size_of::<CloneArguments>();
    // SAFETY: without CLONE_VM the child has a copy of this memory and stack. The kernel stores the pidfd where it was told.
    let pid = unsafe { call(nr::CLONE3, [&raw const arguments as usize, size]) }?;
    Ok((pid != 0).then(|| Child {
        pid: pid as i32,
        pidfd: Fd::new(pidfd),
    }))
}

const STACK_SIZE: usize = 64 * 1024;

/// Runs `entry(argument)` in a child that shares this memory until it calls execve(2). Returns its pid.
pub fn fork_sharing_memory(entry: extern "C" fn(*mut u8) -> !, argument: *mut u8) -> Result<i32> {
    let stack = super::memory::slice::<u8>(STACK_SIZE)?;
    let flags = CLONE_VM | super::signal::SIGCHLD as usize;
    let top = stack.as_mut_ptr_range().end;
    // SAFETY: the stack is fresh, page-aligned and never reused. There is no state of this program but what is handed over.
    let pid = unsafe { arch::clone_on_stack(flags, top, entry, argument) };
    if pid < 0 {
        Err(super::Errno(-pid as i32))
    } else {
        Ok(pid as i32)
    }
}

pub fn unshare(flags: usize) -> Result<()> {
    // SAFETY: unshare(2) takes flags.
    unsafe { call(nr::UNSHARE, [flags]) }.map(drop)
}

/// # Safety
/// `argv` and `envp` end in null and point to C strings.
pub unsafe fn execute(program: &core::ffi::CStr, argv: &[*const u8], envp: &[*const u8]) -> super::Errno {
    // SAFETY: the caller's promise.
    let failed = unsafe {
        call(
            nr::EXECVE,
            [
                program.as_ptr() as usize,
                argv.as_ptr() as usize,
                envp.as_ptr() as usize,
            ],
        )
    };
    failed.err().unwrap_or(super::EINVAL)
}

pub fn start_session() -> Result<()> {
    // SAFETY: setsid(2) takes nothing.
    unsafe { call(nr::SETSID, []) }.map(drop)
}

pub fn set_umask(mask: usize) {
    // SAFETY: umask(2) takes an integer.
    let _ = unsafe { call(nr::UMASK, [mask]) };
}

pub fn set_hostname(name: &[u8]) -> Result<()> {
    // SAFETY: sethostname(2) reads `name.len()` bytes.
    unsafe { call(nr::SETHOSTNAME, [name.as_ptr() as usize, name.len()]) }.map(drop)
}

/// getrusage(2): what a process and its reaped children used.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Usage {
    pub user: [i64; 2],
    pub system: [i64; 2],
    pub max_rss_kib: i64,
    /// Shared, data and stack size, which Linux leaves empty; faults; swaps.
    unused: [i64; 6],
    /// In 512 bytes, read from and meant for a disk.
    pub blocks_in: i64,
    pub blocks_out: i64,
    rest: [i64; 5],
}

pub const WNOHANG: usize = 1;
const WAIT_ANY_TYPE: usize = 0x4000_0000;

/// wait4(2): the pid (0 when WNOHANG finds none), its status, its usage.
pub fn wait(pid: i32, options: usize) -> Result<(i32, i32, Usage)> {
    let (mut status, mut usage) = (0i32, Usage::default());
    loop {
        let arguments = [
            pid as usize,
            &raw mut status as usize,
            options | WAIT_ANY_TYPE,
            &raw mut usage as usize,
        ];
        // SAFETY: the kernel fills the status and a struct rusage.
        match unsafe { call(nr::WAIT4, arguments) } {
            Err(super::EINTR) => {}
            other => return other.map(|pid| (pid as i32, status, usage)),
        }
    }
}

/// What the processes used that this one has reaped, and those they had reaped.
pub fn usage_of_children() -> Usage {
    const RUSAGE_CHILDREN: usize = usize::MAX;
    let mut usage = Usage::default();
    // SAFETY: getrusage(2) fills a struct rusage. It cannot fail with these arguments.
    let _ = unsafe { call(nr::GETRUSAGE, [RUSAGE_CHILDREN, &raw mut usage as usize]) };
    usage
}

pub fn own_id() -> i32 {
    // SAFETY: getpid(2) takes nothing.
    unsafe { call(nr::GETPID, []) }.map_or(0, |pid| pid as i32)
}

/// This process as a descriptor, which can be read from once it has ended: pidfd_open(2).
pub fn own_pidfd() -> Result<Fd> {
    // SAFETY: pidfd_open(2) takes integers.
    unsafe { call(nr::PIDFD_OPEN, [own_id() as usize, 0]) }.map(|fd| Fd::new(fd as i32))
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Limit {
    pub soft: u64,
    pub hard: u64,
}

pub const RLIMIT_CORE: usize = 4;
pub const RLIMIT_NOFILE: usize = 7;

pub fn limit(resource: usize) -> Result<Limit> {
    let mut old = Limit::default();
    // SAFETY: prlimit64(2) fills the struct.
    unsafe { call(nr::PRLIMIT64, [0, resource, 0, &raw mut old as usize]) }?;
    Ok(old)
}

pub fn set_limit(resource: usize, new: Limit) -> Result<()> {
    set_limit_of(0, resource, new)
}

pub fn set_limit_of(pid: i32, resource: usize, new: Limit) -> Result<()> {
    // SAFETY: prlimit64(2) reads the struct.
    unsafe {
        call(
            nr::PRLIMIT64,
            [pid as usize, resource, &raw const new as usize, 0],
        )
    }
    .map(drop)
}

pub const CLOCK_MONOTONIC: usize = 1;
pub const CLOCK_BOOTTIME: usize = 7;

/// Whole seconds of a clock.
pub fn seconds(clock: usize) -> Result<i64> {
    let mut time = [0i64; 2];
    // SAFETY: clock_gettime(2) fills a timespec.
    unsafe { call(nr::CLOCK_GETTIME, [clock, &raw mut time as usize]) }?;
    Ok(time[0])
}

/// nanosleep(2); a signal ends it early.
pub fn sleep(milliseconds: i64) {
    let time = [milliseconds / 1000, milliseconds % 1000 * 1_000_000];
    // SAFETY: the kernel reads one timespec.
    let _ = unsafe { call(nr::NANOSLEEP, [time.as_ptr() as usize, 0]) };
}

/// A connected pair of stream sockets.
pub fn socket_pair() -> Result<(Fd, Fd)> {
    let mut fds = [0i32; 2];
    let (unix, stream_cloexec) = (1, 1 | 0o2000000);
    // SAFETY: socketpair(2) fills two descriptors.
    unsafe {
        call(
            nr::SOCKETPAIR,
            [unix, stream_cloexec, 0, fds.as_mut_ptr() as usize],
        )
    }?;
    Ok((Fd::new(fds[0]), Fd::new(fds[1])))
}
