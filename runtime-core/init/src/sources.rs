//! What the step's own mounts show, each as a detached mount: made by the launcher, which reaches the host's paths.

use core::ffi::CStr;

use crate::ids::Ids;
use crate::report::{Fail, Step};
use crate::rootfs::{self, Place};
use crate::spec::{Source, Spec, Stack};
use crate::sys::file::{self, AT_FDCWD, Fd, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS};
use crate::sys::mount::{self, NODEV, RDONLY};
use crate::sys::{self, EINVAL};

const STEP: &str = "mount source";

/// One descriptor a mount, in their order; -1 for a tmpfs, which init makes.
pub fn make(spec: &Spec, place: &Place, out: &mut [i32]) -> Result<(), Fail> {
    let mut slots = out.iter_mut();
    for (index, mount) in spec.mounts.enumerate() {
        let slot = slots.next().ok_or(Fail::new(STEP, EINVAL))?;
        *slot = match &mount.source {
            Source::Bind(path) => bind(path, mount.read_only, place)?.leak(),
            Source::Layers { stack, path } => inside_layers(stack, path, mount.read_only, place)?.leak(),
            Source::Tmpfs { .. } => -1,
            Source::File(content) => {
                let owner = (place.ids.outside(content.uid), place.ids.outside(content.gid));
                let make = || {
                    place
                        .scratch
                        .secret(index, content, owner)
                        .about(STEP, mount.target)
                };
                place.ids.as_step_root(make)?.leak()
            }
        };
    }
    Ok(())
}

/// A path of the host with the ids of the step.
fn bind(path: &'static CStr, read_only: bool, place: &Place) -> Result<Fd, Fail> {
    let tree = mount::clone(AT_FDCWD, path, true).about(STEP, path)?;
    if place.ids == Ids::Idmapped {
        mount::map_ids(&tree, place.userns.raw(), true).about("idmapped mount", path)?;
    }
    restrict(&tree, read_only, true).about(STEP, path)?;
    Ok(tree)
}

/// A path in a stack of layers, looked up inside it alone: its symbolic links are the image's.
fn inside_layers(stack: &Stack, path: &'static CStr, read_only: bool, place: &Place) -> Result<Fd, Fail> {
    place.ids.as_step_root(|| {
        let root = rootfs::make_attached(stack, place)?;
        let resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
        let found = file::open_beneath(root.raw(), path, O_PATH, resolve).about(STEP, path)?;
        let tree = mount::clone(found.raw(), c"", false).about(STEP, path)?;
        restrict(&tree, read_only, false).about(STEP, path)?;
        Ok(tree)
    })
}

fn restrict(tree: &Fd, read_only: bool, recursive: bool) -> sys::Result<()> {
    mount::restrict(tree, NODEV | if read_only { RDONLY } else { 0 }, recursive)
}
