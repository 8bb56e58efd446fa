//! Starting the helper: clone(2) with CLONE_VM and CLONE_VFORK, whose cost does not grow with Node's heap, and whose child
//! only moves descriptors and executes.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use rustix::io::{pwrite, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};

use super::input::Input;
use super::{helper, wire};
use crate::error::{Error, Result};

/// A running helper, and the ends of its pipes that stay here.
pub struct Spawned {
    pub pidfd: OwnedFd,
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub status: OwnedFd,
    pub control: OwnedFd,
    /// What the command reads is written to, or the socket that its terminal comes by: `Input` says which.
    pub input: Option<OwnedFd>,
    pub kind: Input,
    /// What the helper reads its spec from.
    pub spec: OwnedFd,
}

/// What the helper keeps the step apart with.
#[derive(Clone, Copy, PartialEq)]
pub enum Isolation {
    Namespaces,
    /// chroot(2) alone.
    Plain,
}

/// Starts the helper. It enters namespaces while its spec is still being made, which `give_spec` hands over.
pub fn spawn(isolation: Isolation, kind: Input) -> Result<Spawned> {
    let program = helper::descriptor()?;
    spawn_program(program, isolation, kind).map_err(|error| Error {
        code: "SANDBOX_SETUP_FAILED",
        ..Error::io("start helper", "tsbuild-init", &error)
    })
}

impl Spawned {
    /// A helper that has ended meanwhile has told why on its status pipe.
    pub fn give_spec(&self, spec: &[u8]) -> io::Result<()> {
        self.write_spec(spec, 0)?;
        match self.control(wire::CONTROL_SPEC) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// The step of a helper that prepared ahead. Fails when it has ended.
    pub fn give_step(&self, spec: &[u8]) -> io::Result<()> {
        self.write_spec(spec, wire::STEP_OFFSET)?;
        self.control(wire::CONTROL_START)
    }

    /// Ends a helper that got no spec.
    pub fn give_up(self) {
        drop(self.control);
        reap(&self.pidfd);
    }

    fn write_spec(&self, spec: &[u8], offset: usize) -> io::Result<()> {
        let mut written = 0;
        while written < spec.len() {
            written += pwrite(&self.spec, &spec[written..], (offset + written) as u64)?;
        }
        Ok(())
    }

    fn control(&self, byte: u8) -> io::Result<()> {
        write(&self.control, &[byte])?;
        Ok(())
    }
}

fn spawn_program(program: RawFd, isolation: Isolation, kind: Input) -> io::Result<Spawned> {
    let spec = helper::memfd()?;
    let (theirs, input) = kind.open()?;
    let (stdout, stdout_writer) = output_pipe()?;
    let (stderr, stderr_writer) = output_pipe()?;
    // A socket, since a descriptor may come with a record.
    let (status, status_writer) = socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let (control_reader, control) = pipe_with(PipeFlags::CLOEXEC)?;
    let mut start = Start {
        program,
        isolation,
        // In the order of the numbers they get: wire.rs.
        sources: [
            theirs.as_raw_fd(),
            stdout_writer.as_raw_fd(),
            stderr_writer.as_raw_fd(),
            spec.as_raw_fd(),
            status_writer.as_raw_fd(),
            control_reader.as_raw_fd(),
        ],
        errno: 0,
    };
    let pidfd = start.run()?;
    Ok(Spawned {
        pidfd,
        stdout,
        stderr,
        status,
        control,
        input,
        kind,
        spec,
    })
}

fn output_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    widen(&writer);
    Ok((reader, writer))
}

/// Makes a pipe wide enough that a busy step is not woken for every 64 KiB, where the user's share allows it.
pub fn widen(pipe: &OwnedFd) {
    const WIDE: usize = 1 << 20;
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, WIDE);
}

const COUNT: usize = wire::CONTROL_FD as usize + 1;

/// What the child needs, made before it exists: it must not allocate.
struct Start {
    program: RawFd,
    isolation: Isolation,
    sources: [RawFd; COUNT],
    /// Set by the child, which shares this memory, when it could not execute.
    errno: i32,
}

