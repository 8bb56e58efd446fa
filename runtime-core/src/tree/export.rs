//! `--output type=local`: the files of a root, in a directory of the host.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::copy::Copier;
use super::policy::{Collision, ContentRule, OwnerRule, Policy, TimeRule};
use super::resolve::Dirs;
use super::rootfs::{Layers, Rootfs, is_initial_user_namespace};
use super::select::{Selection, Selector, Source};
use super::thread;
use super::xattr::Scope;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Merges the root into `dest`, which is made if missing. A symlink that lies in `dest` is replaced, never followed.
pub fn export_tree(layers: &Layers, dest: &str, epoch: i64, cancel: &CancelFlag) -> Result<()> {
    thread::run(layers.isolation(), || {
        let rootfs = Rootfs::view(layers)?;
        let directory = open_destination(dest)?;
        if rootfs.directory().is_none() {
            return Ok(());
        }
        let selection = everything(layers);
        let selector = Selector::new(&rootfs, &selection, cancel)?;
        let mut copier = Copier::new(&directory, policy(epoch), cancel);
        for one in selector.select(&selection.paths, false)? {
            copier.copy(&selector, &one, &Dirs::new(&directory), b"")?;
        }
        Ok(())
    })
}

fn everything(layers: &Layers) -> Selection {
    let source = Source {
        layers: layers.clone(),
        ignore: Vec::new(),
        is_context: false,
        normalize_modes: false,
    };
    Selection::of(source, vec!["/".into()])
}

/// Root of a user namespace is an ordinary user, who could not remove the files of subordinate ids again.
fn policy(epoch: i64) -> Policy {
    let is_root = rustix::process::geteuid().is_root() && is_initial_user_namespace();
    Policy {
        owner: if is_root {
            OwnerRule::Source
        } else {
            OwnerRule::Creator
        },
        mode: None,
        normalize_modes: false,
        times: TimeRule::AtMost(epoch),
        xattrs: is_root.then_some(Scope::Capability),
        collision: Collision::DirectoryWins,
        content: ContentRule::Copied,
    }
}

fn open_destination(dest: &str) -> Result<Arc<OwnedFd>> {
    std::fs::create_dir_all(dest).map_err(|error| Error::io("create destination", dest, &error))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, dest, flags, Mode::empty())
        .map(Arc::new)
        .map_err(|error| Error::io("open destination", dest, &error.into()))
}
