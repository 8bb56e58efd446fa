//! Layers as archives: an overlay upper becomes a blob in one pass (`pack`), a blob becomes an overlay directory (`apply`).
//!
//! OCI image-spec layer.md; POSIX.1-2024 pax, "ustar Interchange Format" and "pax Interchange Format".

mod apply;
mod attributes;
mod blob;
mod compress;
mod decode;
mod digest;
mod header;
mod kept_times;
mod layout;
mod listing;
pub(crate) mod lower;
mod member;
pub(crate) mod names;
mod numbers;
pub(crate) mod overlay;
mod pack;
mod pax;
mod pool;
mod resolve;
mod sparse;
mod stream;
pub(crate) mod sys;
mod target;
pub mod unpack;
mod walk;
pub(crate) mod xattr;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;

use crate::task::{CancelFlag, Job, spawn};

/// How a layer's tar is stored.
#[napi(object)]
#[derive(Clone)]
pub struct Compression {
    #[napi(js_name = "type", ts_type = "\"none\" | \"gzip\" | \"zstd\"")]
    pub kind: String,
    pub level: Option<i32>,
}

#[napi(object)]
#[derive(Clone)]
pub struct PackRequest {
    pub upper: String,
    pub lowers: Vec<String>,
    pub output: String,
    pub compression: Compression,
    pub source_date_epoch: i64,
    pub user_xattrs: Option<bool>,
    pub threads: Option<u32>,
}

#[napi(object)]
pub struct PackResult {
    pub diff_id: String,
    pub digest: String,
    pub size_bytes: i64,
    pub tar_size_bytes: i64,
    pub entries: i64,
}

#[napi(object)]
#[derive(Clone)]
pub struct ApplyRequest {
    pub blob: String,
    pub target: String,
    pub digest: String,
    pub size_bytes: i64,
    pub diff_id: Option<String>,
    pub lowers: Option<Vec<String>>,
    pub max_tar_bytes: Option<i64>,
}

#[napi(object)]
pub struct ApplyResult {
    pub diff_id: String,
    pub tar_size_bytes: i64,
    pub entries: i64,
    pub has_root: bool,
    pub implied_directories: i64,
    pub skipped_devices: i64,
    pub skipped_xattrs: i64,
}

#[napi(object)]
pub struct FileDigest {
    pub digest: String,
    pub size_bytes: i64,
}

#[napi(object)]
#[derive(Clone)]
pub struct UnpackRequest {
    pub archive: String,
    pub target: String,
    pub source_date_epoch: i64,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

#[napi(ts_return_type = "Promise<PackResult>")]
pub fn pack_layer(request: PackRequest, cancel: &CancelFlag) -> AsyncTask<Job<PackResult>> {
    let cancel = cancel.clone();
    spawn(move || pack::pack(&request, &cancel))
}

#[napi(ts_return_type = "Promise<ApplyResult>")]
pub fn apply_layer(request: ApplyRequest, cancel: &CancelFlag) -> AsyncTask<Job<ApplyResult>> {
    let cancel = cancel.clone();
    spawn(move || apply::apply(&request, &cancel))
}

/// False, and nothing done, when the file is no archive.
#[napi(ts_return_type = "Promise<boolean>")]
pub fn unpack_archive(request: UnpackRequest, cancel: &CancelFlag) -> AsyncTask<Job<bool>> {
    let cancel = cancel.clone();
    spawn(move || unpack::unpack_path(&request, &cancel))
}

#[napi(ts_return_type = "Promise<FileDigest>")]
pub fn digest_file(path: String, cancel: &CancelFlag) -> AsyncTask<Job<FileDigest>> {
    let cancel = cancel.clone();
    spawn(move || digest::digest_file(&path, &cancel))
}
