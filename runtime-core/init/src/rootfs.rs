//! The step's root: overlayfs over the layers, made by the launcher as a detached mount.
//!
//! Layers are named by descriptor: the working directory is /proc/self/fd and a layer is "12". No path is escaped for
//! mount options, none is too long, and 500 layers fit where mount(2) takes one page of options.

use core::ffi::CStr;

use crate::ids::{Ids, in_initial_user_namespace};
use crate::kernel_words;
use crate::report::{Fail, Step};
use crate::scratch::Scratch;
use crate::spec::{Spec, Stack};
use crate::sys::file::{self, AT_FDCWD, AT_REMOVEDIR, Fd, O_DIRECTORY, O_PATH};
use crate::sys::mount::{self, Filesystem};
use crate::sys::{self, EINVAL, ENOENT, memory};
use crate::text::{Text, c_string, format};

const STEP: &str = "overlay";
const RESOLVE_NO_XDEV: u64 = 1;

/// What roots are made with.
pub struct Place<'a> {
    pub ids: Ids,
    pub userns: &'a Fd,
    pub scratch: &'a Scratch,
    /// Of the roots: `NODEV`, or 0 where devices of the image may be opened.
    pub attributes: u64,
}

/// Makes the step's root, over its mount points. Must be called as the step's root: `Ids::as_step_root`.
pub fn make(spec: &Spec, place: &Place) -> Result<Fd, Fail> {
    stack(&spec.root, c"stubs", place)
}

/// Another root, mounted out of reach of any path, since only Linux 6.15 copies a part of a detached one. Must be called as
/// the step's root.
pub fn make_attached(layers: &Stack, place: &Place) -> Result<Fd, Fail> {
    let root = match (layers.lowers.count, layers.upper.is_empty()) {
        (0, true) => mount::clone(place.scratch.root.raw(), c"empty", false).at(STEP)?,
        _ => stack(layers, c"empty", place)?,
    };
    let at = place.scratch.directory(c"layers")?;
    mount::attach(&root, at.raw()).at(STEP)?;
    Ok(root)
}

/// `bottom` is the directory of the scratch that is lowest.
fn stack(layers: &Stack, bottom: &CStr, place: &Place) -> Result<Fd, Fail> {
    let layers = Layers::open(layers, bottom, place)?;
    if let Some((_, work)) = &layers.upper {
        forget_last_use(work);
    }
    file::change_directory(c"/proc/self/fd").at(STEP)?;
    let made = layers
        .mount(place.attributes)
        .or_else(|fail| layers.mount_legacy(place, fail));
    file::change_directory(c"/").at(STEP)?;
    made
}

/// Every layer by descriptor.
struct Layers {
    /// With its work directory.
    upper: Option<(Fd, Fd)>,
    /// Highest first: overlayfs's order.
    lowers: &'static [i32],
    paths: Stack,
}

impl Layers {
    fn open(stack: &Stack, bottom: &CStr, place: &Place) -> Result<Self, Fail> {
        let base = Base::new(stack, place)?;
        let lowers = memory::slice::<i32>(stack.lowers.count + 1).at(STEP)?;
        for (slot, path) in lowers[..stack.lowers.count].iter_mut().rev().zip(stack.lowers) {
            *slot = base.open(path).about(STEP, path)?.leak();
        }
        lowers[stack.lowers.count] = place.scratch.directory(bottom)?.leak();
        let upper = if stack.upper.is_empty() {
            None
        } else {
            let upper = base.open_inside(stack.upper).about(STEP, stack.upper)?;
            Some((upper, base.open_inside(stack.work).about(STEP, stack.work)?))
        };
        Ok(Self {
            upper,
            lowers,
            paths: *stack,
        })
    }

    fn mount(&self, attributes: u64) -> Result<Fd, Fail> {
        let filesystem = Filesystem::open(c"overlay").at(STEP)?;
        self.configure(&filesystem)
            .and_then(|()| filesystem.mount(attributes))
            .map_err(|errno| Fail {
                step: STEP,
                errno,
                subject: kernel_words::of(&filesystem, |fd| self.path_of(fd)),
            })
    }

