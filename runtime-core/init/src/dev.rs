//! /dev: a tmpfs with the devices every program expects, bound from the host, each checked to be the device it is called.

use core::ffi::CStr;

use crate::report::{Fail, Step};
use crate::spec::Spec;
use crate::sys::file::{self, AT_FDCWD, Fd, O_CREAT, O_EXCL, O_PATH, O_WRONLY, S_IFBLK, S_IFCHR};
use crate::sys::mount::{self, NODEV, NOEXEC, NOSUID, RDONLY};
use crate::sys::{self, EINVAL, process};
use crate::terminal::Terminal;
use crate::text::{Text, format};
use crate::wire;

const STEP: &str = "/dev";

/// Name, path on the host, minor number; the major number of `tty` is 5, of the others 1 (devices.txt of the kernel).
const NODES: [Node; 6] = [
    (c"null", c"/dev/null", 1, 3),
    (c"zero", c"/dev/zero", 1, 5),
    (c"full", c"/dev/full", 1, 7),
    (c"random", c"/dev/random", 1, 8),
    (c"urandom", c"/dev/urandom", 1, 9),
    (c"tty", c"/dev/tty", 5, 0),
];

const LINKS: [(&CStr, &CStr); 5] = [
    (c"ptmx", c"pts/ptmx"),
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
];

/// What BuildKit adds for a step that may do all: name, kind, major and minor number (devices.txt of the kernel).
const OF_THE_MACHINE: [(&CStr, u32, u32, u32); 6] = [
    (c"kmsg", S_IFCHR, 1, 11),
    (c"cuse", S_IFCHR, 10, 203),
    (c"fuse", S_IFCHR, 10, 229),
    (c"kvm", S_IFCHR, 10, 232),
    (c"net/tun", S_IFCHR, 10, 200),
    (c"loop-control", S_IFCHR, 10, 237),
];
/// More than a build attaches at once.
const LOOP_DEVICES: u32 = 16;
const LOOP_MAJOR: u32 = 7;

/// Devices of the machine, as far as the caller may make them: in a user namespace that is none, mknod(2).
pub fn add_the_machines(dev: &Fd) {
    let _ = file::make_directory(dev.raw(), c"net", 0o755);
    process::set_umask(0);
    for (name, kind, major, minor) in OF_THE_MACHINE {
        let _ = file::make_device(dev.raw(), name, kind | 0o666, (major, minor));
    }
    for minor in 0..LOOP_DEVICES {
        let name: sys::Result<Text<16>> = format(format_args!("loop{minor}"));
        if let Ok(name) = name {
            let _ = file::make_device(dev.raw(), name.as_c_str(), S_IFBLK | 0o660, (LOOP_MAJOR, minor));
        }
    }
    process::set_umask(0o022);
}

/// /dev, put together.
pub struct Dev {
    pub root: Fd,
    /// Its null device, for masking.
    pub null: Fd,
    /// Where the step is to have one.
    pub terminal: Option<Terminal>,
}

/// Mounts it at `at`. The paths are the host's: call before the pivot.
pub fn mount_at(at: &Fd, spec: &Spec) -> Result<Dev, Fail> {
    // Not sticky and not world-writable: in such a directory the kernel refuses O_CREAT on a node of another owner.
    let dev = mount::new(c"tmpfs", &[(c"mode", c"755"), (c"size", c"65536k")], NOSUID).at(STEP)?;
    mount::attach(&dev, at.raw()).at(STEP)?;
    let [null, ..] = NODES;
    let null = bind(&dev, null)?;
    for node in &NODES[1..] {
        bind(&dev, *node)?;
    }
    for (name, target) in LINKS {
        file::symlink(target, dev.raw(), name).about(STEP, name)?;
    }
    let terminal = mount_inner(&dev, spec)?;
    Ok(Dev {
        root: dev,
        null,
        terminal,
    })
}

type Node = (&'static CStr, &'static CStr, u32, u32);

fn bind(dev: &Fd, (name, path, major, minor): Node) -> Result<Fd, Fail> {
    let node = host_device(path, major, minor).about(STEP, path)?;
    place(dev, name, &node).about(STEP, path)?;
    Ok(node)
}

fn host_device(path: &CStr, major: u32, minor: u32) -> sys::Result<Fd> {
    let node = mount::clone(AT_FDCWD, path, false)?;
    let found = file::stat(node.raw())?;
    if found.kind() != S_IFCHR || (found.rdev_major, found.rdev_minor) != (major, minor) {
        return Err(EINVAL);
    }
    // Read-only is the inode, not the device: a step whose root is the host's may write to it, and not change its mode or owner.
    mount::restrict(&node, NOSUID | NOEXEC | RDONLY, false)?;
    Ok(node)
}

fn place(dev: &Fd, name: &CStr, node: &Fd) -> sys::Result<()> {
    drop(file::open_at(
        dev.raw(),
        name,
        O_WRONLY | O_CREAT | O_EXCL,
        0o666,
    )?);
    let at = file::open_at(dev.raw(), name, O_PATH, 0)?;
    mount::attach(node, at.raw())
}

fn mount_inner(dev: &Fd, spec: &Spec) -> Result<Option<Terminal>, Fail> {
    let terminals = terminals().about(STEP, c"devpts")?;
    put(dev, c"pts", &terminals).about(STEP, c"devpts")?;
    let size: Text<24> = format(format_args!("{}", spec.shm_size)).about(STEP, c"shm")?;
    let shared = [(c"mode", c"1777"), (c"size", size.as_c_str())];
    let memory = mount::new(c"tmpfs", &shared, NOSUID | NOEXEC | NODEV).about(STEP, c"shm")?;
    put(dev, c"shm", &memory).about(STEP, c"shm")?;
    let queues = mount::new(c"mqueue", &[], NOSUID | NOEXEC | NODEV).about(STEP, c"mqueue")?;
    put(dev, c"mqueue", &queues).about(STEP, c"mqueue")?;
    if spec.has(wire::FLAG_TERMINAL) {
        return terminal(dev, &terminals, spec).about(STEP, c"console").map(Some);
    }
    Ok(None)
}

/// The first terminal of the step's devpts, which is its console too.
fn terminal(dev: &Fd, terminals: &Fd, spec: &Spec) -> sys::Result<Terminal> {
    let terminal = Terminal::open(terminals, spec.window)?;
    place(dev, c"console", &mount::clone(terminals.raw(), c"0", false)?)?;
    Ok(terminal)
}

/// devpts of the step's own. Group 5 is tty; a caller with a single id has no such group.
fn terminals() -> sys::Result<Fd> {
    let options = [(c"ptmxmode", c"0666"), (c"mode", c"0620"), (c"gid", c"5")];
    mount::new(c"devpts", &options, NOSUID | NOEXEC)
        .or_else(|_| mount::new(c"devpts", &options[..2], NOSUID | NOEXEC))
}

fn put(dev: &Fd, name: &CStr, filesystem: &Fd) -> sys::Result<()> {
    file::make_directory(dev.raw(), name, 0o755)?;
    let at = file::open_at(dev.raw(), name, O_PATH, 0)?;
    mount::attach(filesystem, at.raw())
}
