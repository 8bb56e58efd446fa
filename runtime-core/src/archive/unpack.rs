//! Archive → files of a directory that may hold others: what ADD does with a local tar.
//!
//! Names are what they are: there are no whiteouts, and nothing below shows through. Everything is resolved inside the
//! directory as if it were the root of the filesystem.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::mpsc::channel;
use std::thread;

use super::UnpackRequest;
use super::apply::{MAX_MEMBERS, MAX_RATIO, MAX_TAR_BYTES, PIECES, feed, fill, split, unsafe_path};
use super::decode::decode;
use super::digest::Digester;
use super::kept_times::KeptTimes;
use super::lower::Lowers;
use super::member::{Archive, Member, MemberKind, RawHeader};
use super::pool::{Pool, caught};
use super::stream::Stream;
use super::sys::{MAX_PATH, lossy, open_root};
use super::target::Target;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// xz and bzip2 pack zeros better than deflate: what is smaller than this is let through.
const UNSUSPICIOUS_BYTES: u64 = 8 << 30;

/// How members look.
pub struct Rules {
    /// Of every member. Default: the archive's own.
    pub owner: Option<(u32, u32)>,
    /// The mtime of everything that is made, seconds since 1970.
    pub epoch: i64,
}

/// Whether a file is a tar, compressed or not, by its first header. One without members is none.
pub fn is_archive(file: &File) -> Result<bool> {
    let file = duplicate(file)?;
    let mut block = [0; 512];
    // A file that cannot be decompressed is none, and copied as it is.
    let len = decode(file).map_or(0, |mut tar| fill(&mut *tar, &mut block).0);
    Ok(len == block.len() && RawHeader::is_plausible(&block))
}

/// Unpacks an archive, which errors call `name`, into `root`. Errors: `ARCHIVE_CORRUPT`, `ARCHIVE_UNSAFE_PATH`, `ARCHIVE_TOO_LARGE`,
/// `ARCHIVE_UNSUPPORTED`, `NO_SPACE`. What came before an error stays.
pub fn unpack(file: &File, name: &str, root: OwnedFd, rules: &Rules, cancel: &CancelFlag) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("read archive", name, &error);
    let limit = limit(file.metadata().map_err(failed)?.len());
    let mut tar = decode(duplicate(file)?).map_err(failed)?;
    let pool = Pool::new(PIECES);
    let (sender, pieces) = channel();
    let stream = Stream::new(pieces, &pool, Digester::none(), limit, cancel);
    let mut target = Target::at(root, Lowers::open(&[])?)?;
    target.kept_times = Some(KeptTimes::default());
    let (read, unpacked) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let read = caught(|| feed(&mut *tar, name, &pool, &sender));
            drop(sender);
            read
        });
        let mut unpacker = Unpacker {
            archive: Archive::new(stream),
            target,
            rules,
            limit,
            members: 0,
        };
        let unpacked = caught(|| unpacker.run());
        pool.close();
        drop(unpacker);
        (reader.join().unwrap_or(Ok(())), unpacked)
    });
    // What follows the archive's end in the file is not looked at; before it, the decompressor knows better.
    match (unpacked, read) {
        (Ok(()), _) => Ok(()),
        (Err(unpacked), Err(read)) if unpacked.code == "INTERNAL" => Err(in_archive(read, name)),
        (Err(unpacked), _) => Err(in_archive(unpacked, name)),
    }
}

/// The same by paths: false, and nothing done, when the file is no archive.
pub fn unpack_path(request: &UnpackRequest, cancel: &CancelFlag) -> Result<bool> {
    let failed = |error: std::io::Error| Error::io("read archive", &request.archive, &error);
    let file = File::open(&request.archive).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() || !is_archive(&file)? {
        return Ok(false);
    }
    let rules = Rules {
        owner: request.uid.zip(request.gid),
        epoch: request.source_date_epoch,
    };
    let root = open_root(&request.target, "open target")?;
    unpack(&file, &request.archive, root, &rules, cancel).map(|()| true)
}

fn duplicate(file: &File) -> Result<File> {
    file.try_clone()
        .map_err(|error| Error::io("read archive", "", &error))
}

fn limit(stored: u64) -> u64 {
    let sane = stored
        .saturating_mul(MAX_RATIO)
        .saturating_add(UNSUSPICIOUS_BYTES);
    MAX_TAR_BYTES.min(sane)
}

