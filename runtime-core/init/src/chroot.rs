//! A step without namespaces: in a container that may neither make any nor mount. The supervisor stays outside of the root, in
//! whose place a PID 1 would be, and ends what the command leaves by looking for its children.

use crate::cgroup;
use crate::command;
use crate::descendants;
use crate::launcher;
use crate::report::{self, Fail, Step};
use crate::spare;
use crate::spec::Spec;
use crate::sys::file::{self, Fd};
use crate::sys::process::{self, Child, WNOHANG};
use crate::sys::signal::{self, Poll};
use crate::sys::{self, identity};
use crate::wire;

/// Runs the whole step, to the end of its last process.
pub fn run() -> Result<(), Fail> {
    launcher::leave_the_caller();
    let Some(spec) = spare::wait_for_the_spec(true)? else {
        return Ok(());
    };
    signal::block_all();
    identity::adopt_orphans().at("orphans")?;
    descendants::expect_to_find_them().at("/proc")?;
    let guardian = process::own_pidfd().at("pidfd")?;
    if let Some(supervisor) = process::fork(0).at("fork")? {
        guard(&supervisor);
    }
    // It is not inherited: prctl(2).
    identity::adopt_orphans().at("orphans")?;
    cgroup::join(spec)?;
    // /dev/stdout is opened anew by many scripts: the pipes belong to the step's user.
    let first_pipe = if spec.has(wire::FLAG_INPUT) { 0 } else { 1 };
    for pipe in (first_pipe..=2).filter(|fd| launcher::is_pipe(*fd)) {
        let _ = file::change_owner_of(pipe, spec.uid, spec.gid);
    }
    let ended = signal::child_events().at("signals")?;
    report::ids(false);
    if spec.has(wire::FLAG_PROBE) {
        enter(spec)?;
        report::exited(0);
        return Ok(());
    }
    let command = command::start(spec)?;
    // What the step writes to, it holds itself; the ends here would keep the pipes open.
    file::close_between(0, 2);
    file::close_between(wire::SPEC_FD as u32, wire::SPEC_FD as u32);
    let status = supervise(command.pid, &ended, &guardian).at("wait")?;
    if let Some(fail) = command.failure() {
        return Err(fail);
    }
    descendants::end();
    report::usage(&process::usage_of_children());
    report::exited(status);
    Ok(())
}

/// Outlives the supervisor, outside of the step's cgroup: where that one is killed, what it leaves is adopted here, and killed too.
/// The status socket stays open meanwhile, so that the addon does not take the step for ended.
fn guard(supervisor: &Child) -> ! {
    file::close_between(0, 2);
    file::close_between(wire::SPEC_FD as u32, wire::SPEC_FD as u32);
    file::close_between(wire::CONTROL_FD as u32, wire::CONTROL_FD as u32);
    while process::wait(-1, 0).is_ok_and(|(pid, ..)| pid != supervisor.pid) {}
    descendants::end();
    process::exit(0)
}

/// The command's side, before it gives anything up: chroot(2) needs CAP_SYS_CHROOT.
pub fn enter(spec: &Spec) -> Result<(), Fail> {
    file::change_root(spec.root.upper).about("chroot", spec.root.upper)?;
    file::change_directory(c"/").at("chroot")
}

/// seccomp(2): without no_new_privs, a filter is for CAP_SYS_ADMIN alone. The container's own filter is there in any case.
pub fn may_filter(spec: &Spec) -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    spec.has(wire::FLAG_NO_NEW_PRIVILEGES)
        || identity::Capabilities::current().is_ok_and(|held| held.effective & CAP_SYS_ADMIN != 0)
}

/// Watches until the command has ended, reaps meanwhile, and does what the addon asks. Returns the command's wait status.
/// When the guardian is gone it ends the step, and tells nothing, as if it had been killed itself.
fn supervise(command: i32, ended: &Fd, guardian: &Fd) -> sys::Result<i32> {
    let control = Fd::new(wire::CONTROL_FD);
    let mut watch_control = true;
    loop {
        while let Ok((pid, status, _)) = process::wait(-1, WNOHANG) {
            if pid == command {
                return Ok(status);
            }
            if pid == 0 {
                break;
            }
        }
        let mut fds = [
            Poll::readable(ended),
            Poll::readable(guardian),
            Poll::readable(&control),
        ];
        let watched = if watch_control { 3 } else { 2 };
        if signal::poll(&mut fds[..watched]).is_err() {
            continue;
        }
        if fds[0].ready != 0 {
            signal::take_event(ended);
        }
        if fds[1].ready != 0 {
            descendants::end();
            process::exit(1);
        }
        if fds[2].ready != 0 {
            watch_control = obey(&control, command);
        }
    }
}

/// False once there is nothing more to obey.
fn obey(control: &Fd, command: i32) -> bool {
    let mut byte = [0];
    match file::read(control.raw(), &mut byte) {
        Ok(1) if byte[0] == wire::CONTROL_TERMINATE => {
            descendants::signal(signal::SIGTERM);
            true
        }
        Ok(1) if byte[0] == wire::CONTROL_SIGNAL => {
            // Both bytes are one write: pipe(7).
            if file::read(control.raw(), &mut byte) == Ok(1) {
                signal::send(command, i32::from(byte[0]));
            }
            true
        }
        // The end of file: the addon gave the step up, or died.
        _ => {
            descendants::signal(signal::SIGKILL);
            false
        }
    }
}
