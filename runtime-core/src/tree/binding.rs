//! The seam: plain objects in, promises out.

use napi::bindgen_prelude::{AsyncTask, Buffer, Uint8Array};
use napi_derive::napi;

use super::action::{self, Action, Copy};
use super::ignore::RuleText;
use super::mode::{ModeChange, ModeRule};
use super::policy::Owner;
use super::rootfs::Layers;
use super::select::{Selection, Source};
use super::stat_index::StatIndex;
use super::{digest, export, graft, read, remove, thread, users};
use crate::error::{Error, Result};
use crate::task::{CancelFlag, Job, spawn};

#[napi(object)]
pub struct TreeLayers {
    pub lowers: Vec<String>,
    pub upper: Option<String>,
    pub work: Option<String>,
    /// Nothing can be mounted: what several layers show is made of plain files, in this directory.
    pub trees: Option<String>,
}

#[napi(object)]
pub struct TreeRule {
    pub negated: bool,
    pub kind: String,
    pub text: String,
}

#[napi(object)]
pub struct TreeFiles {
    pub rootfs: TreeLayers,
    pub ignore: Vec<TreeRule>,
    pub is_context: bool,
    pub normalize_modes: bool,
}

#[napi(object)]
pub struct TreeChoice {
    pub source: TreeFiles,
    pub paths: Vec<String>,
    pub wildcards: bool,
    pub exclude: Vec<TreeRule>,
    pub include: Vec<TreeRule>,
    pub ancestors: Vec<TreeRule>,
    pub required: Vec<String>,
}

#[napi(object)]
pub struct TreeOwner {
    pub uid: u32,
    pub gid: u32,
}

/// One change of a symbolic mode: `ModeChange` of the typed facade.
#[napi(object)]
pub struct TreeModeChange {
    pub op: String,
    pub bits: u32,
    pub shift: Option<u32>,
}

/// `mkdir`: path, mode, owner. `mkfile`: data too. `copy`: selection, dest and, where given, owner and a mode of either form.
#[napi(object, object_to_js = false)]
pub struct TreeAction {
    #[napi(js_name = "type")]
    pub kind: String,
    pub path: Option<String>,
    pub mode: Option<u32>,
    pub mode_changes: Option<Vec<TreeModeChange>>,
    pub owner: Option<TreeOwner>,
    pub data: Option<Uint8Array>,
    pub selection: Option<TreeChoice>,
    pub dest: Option<String>,
    pub unpack: Option<bool>,
}

#[napi(object)]
pub struct TreeDigest {
    pub digest: String,
    pub entries: f64,
    pub bytes: f64,
}

#[napi(object)]
pub struct TreeUser {
    pub uid: u32,
    pub gid: u32,
    pub additional_gids: Vec<u32>,
    pub home: Option<String>,
}

#[napi(ts_return_type = "Promise<TreeDigest>")]
pub fn tree_digest(
    choice: TreeChoice,
    index: Option<&StatIndex>,
    cancel: &CancelFlag,
) -> AsyncTask<Job<TreeDigest>> {
    let (selection, cancel) = (Selection::from(choice), cancel.clone());
    let index = index.map(StatIndex::index);
    spawn(move || {
        let isolation = selection.source.layers.isolation();
        let found = thread::run(isolation, || {
            digest::digest_selection(&selection, index.as_deref(), &cancel)
        })?;
        Ok(TreeDigest {
            digest: found.digest,
            entries: found.entries as f64,
            bytes: found.bytes as f64,
        })
    })
}

#[napi(ts_return_type = "Promise<void>")]
pub fn tree_apply(
    layers: TreeLayers,
    actions: Vec<TreeAction>,
    source_date_epoch: i64,
    cancel: &CancelFlag,
) -> AsyncTask<Job<()>> {
    let (layers, cancel) = (Layers::from(layers), cancel.clone());
    // A typed array belongs to the JS thread: its bytes are taken here.
    let actions: Result<Vec<_>> = actions.into_iter().map(Action::try_from).collect();
    spawn(move || action::apply(&layers, &actions?, source_date_epoch, &cancel))
}

#[napi(ts_return_type = "Promise<TreeUser>")]
pub fn tree_user(layers: TreeLayers, spec: String, cancel: &CancelFlag) -> AsyncTask<Job<TreeUser>> {
    let (layers, cancel) = (Layers::from(layers), cancel.clone());
    spawn(move || {
        let user = users::look_up_user(&layers, &spec, &cancel)?;
        Ok(TreeUser {
            uid: user.owner.uid,
            gid: user.owner.gid,
            additional_gids: user.additional_gids,
            home: user.home,
        })
    })
}

#[napi(ts_return_type = "Promise<TreeOwner>")]
pub fn tree_owner(layers: TreeLayers, spec: String, cancel: &CancelFlag) -> AsyncTask<Job<TreeOwner>> {
    let (layers, cancel) = (Layers::from(layers), cancel.clone());
    spawn(move || {
        let Owner { uid, gid } = users::look_up_owner(&layers, &spec, &cancel)?;
        Ok(TreeOwner { uid, gid })
    })
}