/// An archive is no layer: the codes say so. The subject is the archive, the message says which of its members. What the
/// kernel refuses stays as it is.
fn in_archive(mut error: Error, name: &str) -> Error {
    error.code = match error.code {
        "LAYER_CORRUPT" => "ARCHIVE_CORRUPT",
        "LAYER_UNSAFE_PATH" => "ARCHIVE_UNSAFE_PATH",
        "LAYER_TOO_LARGE" => "ARCHIVE_TOO_LARGE",
        "LAYER_UNSUPPORTED" => "ARCHIVE_UNSUPPORTED",
        _ => return error,
    };
    if let Some(member) = error.subject.filter(|subject| subject != name) {
        error.message = format!("{member}: {}", error.message);
    }
    error.step = "unpack".to_owned();
    error.subject = Some(name.to_owned());
    error
}

struct Unpacker<'a> {
    archive: Archive<'a>,
    target: Target,
    rules: &'a Rules,
    limit: u64,
    members: u64,
}

impl Unpacker<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(mut member) = self.archive.next()? {
            self.check_size(&member)?;
            if let Some((uid, gid)) = self.rules.owner {
                (member.uid, member.gid) = (uid, gid);
            }
            member.mtime = (self.rules.epoch, 0);
            self.place(&member)?;
        }
        let kept = self.target.kept_times.take();
        self.target.finish_at(self.rules.epoch)?;
        kept.map_or(Ok(()), |kept| kept.restore(&self.target.root))
    }

    fn check_size(&mut self, member: &Member) -> Result<()> {
        self.members += 1;
        let size = member.sparse.as_ref().map_or(member.stored, |map| map.size);
        if size <= self.limit && self.members <= MAX_MEMBERS {
            return Ok(());
        }
        let message = format!("more than {} bytes or {MAX_MEMBERS} entries", self.limit);
        Err(Error::new("LAYER_TOO_LARGE", "unpack", message).with_subject(lossy(&member.path)))
    }

    /// `./` leaves the directory as it is.
    fn place(&mut self, member: &Member) -> Result<()> {
        let path = clean(&member.path)?;
        let (dir, name) = split(&path);
        match member.kind {
            MemberKind::Directory if path.is_empty() => Ok(()),
            _ if path.is_empty() => Err(unsafe_path(&member.path, "only a directory can be the root")),
            MemberKind::Directory => self.target.make_directory(dir, name, member),
            MemberKind::File => self.target.make_file(dir, name, member, &mut self.archive),
            MemberKind::Symlink => self.target.make_symlink(dir, name, member),
            MemberKind::HardLink => {
                let link = clean(&member.link)?;
                if link.is_empty() {
                    return Err(unsafe_path(&path, "it is a hard link to the root"));
                }
                let (link_dir, link_name) = split(&link);
                self.target.make_link(dir, name, link_dir, link_name)
            }
            // overlayfs takes device 0:0 for a whiteout: it would delete what an image has.
            MemberKind::CharDevice if member.device == (0, 0) => Ok(()),
            MemberKind::CharDevice | MemberKind::BlockDevice | MemberKind::Fifo => {
                self.target.make_node(dir, name, member)
            }
        }
    }
}

/// The path without `.`, `..` and empty parts, as Go's filepath.Clean has it. One that leads out is refused; an absolute
/// one begins at the directory, above which there is nothing.
fn clean(path: &[u8]) -> Result<Vec<u8>> {
    if path.len() > MAX_PATH {
        return Err(unsafe_path(path, "it is longer than 4095 bytes"));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.pop().is_some() || path.starts_with(b"/") => {}
            b".." => return Err(unsafe_path(path, "it leads out of its directory by ..")),
            _ if part.len() > 255 || part.contains(&0) => {
                return Err(unsafe_path(path, "a name in it has more than 255 bytes or a NUL"));
            }
            _ => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn a_path_is_cleaned_and_stays_inside() {
        let cleaned = |path: &str| {
            clean(path.as_bytes())
                .ok()
                .map(|path| String::from_utf8(path).unwrap())
        };
        for (path, expected) in [
            ("./a//b/", Some("a/b")),
            ("a/../b", Some("b")),
            ("/../a", Some("a")),
            ("../a", None),
            ("a/../../b", None),
            (".", Some("")),
        ] {
            assert_eq!(cleaned(path).as_deref(), expected, "{path}");
        }
    }
}
