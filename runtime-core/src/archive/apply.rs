//! Blob → overlay directory: one thread reads, digests and decompresses, the other digests the tar and creates.

use std::io::{self, Read};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::blob::{Blob, read_error};
use super::digest::Digester;
use super::lower::Lowers;
use super::member::{Archive, Member, MemberKind};
use super::overlay::{META_PREFIX, OPAQUE_MARKER, WHITEOUT_PREFIX};
use super::pool::{Pool, caught};
use super::stream::{Piece, Stream};
use super::sys::{MAX_PATH, lossy};
use super::target::Target;
use super::{ApplyRequest, ApplyResult};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

const PIECE_LEN: usize = 256 << 10;
pub(super) const PIECES: usize = 8;

/// A layer's tar, unless the caller says otherwise.
pub(super) const MAX_TAR_BYTES: u64 = 64 << 30;
/// deflate cannot do better than 1032:1. zstd can, so what is small anyhow is let through.
pub(super) const MAX_RATIO: u64 = 1100;
const UNSUSPICIOUS_BYTES: u64 = 1 << 30;
pub(super) const MAX_MEMBERS: u64 = 8 << 20;

/// image-spec layer.md, "Applying Changesets". On an error the target is the caller's to delete.
pub fn apply(request: &ApplyRequest, cancel: &CancelFlag) -> Result<ApplyResult> {
    let mut blob = Blob::open(request)?;
    let digester = request
        .diff_id
        .as_deref()
        .map_or_else(|| Ok(Digester::sha256()), Digester::of)?;
    let lowers = Lowers::open(request.lowers.as_deref().unwrap_or_default())?;
    let target = Target::open(&request.target, lowers)?;
    let pool = Pool::new(PIECES);
    let (sender, pieces) = channel();
    let stream = Stream::new(pieces, &pool, digester, limit(request), cancel);
    let (read, unpacked) = thread::scope(|scope| {
        let unpacker = scope.spawn(|| {
            let limit = limit(request);
            let archive = Archive::new(stream);
            let result = caught(|| {
                Unpacker {
                    archive,
                    target,
                    members: 0,
                    limit,
                }
                .run()
            });
            pool.close();
            result
        });
        let path = blob.path().to_owned();
        let read = blob
            .tar()
            .and_then(|mut tar| feed(&mut *tar, &path, &pool, &sender));
        drop(sender);
        (
            read,
            unpacker
                .join()
                .unwrap_or_else(|_| Err(Error::new("INTERNAL", "unpack", "the unpacker panicked"))),
        )
    });
    conclude(request, blob, read, unpacked)
}

fn limit(request: &ApplyRequest) -> u64 {
    let wanted = request
        .max_tar_bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .unwrap_or(MAX_TAR_BYTES);
    let sane = (request.size_bytes.max(0) as u64)
        .saturating_mul(MAX_RATIO)
        .saturating_add(UNSUSPICIOUS_BYTES);
    wanted.min(sane)
}

/// Sends the tar's bytes until it ends or nobody wants more. What came before a failure is sent, too.
pub(super) fn feed(tar: &mut dyn Read, path: &str, pool: &Pool, sender: &Sender<Piece>) -> Result<()> {
    while let Some(mut buffer) = pool.take() {
        buffer.resize(PIECE_LEN, 0);
        let (len, filled) = fill(tar, &mut buffer);
        buffer.truncate(len);
        if len > 0 && sender.send(Piece::Bytes(buffer)).is_err() {
            break;
        }
        filled.map_err(|error| read_error(path, &error))?;
        if len == 0 {
            // Nobody may be there to hear it.
            let _ = sender.send(Piece::End);
            break;
        }
    }
    Ok(())
}

/// Reads until `buffer` is full or the reader ends or fails: how much there is, and whether it failed.
pub(super) fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error)),
        }
    }
    (filled, Ok(()))
}

/// A blob that makes no sense is first of all checked for being the blob that was asked for.
fn conclude(
    request: &ApplyRequest,
    blob: Blob,
    read: Result<()>,
    unpacked: Result<ApplyResult>,
) -> Result<ApplyResult> {
    let failure = read.err().or_else(|| unpacked.as_ref().err().map(copy_error));
    if failure.as_ref().is_none_or(|error| error.code == "LAYER_CORRUPT") {
        expect("blob", &request.digest, &blob.digest()?)?;
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let result = unpacked?;
    if let Some(diff_id) = &request.diff_id {
        expect("uncompressed tar", diff_id, &result.diff_id)?;
    }
    Ok(result)
}

fn copy_error(error: &Error) -> Error {
    let mut copy = Error::new(error.code, error.step.clone(), error.message.clone());
    (copy.subject, copy.errno) = (error.subject.clone(), error.errno);
    copy
}

fn expect(what: &str, expected: &str, actual: &str) -> Result<()> {
    if expected == actual {
        return Ok(());
    }
    let message = format!("the {what} has the digest {actual}");
    Err(Error::new("DIGEST_MISMATCH", "verify", message).with_subject(expected))
}

struct Unpacker<'a> {
    archive: Archive<'a>,
    target: Target,
    members: u64,
    /// Also for what sparse files pretend to hold.
    limit: u64,
}

