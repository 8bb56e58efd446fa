//! What a FileOp does: make directories, write files, copy, one after the other on one root.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::copy::Copier;
use super::policy::{Collision, Owner, OwnerRule, Policy, TimeRule};
use super::resolve::{Found, resolve};
use super::rootfs::{Layers, Rootfs};
use super::select::{Place, Selected, Selection, Selector};
use super::site::{PARENT_MODE, Site};
use super::thread::{self, Isolation};
use super::xattr::Scope;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

const ROOT: Owner = Owner { uid: 0, gid: 0 };

pub enum Action {
    Mkdir {
        path: String,
        mode: u32,
        owner: Owner,
    },
    Mkfile {
        path: String,
        mode: u32,
        owner: Owner,
        data: Vec<u8>,
    },
    Copy {
        selection: Selection,
        dest: String,
        owner: Option<Owner>,
        mode: Option<u32>,
    },
}

/// Applies `actions` in order. What they create gets `epoch` as its mtime; directories that are only written into keep theirs.
pub fn apply(layers: &Layers, actions: &[Action], epoch: i64, cancel: &CancelFlag) -> Result<()> {
    thread::run(isolation(layers, actions), || {
        let rootfs = Rootfs::open(layers)?;
        let root = rootfs
            .directory()
            .ok_or_else(|| Error::new("INVALID_ROOTFS", "apply", "the root has no upper"))?;
        for action in actions {
            cancel.check()?;
            apply_one(root, action, epoch, cancel)?;
        }
        Ok(())
    })
}

fn isolation(layers: &Layers, actions: &[Action]) -> Isolation {
    let sources = actions.iter().filter_map(|action| match action {
        Action::Copy { selection, .. } => Some(selection.source.layers.isolation()),
        _ => None,
    });
    let mut all = sources.chain([layers.isolation()]);
    if all.any(|one| one == Isolation::Mounts) {
        Isolation::Mounts
    } else {
        Isolation::Stack
    }
}

fn apply_one(root: &Arc<OwnedFd>, action: &Action, epoch: i64, cancel: &CancelFlag) -> Result<()> {
    let mut site = Site::new(root, epoch);
    match action {
        Action::Mkdir { path, mode, owner } => {
            site.directory(path, *mode, PARENT_MODE, *owner)?;
        }
        Action::Mkfile {
            path,
            mode,
            owner,
            data,
        } => site.file(path, *mode, *owner, data)?,
        Action::Copy {
            selection,
            dest,
            owner,
            mode,
        } => {
            copy(&mut site, selection, dest, *owner, *mode, cancel)?;
        }
    }
    site.settle()
}

/// Errors: what selecting and copying say.
fn copy(
    site: &mut Site<'_>,
    selection: &Selection,
    dest: &str,
    owner: Option<Owner>,
    mode: Option<u32>,
    cancel: &CancelFlag,
) -> Result<()> {
    let rootfs = Rootfs::view(&selection.source.layers)?;
    let selector = Selector::new(&rootfs, selection, cancel)?;
    let selected = selector.select(&selection.paths, selection.wildcards)?;
    let parent_owner = owner.unwrap_or(ROOT);
    let parent_mode = mode.unwrap_or(PARENT_MODE);
    let policy = policy(selection.source.is_context, owner, mode, site.epoch);
    let mut copier = Copier::new(site.root, policy, cancel);
    let goes_inside = dest.ends_with('/') || selection.paths.len() > 1 || selected.len() > 1;
    for one in &selected {
        let (dirs, name) = if goes_inside || is_directory(one) || exists_as_directory(site.root, dest)? {
            let dirs = site.directory(dest, parent_mode, parent_mode, parent_owner)?;
            (dirs, one.name.clone())
        } else {
            site.file_place(dest, parent_mode, parent_owner)?
        };
        site.keep_time(dirs.last())?;
        copier.copy(&selector, one, &dirs, &name)?;
    }
    Ok(())
}

fn policy(is_context: bool, owner: Option<Owner>, mode: Option<u32>, epoch: i64) -> Policy {
    Policy {
        owner: match owner {
            Some(owner) => OwnerRule::As(owner),
            None if is_context => OwnerRule::As(ROOT),
            None => OwnerRule::Source,
        },
        mode,
        times: TimeRule::Exactly(epoch),
        xattrs: Some(if is_context {
            Scope::Capability
        } else {
            Scope::CapabilityAndUser
        }),
        collision: Collision::Refused,
    }
}

fn is_directory(selected: &Selected) -> bool {
    matches!(selected.place, Place::Directory { .. })
}

fn exists_as_directory(root: &Arc<OwnedFd>, path: &str) -> Result<bool> {
    Ok(matches!(
        resolve(root, path.as_bytes())?.found,
        Found::Directory(_)
    ))
}
