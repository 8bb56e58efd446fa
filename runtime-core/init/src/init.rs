//! PID 1 of the step: builds the root, runs the command, reaps, ends the rest, tells how it went.

use crate::cgroup;
use crate::command::{self, Command};
use crate::launcher::{Handover, IDS_MAPPED, MOUNTS_READY, TAKEN_OVER};
use crate::network;
use crate::report::{self, Fail, Step};
use crate::root::{self, KernelFilesystems};
use crate::spec::Spec;
use crate::sys::file::{self, Fd};
use crate::sys::process::{self, WNOHANG};
use crate::sys::{self, ECHILD, EPERM, identity, signal};
use crate::target::Created;
use crate::wire;

/// Never returns: the process ends with the step. `is_placed` says that it is in the step's cgroup already.
pub fn run(first: &'static Spec, launcher: &Fd, sync: &Fd, handover: *mut Handover, is_placed: bool) -> ! {
    match step(first, launcher, sync, handover, is_placed) {
        Ok(()) => process::exit(0),
        Err(fail) => {
            report::failed(&fail);
            process::exit(1)
        }
    }
}

/// Until the mounts are ready, nothing depends on the step: a helper that prepares ahead waits there.
fn step(
    first: &'static Spec,
    launcher: &Fd,
    sync: &Fd,
    handover: *mut Handover,
    is_placed: bool,
) -> Result<(), Fail> {
    signal::block_all();
    die_with(launcher)?;
    if !is_placed {
        cgroup::join(first)?;
    }
    if !first.has(wire::FLAG_HOST_NETWORK) {
        network::bring_loopback_up().at("network")?;
    }
    if first.has(wire::FLAG_PRIVATE_NETWORK) {
        report::network(network::make(first.has(wire::FLAG_IPV6)));
    }
    expect(sync, IDS_MAPPED)?;
    become_root(launcher)?;
    process::unshare(process::CLONE_NEWCGROUP).at("cgroup namespace")?;
    let command = prepare_command(first)?;
    let mut kernel = KernelFilesystems::mount(first)?;
    expect(sync, MOUNTS_READY)?;
    let spec = first.of_the_step()?;
    process::set_hostname(spec.hostname).at("hostname")?;
    // SAFETY: the launcher wrote it before the byte just read, and writes it no more.
    let handover = unsafe { handover.read_volatile() };
    process::unshare(process::CLONE_FILES).at("descriptors")?;
    file::write_all(sync.raw(), &[TAKEN_OVER]).at("descriptors")?;
    let terminal = kernel.terminal.take();
    let created = root::enter(spec, &handover, kernel)?;
    if let Some(terminal) = terminal {
        terminal.give(spec)?;
    }
    close_what_is_left(&created);
    identity::forbid_tracing().at("dumpable")?;
    let status = run_command(spec, command)?;
    created.remove();
    report::usage(&process::usage_of_children());
    report::exited(status);
    Ok(())
}

/// From here on: the step's pipes, the status, and the parents of mount points that must go again.
fn close_what_is_left(created: &Created) {
    let first_unknown = wire::CONTROL_FD as u32 + 1;
    file::close_between(wire::SPEC_FD as u32, wire::SPEC_FD as u32);
    file::close_between(wire::CONTROL_FD as u32, wire::CONTROL_FD as u32);
    if created.is_empty() {
        file::close_from(first_unknown);
    }
}

/// From here on, and now when the launcher has ended before the signal was asked for.
fn die_with(launcher: &Fd) -> Result<(), Fail> {
    identity::set_parent_death_signal(signal::SIGKILL).at("death signal")?;
    if signal::is_ready(launcher) {
        process::exit(1);
    }
    Ok(())
}

fn expect(sync: &Fd, byte: u8) -> Result<(), Fail> {
    let mut got = [0];
    match file::read(sync.raw(), &mut got) {
        Ok(1) if got[0] == byte => Ok(()),
        Ok(_) => Err(Fail::new("launcher", sys::EINVAL)),
        Err(errno) => Err(Fail::new("launcher", errno)),
    }
}

fn become_root(launcher: &Fd) -> Result<(), Fail> {
    match identity::set_groups(&[]) {
        // user_namespaces(7), "The /proc/pid/setgroups file": a caller with one id may not.
        Ok(()) | Err(EPERM) => {}
        Err(errno) => return Err(Fail::new("groups", errno)),
    }
    identity::set_ids(0, 0).at("user namespace")?;
    // A change of ids clears the death signal: prctl(2).
    die_with(launcher)
}

/// None where there is no command to run, or where its terminal must come first.
fn prepare_command(first: &'static Spec) -> Result<Option<Command>, Fail> {
    if first.has(wire::FLAG_PROBE) || first.has(wire::FLAG_TERMINAL) {
        return Ok(None);
    }
    command::prepare(first).map(Some)
}

/// To the end of the command and of everything it left running: its wait status.
fn run_command(spec: &'static Spec, prepared: Option<Command>) -> Result<i32, Fail> {
    if spec.has(wire::FLAG_PROBE) {
        return Ok(0);
    }
    let command = match prepared {
        Some(command) => {
            command.go(spec)?;
            command
        }
        None => command::start(spec)?,
    };
    // What the step writes to, it holds itself; the ends here would keep the pipes open.
    file::close_between(0, 2);
    let status = wait_for(command.pid);
    if let Some(fail) = command.failure() {
        return Err(fail);
    }
    end_the_rest();
    Ok(status)
}

/// Reaps whatever ends until the command does. SIGTERM from outside goes to everyone in the step, a signal that is forwarded to
/// the command.
fn wait_for(command: i32) -> i32 {
    loop {
        while let Ok((pid, status, _)) = process::wait(-1, WNOHANG) {
            if pid == command {
                return status;
            }
            if pid == 0 {
                break;
            }
        }
        match signal::wait() {
            Ok(received) if !received.from_outside => {}
            Ok(received) if received.signal == signal::SIGTERM => signal::send(-1, signal::SIGTERM),
            Ok(received) if received.signal == signal::FORWARD => signal::send(command, received.value),
            _ => {}
        }
    }
}

/// No process of a step outlives its command: pid_namespaces(7) would end them too, but only after the report.
fn end_the_rest() {
    loop {
        signal::send(-1, signal::SIGKILL);
        if let Err(ECHILD) = process::wait(-1, 0) {
            return;
        }
    }
}
