//! ADD of a local archive: its members instead of the file.

use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::io::fcntl_dupfd_cloexec;

use super::action::Copy;
use super::meta::Kind;
use super::policy::Owner;
use super::select::{Place, Selected, open_file};
use super::site::{PARENT_MODE, Site};
use crate::archive::unpack::{Rules, is_archive, unpack as unpack_file};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Unpacks what is selected into the action's destination, a directory that is made if it is missing. False, and nothing
/// done, when it is no archive.
pub fn unpack(site: &mut Site<'_>, selected: &Selected, action: &Copy, cancel: &CancelFlag) -> Result<bool> {
    let Place::Other { parent, name, meta } = &selected.place else {
        return Ok(false);
    };
    if meta.kind != Kind::File {
        return Ok(false);
    }
    let file = File::from(open_file(parent, name)?.0);
    if !is_archive(&file)? {
        return Ok(false);
    }
    let Copy {
        selection,
        dest,
        owner,
        ..
    } = action;
    let parent_owner = owner.unwrap_or(Owner { uid: 0, gid: 0 });
    let dirs = site.directory(dest, PARENT_MODE, PARENT_MODE, parent_owner)?;
    site.keep_time(dirs.last())?;
    let rules = Rules {
        owner: owner.map(|owner| (owner.uid, owner.gid)),
        epoch: site.epoch,
    };
    // By the path that was asked for an error finds its place in the Dockerfile.
    let name = selection.paths.first().map_or("", String::as_str);
    unpack_file(&file, name, duplicate(dirs.last())?, &rules, cancel)?;
    Ok(true)
}

fn duplicate(directory: &OwnedFd) -> Result<OwnedFd> {
    fcntl_dupfd_cloexec(directory, 0).map_err(|error| Error::io("unpack", "", &error.into()))
}
