//! The helper that starts one step and is its PID 1.
//!
//! Three processes: the *launcher* stays outside, holds the privileges of the caller and everything that names a path of
//! the host; *init* is PID 1 inside all the namespaces and builds the root from mounts the launcher hands it; the
//! *command* is what the step runs. See the README of runtime-core.
#![no_std]
#![no_main]

mod command;
mod dev;
mod ids;
mod init;
mod launcher;
mod mask;
mod report;
mod root;
mod rootfs;
mod scratch;
mod spec;
mod sys;
mod target;
mod text;
mod wire;

use spec::Spec;
use sys::{memory, process};

/// Called by `_start`, once, on the kernel's stack.
extern "C" fn entry() -> ! {
    let outcome = Spec::load().and_then(|spec| {
        // One spec for the life of the process; its forks read their copies.
        let slot =
            memory::slice::<u8>(size_of::<Spec>()).map_err(|errno| report::Fail::new("read spec", errno))?;
        let place = slot.as_mut_ptr().cast::<Spec>();
        // SAFETY: the slot is page-aligned, large enough, never reused.
        let spec: &'static Spec = unsafe {
            place.write(spec);
            &*place
        };
        launcher::launch(spec)
    });
    if let Err(fail) = outcome {
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
