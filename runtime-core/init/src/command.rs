//! The command: gives up what it may not have, takes the step's user, and becomes the program.
//!
//! It starts before its step is known: the bounding set and the filter are the same for every step, and take longer than the rest.
//! The order matters: the bounding set first, then the filter (which needs CAP_SYS_ADMIN when no_new_privs is off), then the ids
//! (which would drop capabilities, were they not kept), then the capabilities. What the filter forbids, nothing after it needs.

use core::cell::UnsafeCell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

use crate::chroot;
use crate::report::{Fail, Step};
use crate::spec::Spec;
use crate::sys::file::{self, O_RDWR};
use crate::sys::identity::{self, Capabilities};
use crate::sys::process::{self, Limit, RLIMIT_CORE, RLIMIT_NOFILE};
use crate::sys::{self, EACCES, ENOENT, ENOTDIR, EPERM, Errno, futex, memory, signal, terminal};
use crate::text::{Text, c_string};
use crate::wire;

/// The process that becomes the command.
pub struct Command {
    pub pid: i32,
    orders: &'static Orders,
}

/// In the memory that the process shares with its parent until it executes.
struct Orders {
    /// All that is known when it starts.
    first: &'static Spec,
    /// 1 once `program` is there.
    is_given: AtomicU32,
    /// The parent's until it is given.
    program: UnsafeCell<Option<Program>>,
    /// The process's own until it has ended.
    failed: UnsafeCell<Option<Fail>>,
}

#[derive(Clone, Copy)]
struct Program {
    spec: &'static Spec,
    argv: &'static [*const u8],
    env: &'static [*const u8],
}

impl Program {
    fn of(spec: &'static Spec) -> Result<Self, Fail> {
        Ok(Self {
            spec,
            argv: memory::pointers(spec.argv, spec.argv.count).at("arguments")?,
            env: memory::pointers(spec.env, spec.env.count).at("environment")?,
        })
    }
}

/// Starts the process, which waits for its step. It has the limits of resources that this process has now.
pub fn prepare(first: &'static Spec) -> Result<Command, Fail> {
    spawn(first, None)
}

/// Starts the process with its step.
pub fn start(spec: &'static Spec) -> Result<Command, Fail> {
    spawn(spec, Some(Program::of(spec)?))
}

fn spawn(first: &'static Spec, program: Option<Program>) -> Result<Command, Fail> {
    let orders = Orders {
        first,
        is_given: AtomicU32::new(u32::from(program.is_some())),
        program: UnsafeCell::new(program),
        failed: UnsafeCell::new(None),
    };
    let orders = memory::keep(orders).at("fork")?;
    let pid = process::fork_sharing_memory(entry, (&raw const *orders).cast_mut().cast()).at("fork")?;
    Ok(Command { pid, orders })
}

impl Command {
    /// The step it waits for. A program that cannot be executed is the command's own end, 126 or 127.
    pub fn go(&self, spec: &'static Spec) -> Result<(), Fail> {
        let program = Program::of(spec)?;
        // SAFETY: the process reads it after the store that follows.
        unsafe { *self.orders.program.get() = Some(program) };
        self.orders.is_given.store(1, Ordering::Release);
        futex::wake(&self.orders.is_given);
        Ok(())
    }

    /// Why it did not become the program. Call it when the process has ended.
    pub fn failure(&self) -> Option<Fail> {
        // SAFETY: nobody is left to write it; volatile, because the process wrote it behind the compiler's back.
        unsafe { self.orders.failed.get().read_volatile() }
    }
}

extern "C" fn entry(argument: *mut u8) -> ! {
    // SAFETY: `spawn` keeps the orders for as long as either process lives.
    let orders = unsafe { &*argument.cast::<Orders>() };
    match confine(orders) {
        Ok(program) => execute(&program),
        Err(fail) => {
            // SAFETY: the parent reads it when this process has ended; volatile, so that it is there by then.
            unsafe { orders.failed.get().write_volatile(Some(fail)) };
            process::exit(1)
        }
    }
}

