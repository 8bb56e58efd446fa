//! The launcher: outside the namespaces, with the caller's privileges. It maps ids, opens everything
//! that has a path on the host, and then watches: it forwards what the addon asks and ends the step when the addon is gone.

use crate::cgroup;
use crate::ids::{Ids, in_initial_user_namespace, user_namespace_of};
use crate::init;
use crate::report::{self, Fail, Step};
use crate::rootfs::{self, Place};
use crate::scratch::Scratch;
use crate::sources;
use crate::spare;
use crate::spec::Spec;
use crate::sys::file::{self, Fd, S_IFIFO};
use crate::sys::process::{self, Child, Limit};
use crate::sys::signal::{self, Poll};
use crate::sys::{self, EINVAL, ENOSYS, EOPNOTSUPP, EOVERFLOW, EPERM, identity, memory, mount};
use crate::text::{Text, format};
use crate::wire;

/// The most mounts of its own a step can have.
pub const MAX_MOUNTS: usize = 120;

/// Descriptors the launcher made for init. The two share one descriptor table until init has them.
#[repr(C)]
pub struct Handover {
    pub root: i32,
    pub hosts: i32,
    pub resolv_conf: i32,
    pub mounts: [i32; MAX_MOUNTS],
}
// SAFETY: integers.
unsafe impl memory::Zero for Handover {}

pub const IDS_MAPPED: u8 = b'm';
pub const MOUNTS_READY: u8 = b'g';
pub const TAKEN_OVER: u8 = b't';

/// Runs the whole step. What it returns is a failure of set-up; the step's own end is told by init.
pub fn launch() -> Result<(), Fail> {
    leave_the_caller();
    process::unshare(process::CLONE_NEWNS).at("mount namespace")?;
    mount::make_all_private().at("mount namespace")?;
    start_clocks_at_zero().at("time namespace")?;
    let Some(first) = spare::wait_for_the_spec(false)? else {
        return Ok(());
    };
    let Some(child) = start(first)? else {
        return Ok(());
    };
    keep_only(&child.pidfd);
    supervise(&child)
}

/// Init holds the rest now. The step's pipes must not stay open here once it is over.
fn keep_only(pidfd: &Fd) {
    let kept = pidfd.raw() as u32;
    file::close_between(0, wire::SPEC_FD as u32);
    file::close_between(wire::CONTROL_FD as u32 + 1, kept - 1);
    file::close_from(kept + 1);
}

pub fn leave_the_caller() {
    signal::reset_actions();
    signal::unblock_all();
    // A terminal's Ctrl-C is the addon's to answer.
    let _ = process::start_session();
    identity::join_new_session_keyring();
    process::set_umask(0o022);
}

/// time_namespaces(7): children find both clocks near zero.
fn start_clocks_at_zero() -> sys::Result<()> {
    process::unshare(process::CLONE_NEWTIME)?;
    let monotonic = process::seconds(process::CLOCK_MONOTONIC)?;
    let boottime = process::seconds(process::CLOCK_BOOTTIME)?;
    let offsets: Text<128> = format(format_args!("monotonic -{monotonic} 0\nboottime -{boottime} 0\n"))?;
    file::write_file(file::AT_FDCWD, c"/proc/self/timens_offsets", offsets.as_bytes())
}

/// Starts init with idmapped mounts, or, where the kernel or the filesystem refuses them, with the caller's ids.
/// `None` when it was prepared ahead and no step came.
fn start(first: &'static Spec) -> Result<Option<Child>, Fail> {
    if first.has(wire::FLAG_INSECURE) {
        return start_with(first, Ids::Caller);
    }
    if !first.has(wire::FLAG_IDENTITY) && in_initial_user_namespace() {
        return match start_with(first, Ids::Idmapped) {
            Err(fail) if may_refuse_idmapping(&fail) => {
                // setfsuid(2) has closed this process, and would close the next init, whose namespace is opened below.
                identity::allow_tracing().at("dumpable")?;
                start_with(first.of_the_step()?, Ids::Identity)
            }
            other => other,
        };
    }
    start_with(first, Ids::Identity)
}

/// Refused are the layers of a step, so that there is one.
fn may_refuse_idmapping(fail: &Fail) -> bool {
    matches!(fail.step, "idmapped mount" | "overlay")
        && matches!(fail.errno, EINVAL | EPERM | ENOSYS | EOPNOTSUPP | EOVERFLOW)
}

fn start_with(first: &'static Spec, ids: Ids) -> Result<Option<Child>, Fail> {
    let (ours, theirs) = process::socket_pair().at("clone")?;
    let handover = memory::shared::<Handover>().at("clone")?;
    let launcher = process::own_pidfd().at("clone")?;
    let network = if first.has(wire::FLAG_HOST_NETWORK) {
        0
    } else {
        process::CLONE_NEWNET
    };
    let user = if ids == Ids::Caller {
        0
    } else {
        process::CLONE_NEWUSER
    };
    let namespaces = user
        | process::CLONE_NEWNS
        | process::CLONE_NEWPID
        | process::CLONE_NEWIPC
        | process::CLONE_NEWUTS
        | network;
    let (child, is_placed) = cgroup::fork(first, namespaces | process::CLONE_FILES)?;
    let Some(child) = child else {
        init::run(first, &launcher, &theirs, handover, is_placed);
    };
    match hand_over(first, ids, &child, &ours, handover) {
        Ok(true) => Ok(Some(child)),
        Ok(false) => {
            end(&child);
            spare::remove_cgroups(first);
            Ok(None)
        }
        Err(fail) => {
            end(&child);
            Err(fail)
        }
    }
}

