//! Single looks into a root: a file, a directory's names.

use super::content::Content;
use super::meta::Kind;
use super::path::{display, join};
use super::resolve::{Found, resolve};
use super::rootfs::{Layers, Rootfs};
use super::select::{Selection, Selector, Source, open_file};
use super::thread;
use super::walk::sorted_names;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// The regular file at `path`. Errors: `NOT_FOUND`, `NOT_A_FILE`, `TOO_LARGE`.
pub fn read_file(layers: &Layers, path: &str, max_bytes: u64, cancel: &CancelFlag) -> Result<Vec<u8>> {
    thread::run(layers.isolation(), || {
        let rootfs = Rootfs::view(layers)?;
        file_in(&rootfs, path, max_bytes, cancel)?.ok_or_else(|| {
            Error::new("NOT_FOUND", "read file", "no such file or directory").with_subject(path)
        })
    })
}

/// `None` when it is missing.
pub fn file_in(rootfs: &Rootfs, path: &str, max_bytes: u64, cancel: &CancelFlag) -> Result<Option<Vec<u8>>> {
    let Some(root) = rootfs.directory() else {
        return Ok(None);
    };
    let wrong = |code, message: String| Error::new(code, "read file", message).with_subject(path);
    match resolve(root, path.as_bytes())?.found {
        Found::Missing { .. } | Found::NotADirectory(_) => Ok(None),
        Found::Directory(_) => Err(wrong("NOT_A_FILE", "it is a directory".into())),
        Found::Other { meta, .. } if meta.kind != Kind::File => {
            Err(wrong("NOT_A_FILE", "it is not a regular file".into()))
        }
        Found::Other { parent, name, .. } => {
            let (file, meta) = open_file(parent.last(), &name)?;
            if meta.size > max_bytes {
                return Err(wrong(
                    "TOO_LARGE",
                    format!("{} bytes, at most {max_bytes} are read", meta.size),
                ));
            }
            let mut bytes = Vec::with_capacity(meta.size as usize);
            Content::new(cancel).read(&file, &name, meta.size, |chunk| {
                bytes.extend_from_slice(chunk);
                Ok(())
            })?;
            Ok(Some(bytes))
        }
    }
}

/// The names in a directory of `source` that are not ignored, sorted. Empty when it is missing or no directory.
pub fn list_directory(source: &Source, path: &str, cancel: &CancelFlag) -> Result<Vec<String>> {
    thread::run(source.layers.isolation(), || {
        let rootfs = Rootfs::view(&source.layers)?;
        let Some(root) = rootfs.directory() else {
            return Ok(Vec::new());
        };
        let Found::Directory(dirs) = resolve(root, path.as_bytes())?.found else {
            return Ok(Vec::new());
        };
        let selection = Selection::of(source.clone(), Vec::new());
        let selector = Selector::new(&rootfs, &selection, cancel)?;
        let mut names = Vec::new();
        for name in sorted_names(dirs.last())? {
            let inside = display(&join(&dirs.path(), &name));
            match selector.select(std::slice::from_ref(&inside), false) {
                Err(error) if error.code == "NOT_FOUND" => {}
                // A link that leads nowhere, or a directory that may not be opened, has a name all the same.
                Ok(_) | Err(_) => names.push(display(&name)),
            }
        }
        Ok(names)
    })
}
