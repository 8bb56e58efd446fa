//! The seam of this module: what TypeScript asks of trees beside using them.

use napi_derive::napi;

use super::pool;
use crate::archive::overlay::are_marks_mountable;
use crate::archive::sys::{failed, open_root};
use std::os::fd::AsFd;

/// Whether whiteouts and opaque directories made in `directory`, which is empty, are those that overlayfs reads. Where they are
/// not, snapshots must not be shared with builds that mount.
#[napi]
pub fn holds_overlay_marks(directory: String) -> napi::Result<bool> {
    let open = open_root(&directory, "try marks")?;
    Ok(are_marks_mountable(open.as_fd()).map_err(failed("try marks", directory.as_bytes()))?)
}

/// Removes the plain trees that were made in `trees`. Blocks until they are gone.
#[napi]
pub fn release_trees(trees: String) {
    pool::release(&trees);
}
