//! The helper that starts one step and is its PID 1.
//!
//! Three processes: the *launcher* stays outside, holds the privileges of the caller and everything that names a path of
//! the host; *init* is PID 1 inside all the namespaces and builds the root from mounts the launcher hands it; the
//! *command* is what the step runs. See the README of runtime-core.
#![no_std]
#![no_main]

mod cgroup;
mod chroot;
mod command;
mod descendants;
mod dev;
mod ids;
mod init;
mod kernel_words;
mod launcher;
mod mask;
mod network;
mod report;
mod root;
mod rootfs;
mod scratch;
mod sources;
mod spare;
mod spec;
mod sys;
mod target;
mod terminal;
mod text;
mod wire;

use sys::process;

/// Called by `_start`, once, on the kernel's stack, where argc is. A second argument asks for a step without namespaces.
extern "C" fn entry(argc: &usize) -> ! {
    let ended = if *argc > 1 {
        chroot::run()
    } else {
        launcher::launch()
    };
    if let Err(fail) = ended {
        report::failed(&fail);
        process::exit(1);
    }
    process::exit(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    report::failed(&report::Fail::new("internal error", sys::EINVAL));
    process::exit(2)
}
