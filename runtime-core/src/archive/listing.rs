//! What a layer holds, in output order: about 130 bytes an entry, names in one arena.

use super::xattr::Xattrs;
use crate::error::{Error, Result};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Directory,
    File,
    Symlink,
    HardLink,
    CharDevice,
    BlockDevice,
    Fifo,
    /// `.wh.name` or `.wh..wh..opq`: an empty file that hides what lies below.
    Whiteout,
}

/// A piece of the listing's text.
#[derive(Clone, Copy, Default)]
pub struct Span {
    at: u32,
    len: u32,
}

pub struct Entry {
    pub kind: Kind,
    /// The directory's path with its trailing slash; empty at the top.
    pub dir: Span,
    /// The name in the archive; a directory's without its slash.
    pub name: Span,
    /// A symlink's target, a hard link's first name.
    pub link: Span,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub rdev: u64,
    pub mtime: i64,
    /// Bytes of the body in the archive.
    pub size: u64,
    /// Identity of the file that was listed; reading checks it.
    pub ino: u64,
    pub ctime: (i64, u32),
    pub xattrs: Option<Box<Xattrs>>,
}

#[derive(Default)]
pub struct Listing {
    pub entries: Vec<Entry>,
    text: Vec<u8>,
}

impl Listing {
    pub fn text(&self, span: Span) -> &[u8] {
        &self.text[span.at as usize..(span.at + span.len) as usize]
    }

    pub fn add_text(&mut self, parts: &[&[u8]]) -> Result<Span> {
        let at = self.text.len();
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let end = u32::try_from(at + len).map_err(|_| too_many())?;
        parts.iter().for_each(|part| self.text.extend_from_slice(part));
        Ok(Span {
            at: at as u32,
            len: end - at as u32,
        })
    }

    /// The path in the archive; a directory's ends with a slash.
    pub fn path(&self, entry: &Entry) -> Vec<u8> {
        let slash: &[u8] = if entry.kind == Kind::Directory { b"/" } else { b"" };
        [self.text(entry.dir), self.text(entry.name), slash].concat()
    }
}

fn too_many() -> Error {
    Error::new(
        "LAYER_TOO_LARGE",
        "list upper",
        "the names of one layer take more than 4 GiB",
    )
}
