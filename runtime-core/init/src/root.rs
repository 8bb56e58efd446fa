//! Builds the step's root from the mounts of the launcher and enters it: pivot_root(2).

use core::ffi::CStr;

use crate::dev;
use crate::launcher::Handover;
use crate::mask::Masks;
use crate::report::{Fail, Step};
use crate::spec::{Source, Spec};
use crate::sys::file::{self, AT_FDCWD, Fd, O_DIRECTORY, O_PATH};
use crate::sys::mount::{self, NODEV, NOEXEC, NOSUID, RDONLY};
use crate::sys::{self, EBUSY, EPERM};
use crate::target::{self, Created};
use crate::terminal::Terminal;
use crate::wire;

/// /proc, /sys and /dev, finished before there is a root: no image can stand in the way of what is masked in them.
pub struct KernelFilesystems {
    proc: Fd,
    sys: Fd,
    dev: Fd,
    pub terminal: Option<Terminal>,
}

impl KernelFilesystems {
    /// Mounts them on a tmpfs, since only Linux 6.15 mounts on what is detached. It covers the host's /proc and not its
    /// root: what lies on that lies on top of it after the pivot, and would be dropped in its stead.
    pub fn mount(spec: &'static Spec) -> Result<Self, Fail> {
        let restricted = NOSUID | NODEV | NOEXEC;
        let is_fenced = !spec.has(wire::FLAG_INSECURE);
        let proc = mount::new(c"proc", &[], restricted).at("/proc")?;
        let sys = sysfs(spec, restricted).at("/sys")?;
        let place = mount::new(c"tmpfs", &[(c"mode", c"755"), (c"size", c"64k")], restricted).at("root")?;
        let directory = |name| waiting_place(&place, name).at("root");
        let [at_proc, at_sys, at_dev] = [directory(c"proc")?, directory(c"sys")?, directory(c"dev")?];
        let covered = file::open(c"/proc", O_PATH | O_DIRECTORY).at("root")?;
        mount::attach(&place, covered.raw()).at("root")?;
        mount::attach(&proc, at_proc.raw()).at("/proc")?;
        mount::attach(&sys, at_sys.raw()).at("/sys")?;
        let dev::Dev {
            root: dev,
            null,
            terminal,
        } = dev::mount_at(&at_dev, spec)?;
        mount_cgroups(spec, &sys)?;
        if is_fenced {
            Masks::new(&null).apply(&proc, &sys)?;
        } else {
            dev::add_the_machines(&dev);
        }
        Ok(Self {
            proc,
            sys,
            dev,
            terminal,
        })
    }

    /// Moves them, with all that is mounted in them, to where the image has their places.
    fn move_into(self, root: &Fd, created: &mut Created) -> Result<(), Fail> {
        let places = [
            (self.proc, c"proc", "/proc"),
            (self.sys, c"sys", "/sys"),
            (self.dev, c"dev", "/dev"),
        ];
        for (filesystem, name, step) in places {
            let at = target::own_directory(root, name, created)?;
            mount::attach(&filesystem, at.raw()).at(step)?;
        }
        Ok(())
    }
}

fn waiting_place(tmpfs: &Fd, name: &CStr) -> sys::Result<Fd> {
    file::make_directory(tmpfs.raw(), name, 0o755)?;
    file::open_at(tmpfs.raw(), name, O_PATH | O_DIRECTORY, 0)
}

/// Mounts everything and pivots. What had to be created in the image for it is returned.
pub fn enter(spec: &'static Spec, handover: &Handover, kernel: KernelFilesystems) -> Result<Created, Fail> {
    let root = Fd::new(handover.root);
    let mut created = Created::new();
    let top = file::open(c"/", O_PATH | O_DIRECTORY).at("root")?;
    mount::attach(&root, top.raw()).at("root")?;
    kernel.move_into(&root, &mut created)?;
    mount_files(handover, &root, &mut created)?;
    mount_own(spec, handover, &root, &mut created)?;
    if spec.has(wire::FLAG_READ_ONLY_ROOT) {
        mount::restrict(&root, RDONLY, false).at("read-only root")?;
    }
    file::change_directory_to(root.raw()).at("pivot")?;
    mount::pivot_to_current_directory().at("pivot")?;
    expect_nothing_above(&root)?;
    Ok(created)
}

