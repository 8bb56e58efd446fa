//! The names of a directory, as the archive has them.

use std::os::fd::BorrowedFd;

use rustix::fs::{Dir, FileType};

use super::overlay::{self, WHITEOUT_PREFIX};
use super::sys::{failed, join, lstat};
use super::xattr;
use crate::error::Result;

/// A name as the archive has it, which is what the order goes by.
pub struct Name {
    pub text: Vec<u8>,
    pub is_whiteout: bool,
}

/// The names of an open directory, sorted as the archive has them.
pub fn list(dir: BorrowedFd<'_>, path: &[u8], xattr_whiteouts: bool) -> Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir).map_err(failed("read upper", path))? {
        let entry = entry.map_err(failed("read upper", path))?;
        let text = entry.file_name().to_bytes();
        if text != b"." && text != b".." {
            let is_whiteout = is_whiteout(dir, text, entry.file_type(), xattr_whiteouts)
                .map_err(failed("read upper", &join(path, text)))?;
            let prefix = if is_whiteout { WHITEOUT_PREFIX } else { b"" };
            names.push(Name {
                text: [prefix, text].concat(),
                is_whiteout,
            });
        }
    }
    names.sort_unstable_by(|a, b| a.text.cmp(&b.text));
    Ok(names)
}

fn is_whiteout(
    dir: BorrowedFd<'_>,
    name: &[u8],
    kind: FileType,
    xattr_whiteouts: bool,
) -> rustix::io::Result<bool> {
    match kind {
        FileType::CharacterDevice | FileType::Unknown if overlay::is_whiteout(&lstat(dir, name)?) => Ok(true),
        FileType::RegularFile | FileType::Unknown if xattr_whiteouts => {
            let is_empty = lstat(dir, name)?.st_size == 0;
            Ok(is_empty && overlay::take_marks(&mut xattr::read(dir, name, overlay::is_overlay)?).whiteout)
        }
        _ => Ok(false),
    }
}