fn confine(orders: &Orders) -> Result<Program, Fail> {
    harden(orders.first)?;
    let program = await_program(orders)?;
    let spec = program.spec;
    take_input(spec)?;
    enter_directory(spec)?;
    take_user(spec)?;
    set_limits(spec).at("limits")?;
    signal::reset_actions();
    signal::unblock_all();
    Ok(program)
}

/// What needs no step.
fn harden(first: &Spec) -> Result<(), Fail> {
    if first.has(wire::FLAG_CHROOT) {
        chroot::enter(first)?;
    }
    let _ = process::start_session();
    file::close_from(3);
    process::set_umask(0o022);
    if first.has(wire::FLAG_NO_NEW_PRIVILEGES) {
        identity::set_no_new_privileges().at("no_new_privs")?;
    }
    bound_capabilities(first).at("capabilities")?;
    identity::keep_capabilities().at("capabilities")?;
    let may_filter = !first.has(wire::FLAG_CHROOT) || chroot::may_filter(first);
    if !first.has(wire::FLAG_INSECURE) && may_filter {
        identity::install_filter(first.filter).at("seccomp")?;
    }
    Ok(())
}

fn await_program(orders: &Orders) -> Result<Program, Fail> {
    while orders.is_given.load(Ordering::Acquire) == 0 {
        futex::wait(&orders.is_given, 0);
    }
    // SAFETY: given, it is only read.
    unsafe { *orders.program.get() }.ok_or(Fail::new("fork", sys::EINVAL))
}

/// The step's terminal becomes that of the command's session; without one and without input there is nothing to read.
fn take_input(spec: &Spec) -> Result<(), Fail> {
    if spec.has(wire::FLAG_TERMINAL) {
        return terminal::control(0).at("terminal");
    }
    if spec.has(wire::FLAG_INPUT) {
        return Ok(());
    }
    let null = file::open(c"/dev/null", O_RDWR).at("/dev/null")?;
    file::duplicate(null.raw(), 0).at("/dev/null")
}

/// What the step asked for comes last: few open files or little memory would be in the way of all before.
fn set_limits(spec: &Spec) -> sys::Result<()> {
    default_limits(spec)?;
    spec.ulimits
        .iter()
        .try_for_each(|ulimit| process::set_limit(ulimit.resource, ulimit.limit))
}

/// No core files in a layer; many descriptors, but not so many that programs which loop over them stall.
fn default_limits(spec: &Spec) -> sys::Result<()> {
    const MOST_FILES: u64 = 1 << 20;
    let is_asked = |resource| spec.ulimits.iter().any(|ulimit| ulimit.resource == resource);
    if !is_asked(RLIMIT_CORE) {
        process::set_limit(RLIMIT_CORE, Limit::default())?;
    }
    if is_asked(RLIMIT_NOFILE) {
        return Ok(());
    }
    let files = process::limit(RLIMIT_NOFILE)?;
    let hard = files.hard.min(MOST_FILES);
    process::set_limit(
        RLIMIT_NOFILE,
        Limit {
            soft: files.soft.min(hard),
            hard,
        },
    )
}

/// With every descriptor of the host closed, nothing but the root can be reached; getcwd(2) proves it.
fn enter_directory(spec: &Spec) -> Result<(), Fail> {
    file::change_directory(spec.cwd).about("working directory", spec.cwd)?;
    if file::is_directory_inside_root().about("working directory", spec.cwd)? {
        return Ok(());
    }
    Err(Fail {
        step: "working directory",
        errno: EACCES,
        subject: spec.cwd,
    })
}

fn take_user(spec: &Spec) -> Result<(), Fail> {
    if spec.has(wire::FLAG_NO_NEW_PRIVILEGES) {
        identity::set_no_new_privileges().at("no_new_privs")?;
    }
    set_groups(spec)?;
    identity::set_ids(spec.uid, spec.gid).at("user")?;
    // Ids other than root's lose the effective set: prctl(2), PR_SET_KEEPCAPS.
    identity::raise_permitted().at("capabilities")?;
    identity::clear_ambient().at("capabilities")?;
    if spec.has(wire::FLAG_INSECURE) {
        return identity::keep_all_through_execve().at("capabilities");
    }
    final_capabilities(spec)
        .at("capabilities")?
        .apply()
        .at("capabilities")
}