const STACK_SIZE: usize = 64 * 1024;

impl Start {
    fn run(&mut self) -> io::Result<OwnedFd> {
        let mut stack = vec![0u128; STACK_SIZE / size_of::<u128>()];
        let mut pidfd: RawFd = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        let blocked = SignalsBlocked::new();
        // SAFETY: the stack is aligned and unused; this thread sleeps until the child has executed or ended, so `self`,
        // `stack` and `pidfd` outlive its use of them. No handler runs in the child: every signal is blocked.
        let pid = unsafe {
            let top = stack.as_mut_ptr_range().end.cast();
            libc::clone(child, top, flags, (&raw mut *self).cast(), &raw mut pidfd)
        };
        let failed = io::Error::last_os_error();
        drop(blocked);
        if pid < 0 {
            return Err(failed);
        }
        // SAFETY: clone(2) with CLONE_PIDFD stored a new descriptor.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        // SAFETY: a field the child may have written behind the compiler's back.
        match unsafe { (&raw const self.errno).read_volatile() } {
            0 => Ok(pidfd),
            errno => {
                reap(&pidfd);
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }

    /// Puts every source at its number and executes. Only async-signal-safe calls. Returns errno.
    fn execute(&self) -> i32 {
        // Out of the way of the numbers they will get.
        let above = COUNT as i32 + 10;
        let mut moved = [-1; COUNT];
        // SAFETY: fcntl(2), dup2(2), execveat(2) on this process's own descriptor table, a copy of the parent's.
        unsafe {
            for (to, from) in moved.iter_mut().zip(self.sources) {
                *to = libc::fcntl(from, libc::F_DUPFD_CLOEXEC, above);
            }
            let program = libc::fcntl(self.program, libc::F_DUPFD_CLOEXEC, above);
            for (number, from) in moved.iter().enumerate() {
                if *from < 0 || libc::dup2(*from, number as i32) < 0 {
                    return errno();
                }
            }
            let close_on_exec = libc::CLOSE_RANGE_CLOEXEC as libc::c_long;
            libc::syscall(
                libc::SYS_close_range,
                COUNT as libc::c_long,
                u32::MAX as libc::c_long,
                close_on_exec,
            );
            let second = match self.isolation {
                Isolation::Namespaces => std::ptr::null(),
                Isolation::Plain => c"plain".as_ptr(),
            };
            let argv = [c"tsbuild-init".as_ptr(), second, std::ptr::null()];
            let env: [*const libc::c_char; 1] = [std::ptr::null()];
            libc::syscall(
                libc::SYS_execveat,
                program,
                c"".as_ptr(),
                argv.as_ptr(),
                env.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
            errno()
        }
    }
}

extern "C" fn child(argument: *mut libc::c_void) -> libc::c_int {
    // SAFETY: the parent's `Start`, which sleeps meanwhile.
    let start = unsafe { &mut *argument.cast::<Start>() };
    let errno = start.execute();
    // SAFETY: as above; volatile, because the parent reads it as memory.
    unsafe { (&raw mut start.errno).write_volatile(errno) };
    1
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Waits for the end of the process: waitid(2), P_PIDFD.
pub fn reap(pidfd: &OwnedFd) {
    loop {
        // SAFETY: waitid(2) fills a siginfo_t.
        let result = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            libc::waitid(
                libc::P_PIDFD,
                pidfd.as_raw_fd() as libc::id_t,
                &raw mut info,
                libc::WEXITED | libc::__WALL,
            )
        };
        if result == 0 || errno() != libc::EINTR {
            return;
        }
    }
}

/// Every signal blocked on this thread, as long as the value lives.
struct SignalsBlocked(libc::sigset_t);

impl SignalsBlocked {
    fn new() -> Self {
        // SAFETY: sigfillset(3) and pthread_sigmask(3) fill the sets they are given.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut old: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut old);
            Self(old)
        }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: restores the mask that `new` saved on this thread.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
        }
    }
}