    fn path_of(&self, fd: i32) -> Option<&'static CStr> {
        match &self.upper {
            Some((upper, _)) if upper.raw() == fd => return Some(self.paths.upper),
            Some((_, work)) if work.raw() == fd => return Some(self.paths.work),
            _ => {}
        }
        // The lowest of all, over the mount points, has no path.
        let from_top = self.lowers.iter().position(|lower| *lower == fd)?;
        let from_bottom = self.paths.lowers.count.checked_sub(from_top + 1)?;
        self.paths.lowers.into_iter().nth(from_bottom)
    }

    fn configure(&self, filesystem: &Filesystem) -> sys::Result<()> {
        for lower in self.lowers {
            filesystem.set(c"lowerdir+", number(*lower)?.as_c_str())?;
        }
        if let Some((upper, work)) = &self.upper {
            filesystem.set(c"upperdir", number(upper.raw())?.as_c_str())?;
            filesystem.set(c"workdir", number(work.raw())?.as_c_str())?;
        }
        let is_nested = !in_initial_user_namespace();
        for (key, value) in OPTIONS {
            // With userxattr overlayfs follows no redirect, and refuses to be told so.
            if !(is_nested && key == c"redirect_dir") {
                // A kernel that lacks one of these lacks the feature it would turn off.
                let _ = filesystem.set(key, value);
            }
        }
        if self.upper.is_some() {
            let _ = filesystem.set_flag(c"volatile");
        }
        if is_nested {
            filesystem.set_flag(c"userxattr")?;
        }
        filesystem.create()
    }

    /// mount(2), for kernels whose overlayfs has no `lowerdir+` (before 6.8).
    fn mount_legacy(&self, place: &Place, first: Fail) -> Result<Fd, Fail> {
        if first.errno != EINVAL {
            return Err(first);
        }
        let at = place.scratch.directory(c"root")?;
        let flags = if place.attributes == 0 { 0 } else { MS_NODEV };
        for volatile in [",volatile", ""] {
            let options = self.legacy_options(volatile).at(STEP)?;
            let target = number(at.raw()).at(STEP)?;
            if mount::legacy(c"overlay", target.as_c_str(), flags, options.as_c_str()).is_ok() {
                return mount::clone(place.scratch.root.raw(), c"root", false).at(STEP);
            }
        }
        Err(first)
    }

    fn legacy_options(&self, volatile: &str) -> sys::Result<Text<4096>> {
        let fixed = if in_initial_user_namespace() {
            "redirect_dir=off,metacopy=off,index=off"
        } else {
            "userxattr,metacopy=off,index=off"
        };
        let mut options: Text<4096> = match &self.upper {
            Some((upper, work)) => format(format_args!(
                "{fixed},upperdir={},workdir={}{volatile},lowerdir=",
                upper.raw(),
                work.raw()
            ))?,
            None => format(format_args!("{fixed},lowerdir="))?,
        };
        for (i, lower) in self.lowers.iter().enumerate() {
            let separator = if i == 0 { "" } else { ":" };
            let name: Text<16> = format(format_args!("{separator}{lower}"))?;
            options.push(name.as_bytes()).map_err(|_| sys::ENAMETOOLONG)?;
        }
        Ok(options)
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        for lower in self.lowers {
            drop(Fd::new(*lower));
        }
    }
}

const MS_NODEV: usize = 4;

/// Layers must not depend on how a kernel was configured: no renames by xattr, no metadata-only copies, no uuid in the upper.
const OPTIONS: [(&CStr, &CStr); 5] = [
    (c"redirect_dir", c"off"),
    (c"metacopy", c"off"),
    (c"index", c"off"),
    (c"xino", c"auto"),
    (c"uuid", c"null"),
];

/// Where the layers are opened from: the deepest directory that holds them all, mounted once with the step's ids.
struct Base<'a> {
    place: &'a Place<'a>,
    /// The directory as the host sees it, and as the step does.
    host: Fd,
    mapped: Fd,
    prefix: usize,
}

impl<'a> Base<'a> {
    fn new(stack: &Stack, place: &'a Place<'a>) -> Result<Self, Fail> {
        let (anchor, writable) = anchor(stack);
        let all = stack.lowers.fold(writable, |prefix, lower| {
            common_directory(&anchor[..prefix], lower.to_bytes())
        });
        // Layers on another filesystem are mounted one by one; upper and work are always on one.
        let prefix = if holds(&anchor[..all], &anchor[all..])? {
            all
        } else {
            writable
        };
        let host = open_path(&anchor[..prefix])?;
        let mapped = match place.ids {
            Ids::Identity | Ids::Caller => open_path(&anchor[..prefix])?,
            Ids::Idmapped => mapped_mount(&host, place)?,
        };
        Ok(Self {
            place,
            host,
            mapped,
            prefix,
        })
    }

