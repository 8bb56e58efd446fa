//! The files of a layer again in another directory, so that they can stand on another root: `COPY --link`.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::copy::Copier;
use super::policy::{Collision, ContentRule, OwnerRule, Policy, TimeRule};
use super::resolve::Dirs;
use super::rootfs::{Layers, Rootfs};
use super::select::{Selection, Selector, Source};
use super::thread;
use super::xattr::Scope;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Puts all that is in `layer` into `dest`, an empty directory: files as hard links, the rest alike. Neither directory is
/// looked at through an overlay, nor may `layer` be one that was written through an overlay: its marks would be lost.
pub fn graft(layer: &str, dest: &str, cancel: &CancelFlag) -> Result<()> {
    let layers = Layers {
        lowers: vec![layer.into()],
        ..Layers::default()
    };
    thread::run(layers.isolation(), || {
        let rootfs = Rootfs::view(&layers)?;
        let directory = open_destination(dest)?;
        let source = Source {
            layers: layers.clone(),
            ignore: Vec::new(),
            is_context: false,
            normalize_modes: false,
        };
        let selection = Selection::of(source, vec!["/".into()]);
        let selector = Selector::new(&rootfs, &selection, cancel)?;
        let mut copier = Copier::new(&directory, AS_IT_IS, cancel);
        for one in selector.select_all(&selection)? {
            copier.copy(&selector, &one, &Dirs::new(&directory), b"")?;
        }
        Ok(())
    })
}

const AS_IT_IS: Policy = Policy {
    owner: OwnerRule::Source,
    mode: None,
    normalize_modes: false,
    times: TimeRule::Source,
    xattrs: Some(Scope::CapabilityAndUser),
    collision: Collision::Refused,
    content: ContentRule::Shared,
};

fn open_destination(dest: &str) -> Result<Arc<OwnedFd>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, dest, flags, Mode::empty())
        .map(Arc::new)
        .map_err(|error| Error::io("open destination", dest, &error.into()))
}
