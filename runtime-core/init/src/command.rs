//! The command: takes the step's user, gives up what it may not have, and becomes the program.
//!
//! The order matters and is runc's: the bounding set first, then the ids (which would drop capabilities, were they not
//! kept), then the filter (which needs CAP_SYS_ADMIN when no_new_privs is off), then the capabilities.

use core::ffi::CStr;

use crate::chroot;
use crate::report::{Fail, Step};
use crate::spec::Spec;
use crate::sys::file::{self, O_RDWR};
use crate::sys::identity::{self, Capabilities};
use crate::sys::process::{self, Limit, RLIMIT_CORE, RLIMIT_NOFILE};
use crate::sys::{self, EACCES, ENOENT, ENOTDIR, EPERM, Errno, memory, signal, terminal};
use crate::text::{Text, c_string};
use crate::wire;

struct Command {
    spec: &'static Spec,
    argv: &'static [*const u8],
    env: &'static [*const u8],
    /// Set by the child, in the memory it shares, when it cannot become the program.
    failed: Option<Fail>,
}

/// Starts the command and returns its pid. A program that cannot be executed is the command's own end, 126 or 127.
pub fn start(spec: &'static Spec) -> Result<i32, Fail> {
    let mut command = Command {
        spec,
        argv: memory::pointers(spec.argv, spec.argv.count).at("arguments")?,
        env: memory::pointers(spec.env, spec.env.count).at("environment")?,
        failed: None,
    };
    let pid = process::vfork(entry, (&raw mut command).cast()).at("fork")?;
    // SAFETY: a plain read of a local, but one the child may have written: the compiler must not keep its own copy.
    match unsafe { (&raw const command.failed).read_volatile() } {
        Some(fail) => Err(fail),
        None => Ok(pid),
    }
}

extern "C" fn entry(argument: *mut u8) -> ! {
    // SAFETY: the parent sleeps until this process has executed or ended; `command` is on its stack.
    let command = unsafe { &mut *argument.cast::<Command>() };
    match confine(command.spec) {
        Ok(()) => execute(command),
        Err(fail) => {
            // SAFETY: as above; written through memory, where the parent looks.
            unsafe { (&raw mut command.failed).write_volatile(Some(fail)) };
            process::exit(1)
        }
    }
}

fn confine(spec: &Spec) -> Result<(), Fail> {
    if spec.has(wire::FLAG_CHROOT) {
        chroot::enter(spec)?;
    }
    let _ = process::start_session();
    file::close_from(3);
    take_input(spec)?;
    process::set_umask(0o022);
    enter_directory(spec)?;
    take_user(spec)?;
    set_limits(spec).at("limits")?;
    signal::reset_actions();
    signal::unblock_all();
    Ok(())
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
    bound_capabilities(spec).at("capabilities")?;
    identity::keep_capabilities().at("capabilities")?;
    set_groups(spec)?;
    identity::set_ids(spec.uid, spec.gid).at("user")?;
    // Ids other than root's lose the effective set: prctl(2), PR_SET_KEEPCAPS.
    identity::raise_permitted().at("capabilities")?;
    identity::clear_ambient().at("capabilities")?;
    if spec.has(wire::FLAG_INSECURE) {
        return identity::keep_all_through_execve().at("capabilities");
    }
    if !spec.has(wire::FLAG_CHROOT) || chroot::may_filter(spec) {
        identity::install_filter(spec.filter).at("seccomp")?;
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

fn execute(command: &Command) -> ! {
    let mut argv = command.spec.argv;
    let name = argv.next().unwrap_or(c"");
    if name.to_bytes().contains(&b'/') {
        // SAFETY: both arrays end in null and point into the spec.
        let errno = unsafe { process::execute(name, command.argv, command.env) };
        give_up(name, errno, describe(errno));
    }
    let errno = search(command, name);
    let reason = if errno == ENOENT {
        "executable file not found in $PATH"
    } else {
        describe(errno)
    };
    give_up(name, errno, reason)
}

/// Tries every directory of PATH, as execvp(3): a file that may not be run is remembered, the search goes on.
fn search(command: &Command, name: &CStr) -> Errno {
    let mut refused = ENOENT;
    if name.is_empty() {
        return refused;
    }
    for directory in path_of(command.spec)
        .split(|b| *b == b':')
        .filter(|d| !d.is_empty())
    {
        let Ok(candidate) = join(directory, name.to_bytes()) else {
            continue;
        };
        // SAFETY: both arrays end in null and point into the spec.
        match unsafe { process::execute(candidate.as_c_str(), command.argv, command.env) } {
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
