//! Where every byte of the tar lies, known before the first is read; any part of it can be filled by any thread.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;

use super::header::{self, BLOCK, Header};
use super::listing::{Entry, Kind, Listing, Span};
use super::sys::{failed, lossy, open_dir_beneath, open_file};
use super::xattr::Xattrs;
use crate::error::{Error, Result};

static NO_XATTRS: Xattrs = Xattrs::new();

pub struct Layout<'a> {
    listing: &'a Listing,
    upper: &'a OwnedFd,
    /// The offset of each entry's header.
    offsets: Vec<u64>,
    /// Two zero blocks included.
    pub size: u64,
}

impl<'a> Layout<'a> {
    pub fn new(listing: &'a Listing, upper: &'a OwnedFd) -> Self {
        let mut scratch = Vec::new();
        let mut at = 0;
        let place = |entry| {
            let offset = at;
            at += header_of(listing, entry, &mut scratch) + entry.size.next_multiple_of(BLOCK as u64);
            offset
        };
        let offsets = listing.entries.iter().map(place).collect();
        Self {
            listing,
            upper,
            offsets,
            size: at + 2 * BLOCK as u64,
        }
    }
}

/// Encodes the header into `out` and gives its length.
fn header_of(listing: &Listing, entry: &Entry, out: &mut Vec<u8>) -> u64 {
    out.clear();
    let header = Header {
        path: &listing.path(entry),
        typeflag: typeflag(entry.kind),
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        size: entry.size,
        mtime: entry.mtime,
        link: listing.text(entry.link),
        device: (libc::major(entry.rdev), libc::minor(entry.rdev)),
        xattrs: entry.xattrs.as_deref().unwrap_or(&NO_XATTRS),
    };
    header::encode(&header, out);
    out.len() as u64
}

fn typeflag(kind: Kind) -> u8 {
    match kind {
        Kind::File | Kind::Whiteout => b'0',
        Kind::HardLink => b'1',
        Kind::Symlink => b'2',
        Kind::CharDevice => b'3',
        Kind::BlockDevice => b'4',
        Kind::Directory => b'5',
        Kind::Fifo => b'6',
    }
}

/// One thread's reader of the layout. Files of one directory follow each other, so the last directory stays open.
pub struct Filler<'a> {
    layout: &'a Layout<'a>,
    dir: Option<(Vec<u8>, OwnedFd)>,
    scratch: Vec<u8>,
}

impl<'a> Filler<'a> {
    pub fn new(layout: &'a Layout<'a>) -> Self {
        Self {
            layout,
            dir: None,
            scratch: Vec::new(),
        }
    }

    /// Makes `out` the bytes of the tar from `start`, at most `len` of them.
    pub fn fill(&mut self, start: u64, len: usize, out: &mut Vec<u8>) -> Result<()> {
        let layout = self.layout;
        let end = layout.size.min(start + len as u64);
        out.clear();
        let first = layout
            .offsets
            .partition_point(|offset| *offset <= start)
            .saturating_sub(1);
        for (entry, offset) in layout.listing.entries.iter().zip(&layout.offsets).skip(first) {
            if *offset >= end {
                break;
            }
            self.fill_entry(entry, *offset, start, end, out)?;
        }
        out.resize((end - start) as usize, 0);
        Ok(())
    }

    fn fill_entry(
        &mut self,
        entry: &Entry,
        offset: u64,
        start: u64,
        end: u64,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let body = offset + header_of(self.layout.listing, entry, &mut self.scratch);
        if start < body {
            let from = start.max(offset) - offset;
            let to = end.min(body) - offset;
            out.extend_from_slice(&self.scratch[from as usize..to as usize]);
        }
        let (from, to) = (start.max(body), end.min(body + entry.size));
        if from < to {
            self.fill_body(entry, from - body, (to - from) as usize, out)?;
        }
        // The padding after the body.
        let next = end.min((body + entry.size).next_multiple_of(BLOCK as u64));
        out.resize(out.len().max((next.max(start) - start) as usize), 0);
        Ok(())
    }

    fn fill_body(&mut self, entry: &Entry, at: u64, len: usize, out: &mut Vec<u8>) -> Result<()> {
        let listing = self.layout.listing;
        let path = listing.path(entry);
        let dir = self.open_dir(entry.dir)?;
        let file = open_file(dir.as_fd(), listing.text(entry.name)).map_err(|errno| gone(errno, &path))?;
        let start = out.len();
        out.resize(start + len, 0);
        read_exact_at(&file, &mut out[start..], at, &path)?;
        let stat = rustix::fs::fstat(&file).map_err(failed("read entry", &path))?;
        let unchanged = stat.st_ino == entry.ino
            && stat.st_size as u64 == entry.size
            && (stat.st_ctime, stat.st_ctime_nsec as u32) == entry.ctime;
        if unchanged { Ok(()) } else { Err(changed(&path)) }
    }

    fn open_dir(&mut self, dir: Span) -> Result<&OwnedFd> {
        let path = self.layout.listing.text(dir);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        if self.dir.as_ref().is_none_or(|(open, _)| open != path) {
            let fd = open_dir_beneath(self.layout.upper.as_fd(), path).map_err(|errno| gone(errno, path))?;
            self.dir = Some((path.to_vec(), fd));
        }
        self.dir.as_ref().map(|(_, fd)| fd).ok_or_else(|| changed(path))
    }
}

fn read_exact_at(file: &OwnedFd, mut buffer: &mut [u8], mut at: u64, path: &[u8]) -> Result<()> {
    while !buffer.is_empty() {
        match rustix::io::pread(file, &mut *buffer, at) {
            Ok(0) => return Err(changed(path)),
            Ok(len) => {
                buffer = &mut buffer[len..];
                at += len as u64;
            }
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed("read entry", path)(errno)),
        }
    }
    Ok(())
}

/// What was listed and is not there, or is a link now, has changed; the rest is the kernel's refusal.
fn gone(errno: Errno, path: &[u8]) -> Error {
    match errno {
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR => changed(path),
        errno => failed("read entry", path)(errno),
    }
}

fn changed(path: &[u8]) -> Error {
    Error::new(
        "LAYER_CHANGED",
        "read entry",
        "the file changed while it was read",
    )
    .with_subject(lossy(path))
}