impl Unpacker<'_> {
    fn run(mut self) -> Result<ApplyResult> {
        while let Some(member) = self.archive.next()? {
            self.members += 1;
            self.check_size(&member)?;
            self.place(&member)?;
        }
        self.archive.stream.drain()?;
        self.target.finish()?;
        let tar_size_bytes = self.archive.stream.len() as i64;
        Ok(ApplyResult {
            diff_id: self.archive.stream.digest(),
            tar_size_bytes,
            entries: self.members as i64,
            has_root: self.target.has_root,
            implied_directories: self.target.implied_directories,
            skipped_devices: self.target.skipped_devices,
            skipped_xattrs: self.target.skipped_xattrs,
        })
    }

    fn check_size(&mut self, member: &Member) -> Result<()> {
        let size = member.sparse.as_ref().map_or(member.stored, |map| map.size);
        if size > self.limit || self.members > MAX_MEMBERS {
            let message = format!("more than {} bytes or {MAX_MEMBERS} entries", self.limit);
            return Err(Error::new("LAYER_TOO_LARGE", "unpack", message).with_subject(lossy(&member.path)));
        }
        Ok(())
    }

    fn place(&mut self, member: &Member) -> Result<()> {
        let path = clean(&member.path)?;
        let (dir, name) = split(&path);
        if path.is_empty() {
            return self.place_root(member);
        }
        // What AUFS kept for itself says nothing about the image.
        if name != OPAQUE_MARKER
            && path
                .split(|byte| *byte == b'/')
                .any(|part| part.starts_with(META_PREFIX))
        {
            return Ok(());
        }
        if dir
            .split(|byte| *byte == b'/')
            .any(|part| part.starts_with(WHITEOUT_PREFIX))
        {
            return Err(unsafe_path(&path, "it lies in a whiteout"));
        }
        if name == OPAQUE_MARKER {
            return self.target.make_opaque(dir);
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT_PREFIX) {
            return self.place_whiteout(&path, dir, hidden);
        }
        self.place_entry(member, &path, dir, name)
    }

    /// `./` says what the root directory is like.
    fn place_root(&mut self, member: &Member) -> Result<()> {
        if member.kind != MemberKind::Directory {
            return Err(unsafe_path(&member.path, "only a directory can be the root"));
        }
        self.target.set_root(member);
        Ok(())
    }

    fn place_whiteout(&mut self, path: &[u8], dir: &[u8], hidden: &[u8]) -> Result<()> {
        if matches!(hidden, b"" | b"." | b"..") {
            return Err(unsafe_path(path, "it is a whiteout of nothing in its directory"));
        }
        self.target.make_whiteout(dir, hidden)
    }

    fn place_entry(&mut self, member: &Member, path: &[u8], dir: &[u8], name: &[u8]) -> Result<()> {
        match member.kind {
            MemberKind::Directory => self.target.make_directory(dir, name, member),
            MemberKind::File => self.target.make_file(dir, name, member, &mut self.archive),
            MemberKind::Symlink => self.target.make_symlink(dir, name, member),
            MemberKind::HardLink => {
                let link = clean(&member.link)?;
                if link.is_empty() {
                    return Err(unsafe_path(path, "it is a hard link to the root"));
                }
                let (link_dir, link_name) = split(&link);
                self.target.make_link(dir, name, link_dir, link_name)
            }
            MemberKind::CharDevice if member.device == (0, 0) => self.target.make_whiteout(dir, name),
            MemberKind::CharDevice | MemberKind::BlockDevice | MemberKind::Fifo => {
                self.target.make_node(dir, name, member)
            }
        }
    }
}

/// The path without `.` and empty parts, so an absolute one starts at the root of the layer. `..` is refused.
fn clean(path: &[u8]) -> Result<Vec<u8>> {
    if path.len() > MAX_PATH {
        return Err(unsafe_path(path, "it is longer than 4095 bytes"));
    }
    let mut parts = Vec::new();
    for part in path
        .split(|byte| *byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."))
    {
        if part == b".." {
            return Err(unsafe_path(path, "it leads out of its directory by .."));
        }
        if part.len() > 255 || part.contains(&0) {
            return Err(unsafe_path(path, "a name in it has more than 255 bytes or a NUL"));
        }
        parts.push(part);
    }
    Ok(parts.join(&b'/'))
}

pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"", path),
    }
}

pub(super) fn unsafe_path(path: &[u8], why: &str) -> Error {
    Error::new("LAYER_UNSAFE_PATH", "unpack", format!("unsafe path: {why}")).with_subject(lossy(path))
}