    /// A directory below the base, on the base's own mount.
    fn open_inside(&self, path: &CStr) -> sys::Result<Fd> {
        let relative = self.relative(path)?;
        drop(file::open_beneath(
            self.host.raw(),
            relative.as_c_str(),
            O_PATH | O_DIRECTORY,
            RESOLVE_NO_XDEV,
        )?);
        file::open_at(self.mapped.raw(), relative.as_c_str(), O_PATH | O_DIRECTORY, 0)
    }

    fn open(&self, path: &CStr) -> sys::Result<Fd> {
        if let Ok(found) = self.open_inside(path) {
            return Ok(found);
        }
        let found = file::open(path, O_PATH | O_DIRECTORY)?;
        match self.place.ids {
            Ids::Identity | Ids::Caller => Ok(found),
            Ids::Idmapped => mapped_mount(&found, self.place).map_err(|fail| fail.errno),
        }
    }

    fn relative(&self, path: &CStr) -> sys::Result<Text<4096>> {
        let bytes = path.to_bytes();
        let rest = bytes.get(self.prefix..).ok_or(ENOENT)?;
        let start = rest.iter().position(|b| *b != b'/').unwrap_or(rest.len());
        c_string(if start == rest.len() { b"." } else { &rest[start..] })
    }
}

/// A directory that the base must reach, and how much of its path upper and work, or the lowest layer, need.
fn anchor(stack: &Stack) -> (&'static [u8], usize) {
    if stack.upper.is_empty() {
        let lowest = stack.lowers.into_iter().next().unwrap_or(c"/").to_bytes();
        return (lowest, lowest.len());
    }
    let upper = stack.upper.to_bytes();
    (upper, common_directory(upper, stack.work.to_bytes()))
}

/// The length of the longest common part of two absolute paths that ends at a slash of both, or at their ends.
fn common_directory(a: &[u8], b: &[u8]) -> usize {
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let ends = |p: &[u8]| p.len() == same || p[same] == b'/';
    if ends(a) && ends(b) {
        return same;
    }
    a[..same].iter().rposition(|b| *b == b'/').unwrap_or(0)
}

/// Whether `rest` lies on the mount of directory `base`.
fn holds(base: &[u8], rest: &[u8]) -> Result<bool, Fail> {
    let base = open_path(base)?;
    let start = rest.iter().position(|b| *b != b'/').unwrap_or(rest.len());
    let rest = c_string::<4096>(if start == rest.len() { b"." } else { &rest[start..] }).at(STEP)?;
    Ok(file::open_beneath(base.raw(), rest.as_c_str(), O_PATH | O_DIRECTORY, RESOLVE_NO_XDEV).is_ok())
}

fn open_path(path: &[u8]) -> Result<Fd, Fail> {
    let path = c_string::<4096>(if path.is_empty() { b"/" } else { path }).at(STEP)?;
    file::open_at(AT_FDCWD, path.as_c_str(), O_PATH | O_DIRECTORY, 0).at(STEP)
}

/// A mount of directory `host` alone, with the step's ids. It is attached, out of reach of any path, because
/// overlayfs took no detached layers before Linux 6.15.
fn mapped_mount(host: &Fd, place: &Place) -> Result<Fd, Fail> {
    let mapped = mount::clone(host.raw(), c"", false).at("idmapped mount")?;
    mount::map_ids(&mapped, place.userns.raw(), false).at("idmapped mount")?;
    let at = place.scratch.directory(c"base")?;
    mount::attach(&mapped, at.raw()).at("idmapped mount")?;
    Ok(mapped)
}

/// A volatile overlay marks its work directory, and is refused on a marked one: the kernel cannot know that nothing
/// of the last mount was lost. Here each of them ended with its step.
fn forget_last_use(work: &Fd) {
    let _ = file::unlink(work.raw(), c"work/incompat/volatile/dirty", 0);
    let _ = file::unlink(work.raw(), c"work/incompat/volatile", AT_REMOVEDIR);
    let _ = file::unlink(work.raw(), c"work/incompat", AT_REMOVEDIR);
}

fn number(n: i32) -> sys::Result<Text<16>> {
    format(format_args!("{n}"))
}