/// `..` of the root is what is mounted on it, were something of the host left there.
fn expect_nothing_above(root: &Fd) -> Result<(), Fail> {
    let above = file::stat_at(AT_FDCWD, c"/..", 0).at("pivot")?;
    let own = file::stat(root.raw()).at("pivot")?;
    if above.mount_id == own.mount_id {
        return Ok(());
    }
    Err(Fail::new("pivot", EBUSY))
}

/// What /sys and the cgroups are mounted with beside the rest.
fn sealed(spec: &Spec) -> u64 {
    if spec.has(wire::FLAG_INSECURE) { 0 } else { RDONLY }
}

/// sysfs shows a network namespace, and only its owner may mount it. With the host's, the host's own is shown, read-only.
fn sysfs(spec: &Spec, attributes: u64) -> sys::Result<Fd> {
    match mount::new(c"sysfs", &[], attributes | sealed(spec)) {
        Err(EPERM) if spec.has(wire::FLAG_HOST_NETWORK) => {
            let host = mount::clone(AT_FDCWD, c"/sys", true)?;
            mount::restrict(&host, attributes | sealed(spec), true)?;
            Ok(host)
        }
        other => other,
    }
}

/// The step's own cgroups, to be read: programs look there for their memory and cores. Best effort, as it grants nothing.
fn mount_cgroups(spec: &'static Spec, sys: &Fd) -> Result<(), Fail> {
    let Ok(at) = file::open_at(sys.raw(), c"fs/cgroup", O_PATH | O_DIRECTORY, 0) else {
        return Ok(());
    };
    let attributes = NOSUID | NODEV | NOEXEC;
    if spec.has(wire::FLAG_CGROUP2)
        && let Ok(unified) = mount::new(c"cgroup2", &[], attributes | sealed(spec))
    {
        return mount::attach(&unified, at.raw()).at("/sys/fs/cgroup");
    }
    let top =
        mount::new(c"tmpfs", &[(c"mode", c"755"), (c"size", c"64k")], attributes).at("/sys/fs/cgroup")?;
    mount::attach(&top, at.raw()).at("/sys/fs/cgroup")?;
    for controller in spec.controllers {
        let _ = mount_controller(&top, controller, attributes | sealed(spec));
    }
    mount::restrict(&top, RDONLY, false).at("/sys/fs/cgroup")
}

/// cgroups(7), "CGROUPS VERSION 1": one hierarchy a controller.
fn mount_controller(top: &Fd, controller: &CStr, attributes: u64) -> sys::Result<()> {
    let filesystem = mount::Filesystem::open(c"cgroup")?;
    filesystem.set_flag(controller)?;
    filesystem.create()?;
    let hierarchy = filesystem.mount(attributes)?;
    file::make_directory(top.raw(), controller, 0o755)?;
    let at = file::open_at(top.raw(), controller, O_PATH | O_DIRECTORY, 0)?;
    mount::attach(&hierarchy, at.raw())
}

fn mount_files(handover: &Handover, root: &Fd, created: &mut Created) -> Result<(), Fail> {
    for (fd, path) in [
        (handover.hosts, c"etc/hosts"),
        (handover.resolv_conf, c"etc/resolv.conf"),
    ] {
        let at = target::unfollowed(root, path, created)?;
        mount::attach(&Fd::new(fd), at.raw()).about("mount", path)?;
    }
    Ok(())
}

fn mount_own(spec: &'static Spec, handover: &Handover, root: &Fd, created: &mut Created) -> Result<(), Fail> {
    for (own, fd) in spec.mounts.zip(handover.mounts) {
        let path = own.target;
        let source = match own.source {
            Source::Tmpfs { size } => tmpfs(size, own.read_only).about("mount", path)?,
            _ => Fd::new(fd),
        };
        let is_directory = file::stat(source.raw()).about("mount", path)?.is_directory();
        let at = target::followed(root, path, is_directory, created)?;
        mount::attach(&source, at.raw()).about("mount", path)?;
    }
    Ok(())
}

/// Made here, and so of the step's own user namespace: its root owns it.
fn tmpfs(size: &CStr, read_only: bool) -> sys::Result<Fd> {
    let attributes = NOSUID | NODEV | if read_only { RDONLY } else { 0 };
    let options = [(c"mode", c"1777"), (c"size", size)];
    let given = if size.is_empty() { 1 } else { 2 };
    mount::new(c"tmpfs", &options[..given], attributes)
}
