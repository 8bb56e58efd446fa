//! A tmpfs of the launcher: the two generated files, and the lowest layer of every root.
//!
//! That layer holds an empty mount point for each mount of the step. An image that lacks one gets it from here, so that
//! nothing is created in the writable layer; an image that has one keeps its own, with its mode and owner.

use core::ffi::CStr;

use crate::report::{Fail, Step};
use crate::spec::{Content, Spec};
use crate::sys::file::{self, Fd, O_CREAT, O_DIRECTORY, O_EXCL, O_PATH, O_WRONLY};
use crate::sys::mount::{self, NODEV, NOEXEC, NOSUID, RDONLY};
use crate::sys::{self, EEXIST, process};
use crate::text::{Text, c_string, format};

pub struct Scratch {
    pub root: Fd,
}

const STEP: &str = "mount points";

/// Where mounts are attached while others are made from them, the mount points, and an empty lowest layer.
const DIRECTORIES: [&CStr; 6] = [c"base", c"root", c"layers", c"stubs", c"empty", c"files"];

impl Scratch {
    /// Must be called as the step's root: `Ids::as_step_root`.
    pub fn new() -> Result<Self, Fail> {
        let root = mount::new(c"tmpfs", &[(c"mode", c"755"), (c"size", c"64m")], NOSUID | NODEV).at(STEP)?;
        let top = file::open(c"/", O_PATH | O_DIRECTORY).at(STEP)?;
        // On top of the launcher's own root, where descriptors reach it and no path does.
        mount::attach(&root, top.raw()).at(STEP)?;
        let scratch = Self { root };
        match scratch.lay_out() {
            Ok(()) => Ok(scratch),
            Err(fail) => {
                scratch.discard();
                Err(fail)
            }
        }
    }

    /// Unmounts it, so that another attempt can be made: with something on its root, a process counts as chrooted, and
    /// user_namespaces(7) gives it no user namespace.
    pub fn discard(self) {
        if let Ok(path) = format::<32>(format_args!("/proc/self/fd/{}", self.root.raw())) {
            let _ = mount::unmount(path.as_c_str(), mount::MNT_DETACH);
        }
    }

    /// What every step needs.
    fn lay_out(&self) -> Result<(), Fail> {
        for name in DIRECTORIES {
            file::make_directory(self.root.raw(), name, 0o755).at(STEP)?;
        }
        let stubs = self.stubs()?;
        for directory in [c"proc", c"sys", c"dev"] {
            make_stub(&stubs, directory, true).at(STEP)?;
        }
        for file in [c"etc/hosts", c"etc/resolv.conf"] {
            make_stub(&stubs, file, false).at(STEP)?;
        }
        Ok(())
    }

    /// What this step needs. `sources` are what its own mounts show. Must be called as the step's root: `Ids::as_step_root`.
    pub fn fill(&self, spec: &Spec, sources: &[i32]) -> Result<(), Fail> {
        self.write(c"hosts", spec.hosts).at(STEP)?;
        self.write(c"resolv.conf", spec.resolv_conf).at(STEP)?;
        let stubs = self.stubs()?;
        for (mount, source) in spec.mounts.zip(sources) {
            make_stub(&stubs, mount.target, shows_directory(*source)?).about("mount", mount.target)?;
        }
        Ok(())
    }

    /// A file of the step's own, number `index`, as a detached mount that is only read. Must be called as the step's root.
    pub fn secret(&self, index: usize, content: &Content, (uid, gid): (u32, u32)) -> sys::Result<Fd> {
        let name: Text<32> = format(format_args!("files/{index}"))?;
        process::set_umask(0);
        let out = file::open_at(
            self.root.raw(),
            name.as_c_str(),
            O_WRONLY | O_CREAT | O_EXCL,
            content.mode as usize,
        );
        process::set_umask(0o022);
        let out = out?;
        file::write_all(out.raw(), content.bytes)?;
        file::change_owner_of(out.raw(), uid, gid)?;
        let found = mount::clone(self.root.raw(), name.as_c_str(), false)?;
        mount::restrict(&found, RDONLY | NOSUID | NODEV | NOEXEC, false)?;
        Ok(found)
    }

    pub fn stubs(&self) -> Result<Fd, Fail> {
        self.directory(c"stubs")
    }

    pub fn directory(&self, name: &CStr) -> Result<Fd, Fail> {
        file::open_at(self.root.raw(), name, O_PATH | O_DIRECTORY, 0).at(STEP)
    }

    /// A generated file as a read-only detached mount.
    pub fn file(&self, name: &CStr) -> Result<Fd, Fail> {
        let found = mount::clone(self.root.raw(), name, false).at(STEP)?;
        mount::restrict(&found, RDONLY | NOSUID | NODEV | NOEXEC, false).at(STEP)?;
        Ok(found)
    }

    fn write(&self, name: &CStr, content: &[u8]) -> sys::Result<()> {
        let out = file::open_at(self.root.raw(), name, O_WRONLY | O_CREAT | O_EXCL, 0o644)?;
        file::write_all(out.raw(), content)
    }
}

/// A mount without a source is a tmpfs, which init makes.
fn shows_directory(source: i32) -> Result<bool, Fail> {
    if source < 0 {
        return Ok(true);
    }
    Ok(file::stat(source).at("mount")?.is_directory())
}

/// Creates `path`, relative or not, below `root`, which only this process writes.
fn make_stub(root: &Fd, path: &CStr, is_directory: bool) -> sys::Result<()> {
    let mut parts = path
        .to_bytes()
        .split(|b| *b == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .peekable();
    let mut at = file::open_at(root.raw(), c".", O_PATH | O_DIRECTORY, 0)?;
    while let Some(part) = parts.next() {
        let name = c_string::<256>(part)?;
        if part == b".." {
            return Err(sys::EINVAL);
        }
        if parts.peek().is_none() && !is_directory {
            return match file::open_at(at.raw(), name.as_c_str(), O_WRONLY | O_CREAT | O_EXCL, 0o644) {
                Ok(_) | Err(EEXIST) => Ok(()),
                Err(errno) => Err(errno),
            };
        }
        match file::make_directory(at.raw(), name.as_c_str(), 0o755) {
            Ok(()) | Err(EEXIST) => {}
            Err(errno) => return Err(errno),
        }
        at = file::open_at(at.raw(), name.as_c_str(), O_PATH | O_DIRECTORY, 0)?;
    }
    Ok(())
}