fn end(child: &Child) {
    signal::send_to(&child.pidfd, signal::SIGKILL);
    let _ = process::wait(child.pid, 0);
}

/// False when no step came for what was prepared ahead.
fn hand_over(
    first: &'static Spec,
    ids: Ids,
    child: &Child,
    sync: &Fd,
    handover: *mut Handover,
) -> Result<bool, Fail> {
    ids.map(child.pid)?;
    // Before init changes its ids: without CAP_SYS_PTRACE its namespaces are closed to this process from then on.
    let userns = user_namespace_of(child.pid).at("user namespace")?;
    raise_hard_limits(first, child).at("limits")?;
    file::write_all(sync.raw(), &[IDS_MAPPED]).at("clone")?;
    let scratch = ids.as_step_root(Scratch::new)?;
    if first.has(wire::FLAG_AHEAD) && !spare::wait_for_a_step(child) {
        return Ok(false);
    }
    let spec = first.of_the_step()?;
    let made = make_mounts(spec, ids, &userns, scratch)?;
    // SAFETY: init reads this only after the byte that follows.
    unsafe { handover.write_volatile(made) };
    // /dev/stdout is opened anew by many scripts: the pipes belong to the step's user.
    let first_pipe = if spec.has(wire::FLAG_INPUT) { 0 } else { 1 };
    for pipe in (first_pipe..=2).filter(|fd| is_pipe(*fd)) {
        let _ = file::change_owner_of(pipe, ids.outside(spec.uid), ids.outside(spec.gid));
    }
    report::ids(ids == Ids::Idmapped);
    file::write_all(sync.raw(), &[MOUNTS_READY]).at("clone")?;
    wait_until_taken(child, sync)?;
    Ok(true)
}

/// getrlimit(2): only CAP_SYS_RESOURCE of the first user namespace raises a hard limit, and init is in none of that. It sets
/// the rest itself.
fn raise_hard_limits(spec: &Spec, child: &Child) -> sys::Result<()> {
    for ulimit in spec.ulimits {
        let own = process::limit(ulimit.resource)?;
        if ulimit.limit.hard > own.hard {
            let raised = Limit {
                soft: own.soft,
                hard: ulimit.limit.hard,
            };
            process::set_limit_of(child.pid, ulimit.resource, raised)?;
        }
    }
    Ok(())
}

/// A descriptor of the machine's own, such as /dev/null, must not change hands.
pub fn is_pipe(fd: i32) -> bool {
    file::stat(fd).is_ok_and(|found| found.kind() == S_IFIFO)
}

fn make_mounts(spec: &Spec, ids: Ids, userns: &Fd, scratch: Scratch) -> Result<Handover, Fail> {
    let mut made = Handover {
        root: -1,
        hosts: -1,
        resolv_conf: -1,
        mounts: [-1; MAX_MOUNTS],
    };
    let place = Place {
        ids,
        userns,
        scratch: &scratch,
        attributes: if ids == Ids::Caller { 0 } else { mount::NODEV },
    };
    let filled = sources::make(spec, &place, &mut made.mounts)
        .and_then(|()| ids.as_step_root(|| fill_handover(spec, &place, &mut made)));
    match filled {
        Ok(()) => Ok(made),
        Err(fail) => {
            scratch.discard();
            Err(fail)
        }
    }
}

fn fill_handover(spec: &Spec, place: &Place, made: &mut Handover) -> Result<(), Fail> {
    place.scratch.fill(spec, &made.mounts)?;
    made.root = rootfs::make(spec, place)?.leak();
    made.hosts = place.scratch.file(c"hosts")?.leak();
    made.resolv_conf = place.scratch.file(c"resolv.conf")?.leak();
    Ok(())
}

/// Waits until init has a descriptor table of its own, or has ended and told why.
fn wait_until_taken(child: &Child, sync: &Fd) -> Result<(), Fail> {
    let mut fds = [Poll::readable(sync), Poll::readable(&child.pidfd)];
    while signal::poll(&mut fds).is_err() {}
    let mut byte = [0];
    if fds[0].ready != 0 && file::read(sync.raw(), &mut byte) == Ok(1) && byte[0] == TAKEN_OVER {
        return Ok(());
    }
    // Init told its own failure; supervise() collects it.
    Ok(())
}

/// Watches until init is gone, and with it all that the step had of the kernel.
fn supervise(child: &Child) -> Result<(), Fail> {
    let control = Fd::new(wire::CONTROL_FD);
    let mut watch_control = true;
    loop {
        let mut fds = [Poll::readable(&child.pidfd), Poll::readable(&control)];
        let watched = if watch_control { 2 } else { 1 };
        if signal::poll(&mut fds[..watched]).is_err() {
            continue;
        }
        if fds[0].ready != 0 {
            process::wait(child.pid, 0).at("wait")?;
            return Ok(());
        }
        if fds[1].ready != 0 {
            watch_control = obey(&control, child);
        }
    }
}

/// False once there is nothing more to obey.
fn obey(control: &Fd, child: &Child) -> bool {
    let mut byte = [0];
    match file::read(control.raw(), &mut byte) {
        Ok(1) if byte[0] == wire::CONTROL_TERMINATE => {
            signal::send_to(&child.pidfd, signal::SIGTERM);
            true
        }
        Ok(1) if byte[0] == wire::CONTROL_SIGNAL => {
            // Both bytes are one write: pipe(7).
            if file::read(control.raw(), &mut byte) == Ok(1) {
                signal::queue_to(&child.pidfd, signal::FORWARD, i32::from(byte[0]));
            }
            true
        }
        // The end of file: the addon gave the step up, or died.
        _ => {
            signal::send_to(&child.pidfd, signal::SIGKILL);
            false
        }
    }
}