fn set_groups(spec: &Spec) -> Result<(), Fail> {
    match identity::set_groups(spec.groups) {
        // user_namespaces(7): without setgroups there are no groups to give up.
        Err(EPERM) if spec.groups.is_empty() => Ok(()),
        other => other.at("groups"),
    }
}

/// A container that withholds CAP_SETPCAP has bounded the set itself.
fn bound_capabilities(spec: &Spec) -> sys::Result<()> {
    match identity::bound_capabilities(spec.capabilities) {
        Err(EPERM) if spec.has(wire::FLAG_CHROOT) => Ok(()),
        other => other,
    }
}

/// Root has Docker's set; any other user has none, and gets them back only through a program of root's. In a container root has
/// what it is given.
fn final_capabilities(spec: &Spec) -> sys::Result<Capabilities> {
    let mut held = if spec.uid == 0 { spec.capabilities } else { 0 };
    if spec.has(wire::FLAG_CHROOT) {
        held &= Capabilities::current()?.permitted;
    }
    Ok(Capabilities {
        effective: held,
        permitted: held,
        inheritable: 0,
    })
}

const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn execute(program: &Program) -> ! {
    let mut argv = program.spec.argv;
    let name = argv.next().unwrap_or(c"");
    if name.to_bytes().contains(&b'/') {
        // SAFETY: both arrays end in null and point into the spec.
        let errno = unsafe { process::execute(name, program.argv, program.env) };
        give_up(name, errno, describe(errno));
    }
    let errno = search(program, name);
    let reason = if errno == ENOENT {
        "executable file not found in $PATH"
    } else {
        describe(errno)
    };
    give_up(name, errno, reason)
}

/// Tries every directory of PATH, as execvp(3): a file that may not be run is remembered, the search goes on.
fn search(program: &Program, name: &CStr) -> Errno {
    let mut refused = ENOENT;
    if name.is_empty() {
        return refused;
    }
    for directory in path_of(program.spec)
        .split(|b| *b == b':')
        .filter(|d| !d.is_empty())
    {
        let Ok(candidate) = join(directory, name.to_bytes()) else {
            continue;
        };
        // SAFETY: both arrays end in null and point into the spec.
        match unsafe { process::execute(candidate.as_c_str(), program.argv, program.env) } {
            ENOENT | ENOTDIR => {}
            EACCES => refused = EACCES,
            other => return other,
        }
    }
    refused
}

fn path_of(spec: &Spec) -> &'static [u8] {
    let mut env = spec.env;
    env.find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="))
        .unwrap_or(DEFAULT_PATH)
}

fn join(directory: &[u8], name: &[u8]) -> sys::Result<Text<4096>> {
    let mut path = c_string::<4096>(directory)?;
    path.push(b"/")
        .and_then(|()| path.push(name))
        .map_err(|_| sys::ENAMETOOLONG)?;
    Ok(path)
}

/// What a shell's exit codes mean: 127 not found, 126 found and not to be run.
fn give_up(name: &CStr, errno: Errno, reason: &str) -> ! {
    for part in [b"exec: \"", name.to_bytes(), b"\": ", reason.as_bytes(), b"\n"] {
        let _ = file::write_all(2, part);
    }
    process::exit(if matches!(errno, ENOENT | ENOTDIR) {
        127
    } else {
        126
    })
}

fn describe(errno: Errno) -> &'static str {
    match errno {
        ENOENT => "no such file or directory",
        EACCES | EPERM => "permission denied",
        ENOTDIR => "not a directory",
        sys::ENOEXEC => "exec format error",
        sys::ELOOP => "too many levels of symbolic links",
        Errno(7) => "argument list too long",
        Errno(12) => "cannot allocate memory",
        Errno(26) => "text file busy",
        _ => "cannot be executed",
    }
}