#[napi(ts_return_type = "Promise<Array<string>>")]
pub fn tree_list(files: TreeFiles, path: String, cancel: &CancelFlag) -> AsyncTask<Job<Vec<String>>> {
    let (source, cancel) = (Source::from(files), cancel.clone());
    spawn(move || read::list_directory(&source, &path, &cancel))
}

#[napi(ts_return_type = "Promise<Buffer>")]
pub fn tree_read(
    layers: TreeLayers,
    path: String,
    max_bytes: f64,
    cancel: &CancelFlag,
) -> AsyncTask<Job<Buffer>> {
    let (layers, cancel) = (Layers::from(layers), cancel.clone());
    spawn(move || read::read_file(&layers, &path, max_bytes as u64, &cancel).map(Buffer::from))
}

#[napi(ts_return_type = "Promise<void>")]
pub fn tree_export(
    layers: TreeLayers,
    dest: String,
    source_date_epoch: i64,
    cancel: &CancelFlag,
) -> AsyncTask<Job<()>> {
    let (layers, cancel) = (Layers::from(layers), cancel.clone());
    spawn(move || export::export_tree(&layers, &dest, source_date_epoch, &cancel))
}

#[napi(ts_return_type = "Promise<void>")]
pub fn tree_graft(layer: String, dest: String, cancel: &CancelFlag) -> AsyncTask<Job<()>> {
    let cancel = cancel.clone();
    spawn(move || graft::graft(&layer, &dest, &cancel))
}

#[napi(ts_return_type = "Promise<void>")]
pub fn tree_remove(path: String, cancel: &CancelFlag) -> AsyncTask<Job<()>> {
    let cancel = cancel.clone();
    spawn(move || remove::remove_tree(&path, &cancel))
}

impl From<TreeLayers> for Layers {
    fn from(layers: TreeLayers) -> Self {
        Self {
            lowers: layers.lowers,
            upper: layers.upper,
            work: layers.work,
            trees: layers.trees,
        }
    }
}

impl From<TreeRule> for RuleText {
    fn from(rule: TreeRule) -> Self {
        Self {
            negated: rule.negated,
            kind: rule.kind,
            text: rule.text,
        }
    }
}

impl From<TreeFiles> for Source {
    fn from(files: TreeFiles) -> Self {
        Self {
            layers: files.rootfs.into(),
            ignore: rules(files.ignore),
            is_context: files.is_context,
            normalize_modes: files.normalize_modes,
        }
    }
}

impl From<TreeChoice> for Selection {
    fn from(choice: TreeChoice) -> Self {
        Self {
            source: choice.source.into(),
            paths: choice.paths,
            wildcards: choice.wildcards,
            exclude: rules(choice.exclude),
            include: rules(choice.include),
            ancestors: rules(choice.ancestors),
            required: choice.required,
        }
    }
}

fn rules(rules: Vec<TreeRule>) -> Vec<RuleText> {
    rules.into_iter().map(RuleText::from).collect()
}

impl From<TreeOwner> for Owner {
    fn from(owner: TreeOwner) -> Self {
        Self {
            uid: owner.uid,
            gid: owner.gid,
        }
    }
}

impl TryFrom<TreeAction> for Action {
    type Error = Error;

    fn try_from(action: TreeAction) -> Result<Self> {
        let incomplete = || Error::new("INTERNAL", "read actions", "an action lacks a field");
        let owner = action.owner.map(Owner::from);
        match action.kind.as_str() {
            "mkdir" => Ok(Self::Mkdir {
                path: action.path.ok_or_else(incomplete)?,
                mode: action.mode.ok_or_else(incomplete)?,
                owner: owner.ok_or_else(incomplete)?,
            }),
            "mkfile" => Ok(Self::Mkfile {
                path: action.path.ok_or_else(incomplete)?,
                mode: action.mode.ok_or_else(incomplete)?,
                owner: owner.ok_or_else(incomplete)?,
                data: action.data.ok_or_else(incomplete)?.to_vec(),
            }),
            "copy" => Ok(Self::Copy(Box::new(Copy {
                selection: action.selection.ok_or_else(incomplete)?.into(),
                dest: action.dest.ok_or_else(incomplete)?,
                owner,
                mode: mode_rule(action.mode, action.mode_changes)?,
                unpack: action.unpack.unwrap_or(false),
            }))),
            _ => Err(incomplete()),
        }
    }
}

/// Errors: `INTERNAL`.
fn mode_rule(mode: Option<u32>, changes: Option<Vec<TreeModeChange>>) -> Result<Option<ModeRule>> {
    let Some(changes) = changes else {
        return Ok(mode.map(ModeRule::Exactly));
    };
    let changes = changes
        .iter()
        .map(|change| ModeChange::parse(&change.op, change.bits, change.shift.unwrap_or(0)));
    Ok(Some(ModeRule::Changed(changes.collect::<Result<_>>()?)))
}
