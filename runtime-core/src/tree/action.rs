//! What a FileOp does: make directories, write files, copy, one after the other on one root.

use std::collections::HashSet;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::copy::Copier;
use super::mode::ModeRule;
use super::path::join;
use super::policy::{Collision, ContentRule, Owner, OwnerRule, Policy, TimeRule};
use super::resolve::{Found, resolve};
use super::rootfs::{Layers, Rootfs};
use super::select::{Place, Selected, Selection, Selector};
use super::site::{PARENT_MODE, Site};
use super::thread::{self, Isolation};
use super::unpack::unpack;
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
    Copy(Box<Copy>),
}

/// COPY of what one source path selects.
pub struct Copy {
    pub selection: Selection,
    pub dest: String,
    pub owner: Option<Owner>,
    pub mode: Option<ModeRule>,
    /// ADD: of an archive its members.
    pub unpack: bool,
}

/// Applies `actions` in order. What they create gets `epoch` as its mtime; directories that are only written into keep theirs.
pub fn apply(layers: &Layers, actions: &[Action], epoch: i64, cancel: &CancelFlag) -> Result<()> {
    thread::run(isolation(layers, actions), || {
        let rootfs = Rootfs::open(layers)?;
        let root = rootfs
            .directory()
            .ok_or_else(|| Error::new("INVALID_ROOTFS", "apply", "the root has no upper"))?;
        let mut placed = Placed::default();
        for action in actions {
            cancel.check()?;
            apply_one(root, action, epoch, &mut placed, cancel)?;
        }
        rootfs.settle(cancel)
    })
}

fn isolation(layers: &Layers, actions: &[Action]) -> Isolation {
    let sources = actions.iter().filter_map(|action| match action {
        Action::Copy(copy) => Some(copy.selection.source.layers.isolation()),
        _ => None,
    });
    let mut all = sources.chain([layers.isolation()]);
    if all.any(|one| one == Isolation::Mounts) {
        Isolation::Mounts
    } else {
        Isolation::Stack
    }
}

/// The files whose name a destination gave: one of them is not replaced by the next.
#[derive(Default)]
struct Placed(HashSet<Vec<u8>>);

impl Placed {
    /// Errors: `SEVERAL_SOURCES`.
    fn add(&mut self, path: Vec<u8>, dest: &str) -> Result<()> {
        if self.0.insert(path) {
            return Ok(());
        }
        let message = "with more than one source file the destination must be a directory and end with a /";
        Err(Error::new("SEVERAL_SOURCES", "copy", message).with_subject(dest))
    }
}

fn apply_one(
    root: &Arc<OwnedFd>,
    action: &Action,
    epoch: i64,
    placed: &mut Placed,
    cancel: &CancelFlag,
) -> Result<()> {
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
        Action::Copy(action) => copy(&mut site, action, placed, cancel)?,
    }
    site.settle()
}

/// Each thing that is selected finds the destination as the one before it left it. Errors: what selecting and copying
/// say, `SEVERAL_SOURCES`.
fn copy(site: &mut Site<'_>, action: &Copy, placed: &mut Placed, cancel: &CancelFlag) -> Result<()> {
    let Copy { selection, dest, .. } = action;
    let rootfs = Rootfs::view(&selection.source.layers)?;
    let selector = Selector::new(&rootfs, selection, cancel)?;
    let owner = action.owner.unwrap_or(ROOT);
    let mode = parent_mode(action);
    let mut copier = Copier::new(site.root, policy(action, site.epoch), cancel);
    for one in &selector.select_all(selection)? {
        if action.unpack && unpack(site, one, action, cancel)? {
            continue;
        }
        let (dirs, name) =
            if dest.ends_with('/') || is_directory(one) || exists_as_directory(site.root, dest)? {
                (site.directory(dest, mode, mode, owner)?, one.name.clone())
            } else {
                let (dirs, name) = site.file_place(dest, mode, owner)?;
                placed.add(join(&dirs.path(), &name), dest)?;
                (dirs, name)
            };
        site.keep_time(dirs.last())?;
        copier.copy(&selector, one, &dirs, &name)?;
    }
    Ok(())
}

/// Directories on the way get the mode that `--chmod` gives as a number; one that changes modes has nothing to change here.
fn parent_mode(action: &Copy) -> u32 {
    match action.mode {
        Some(ModeRule::Exactly(mode)) => mode,
        Some(ModeRule::Changed(_)) | None => PARENT_MODE,
    }
}

fn policy(action: &Copy, epoch: i64) -> Policy {
    let is_context = action.selection.source.is_context;
    Policy {
        owner: match action.owner {
            Some(owner) => OwnerRule::As(owner),
            None if is_context => OwnerRule::As(ROOT),
            None => OwnerRule::Source,
        },
        normalize_modes: action.selection.source.normalize_modes,
        mode: action.mode.clone(),
        times: TimeRule::Exactly(epoch),
        xattrs: Some(if is_context {
            Scope::Capability
        } else {
            Scope::CapabilityAndUser
        }),
        collision: Collision::Refused,
        content: ContentRule::Copied,
    }
}

fn is_directory(selected: &Selected) -> bool {
    matches!(selected.place, Place::Directory { .. } | Place::Nothing)
}

fn exists_as_directory(root: &Arc<OwnedFd>, path: &str) -> Result<bool> {
    Ok(matches!(
        resolve(root, path.as_bytes())?.found,
        Found::Directory(_)
    ))
}
