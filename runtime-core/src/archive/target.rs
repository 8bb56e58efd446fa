//! The directory a layer is unpacked into. Nothing outside it is ever opened, whatever the layer says; see `resolve`.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::attributes::{Attributes, set_all, set_node};
use super::kept_times::KeptTimes;
use super::lower::Lowers;
use super::member::{Archive, Member, MemberKind};
use super::overlay;
use super::resolve::Parent;
use super::sys::{failed, join, lossy, lstat, lstat_if_there, open_dir_beneath, open_root};
use crate::error::{Error, Result};

pub struct Target {
    pub(super) root: OwnedFd,
    pub(super) lowers: Lowers,
    /// What directories get at the end: times change while they are filled, modes may forbid filling them.
    pub(super) directories: BTreeMap<Vec<u8>, Attributes>,
    last: Option<(Vec<u8>, Arc<Parent>)>,
    /// What a new file belongs to, where that is certain.
    created_as: Option<(u32, u32)>,
    /// Only for what is unpacked over files that are there: their directories' times, which come back at the end.
    pub(super) kept_times: Option<KeptTimes>,
    /// The layer says what the root itself is like.
    pub has_root: bool,
    /// Directories that the layer only mentioned: how they look depends on the lowers.
    pub implied_directories: i64,
    pub skipped_devices: i64,
    pub skipped_xattrs: i64,
}

impl Target {
    /// `lowers` say what a directory is like that the layer only mentions in a path.
    pub fn open(path: &str, lowers: Lowers) -> Result<Self> {
        Self::at(open_root(path, "open target")?, lowers)
    }

    /// The same for a directory that is open.
    pub fn at(root: OwnedFd, lowers: Lowers) -> Result<Self> {
        let stat = rustix::fs::fstat(&root).map_err(failed("open target", b""))?;
        let ids = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        Ok(Self {
            root,
            lowers,
            directories: BTreeMap::new(),
            last: None,
            // A set-gid directory gives its group to what is made in it (inode(7)).
            created_as: (stat.st_mode & libc::S_ISGID == 0).then_some(ids),
            kept_times: None,
            has_root: false,
            implied_directories: 0,
            skipped_devices: 0,
            skipped_xattrs: 0,
        })
    }

    pub fn set_root(&mut self, member: &Member) {
        self.has_root = true;
        self.directories.insert(Vec::new(), Attributes::of(member));
    }

    pub fn make_opaque(&mut self, dir: &[u8]) -> Result<()> {
        let parent = self.parent(dir)?;
        overlay::make_opaque(parent.fd.as_fd()).map_err(failed("mark opaque", dir))
    }

    /// Hides a lower entry. What this layer itself has under the name stays; a directory then starts empty.
    pub fn make_whiteout(&mut self, dir: &[u8], name: &[u8]) -> Result<()> {
        let parent = self.parent(dir)?;
        let path = join(&parent.path, name);
        match overlay::make_whiteout(parent.fd.as_fd(), name) {
            Err(Errno::EXIST) => {
                let stat = lstat(&parent.fd, name).map_err(failed("create whiteout", &path))?;
                if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                    self.make_opaque(&path)
                } else {
                    Ok(())
                }
            }
            done => done.map_err(failed("create whiteout", &path)),
        }
    }

    pub fn make_directory(&mut self, dir: &[u8], name: &[u8], member: &Member) -> Result<()> {
        let parent = self.parent(dir)?;
        let path = join(&parent.path, name);
        let existing = lstat_if_there(&parent.fd, name).map_err(failed("create directory", &path))?;
        let existing = match existing {
            Some(stat) => {
                let hidden = overlay::is_hidden(parent.fd.as_fd(), name, &stat);
                let hidden = hidden.map_err(failed("create directory", &path))?;
                Some((FileType::from_raw_mode(stat.st_mode), hidden))
            }
            None => None,
        };
        match existing {
            Some((FileType::Directory, _)) => {}
            Some((_, was_hidden)) => self.replace_by_directory(&parent, name, was_hidden)?,
            None => mkdir(&parent, name)?,
        }
        self.directories.insert(path, Attributes::of(member));
        Ok(())
    }

    /// A directory in place of a whiteout shows nothing of the one below.
    pub(super) fn replace_by_directory(
        &mut self,
        parent: &Parent,
        name: &[u8],
        was_hidden: bool,
    ) -> Result<()> {
        self.remove(parent, name)?;
        mkdir(parent, name)?;
        if !was_hidden {
            return Ok(());
        }
        let path = join(&parent.path, name);
        let fd = open_dir_beneath(parent.fd.as_fd(), name).map_err(failed("mark opaque", &path))?;
        overlay::make_opaque(fd.as_fd()).map_err(failed("mark opaque", &path))
    }

    pub fn make_file(
        &mut self,
        dir: &[u8],
        name: &[u8],
        member: &Member,
        archive: &mut Archive<'_>,
    ) -> Result<()> {
        let parent = self.parent(dir)?;
        let path = join(&parent.path, name);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || rustix::fs::openat(&parent.fd, name, flags, Mode::from_raw_mode(0o600));
        let file = self
            .create(&parent, name, create)
            .map_err(|error| error_of(error, "create file", &path))?;
        write_data(&file, member, archive, &path)?;
        self.skipped_xattrs += set_all(&file, &Attributes::of(member), self.created_as, &path)?;
        Ok(())
    }

    pub fn make_symlink(&mut self, dir: &[u8], name: &[u8], member: &Member) -> Result<()> {
        let parent = self.parent(dir)?;
        let path = join(&parent.path, name);
        if member.link.is_empty() || member.link.contains(&0) {
            return Err(corrupt(&path, "a symbolic link without a target"));
        }
        let create = || rustix::fs::symlinkat(member.link.as_slice(), &parent.fd, name);
        self.create(&parent, name, create)
            .map_err(|error| error_of(error, "create symlink", &path))?;
        set_node(&parent.fd, name, member, None, &path)
    }

    /// Devices that only the initial user namespace's root may make are counted and left out: a step has a /dev of its own.
    pub fn make_node(&mut self, dir: &[u8], name: &[u8], member: &Member) -> Result<()> {
        let parent = self.parent(dir)?;
        let path = join(&parent.path, name);
        let kind = match member.kind {
            MemberKind::CharDevice => FileType::CharacterDevice,
            MemberKind::BlockDevice => FileType::BlockDevice,
            _ => FileType::Fifo,
        };
        let device = libc::makedev(member.device.0, member.device.1);
        let create = || rustix::fs::mknodat(&parent.fd, name, kind, Mode::from_raw_mode(0o600), device);
        match self.create(&parent, name, create) {
            Err(Failure::Kernel(Errno::PERM)) if kind != FileType::Fifo => {
                self.skipped_devices += 1;
                return Ok(());
            }
            done => done.map_err(|error| error_of(error, "create device", &path))?,
        }
        set_node(&parent.fd, name, member, Some(member.mode), &path)
    }

    /// link(2) takes a symbolic link as itself, so the last component is never followed.
    pub fn make_link(&mut self, dir: &[u8], name: &[u8], link_dir: &[u8], link_name: &[u8]) -> Result<()> {
        let parent = self.parent(dir)?;
        let path = join(&parent.path, name);
        let missing = || corrupt(&path, "a hard link to what is not in this layer");
        let source = self.resolve(link_dir, false)?.ok_or_else(missing)?;
        let stat = lstat_if_there(&source.fd, link_name).map_err(failed("link", &path))?;
        let stat = stat
            .filter(|stat| !overlay::is_whiteout(stat))
            .ok_or_else(missing)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return Err(corrupt(&path, "a hard link to a directory"));
        }
        if join(&source.path, link_name) == path {
            return Ok(());
        }
        let create = || rustix::fs::linkat(&source.fd, link_name, &parent.fd, name, AtFlags::empty());
        self.create(&parent, name, create)
            .map_err(|error| error_of(error, "link", &path))
    }

    /// The same, every directory at one time.
    pub fn finish_at(&mut self, seconds: i64) -> Result<()> {
        let directories = std::mem::take(&mut self.directories);
        self.directories = directories
            .into_iter()
            .map(|(path, given)| (path, given.at(seconds)))
            .collect();
        self.finish()
    }

    /// Gives directories their attributes, the deepest first.
    pub fn finish(&mut self) -> Result<()> {
        self.last = None;
        let directories = std::mem::take(&mut self.directories);
        self.implied_directories = directories.values().filter(|given| given.is_implied).count() as i64;
        for (path, given) in directories.iter().rev() {
            let fd = open_dir_beneath(self.root.as_fd(), path).map_err(failed("finish directory", path))?;
            self.skipped_xattrs += set_all(&fd, given, None, path)?;
        }
        Ok(())
    }

    /// Does `make`, after removing what stands in its way: the last entry of a name wins.
    fn create<T>(
        &mut self,
        parent: &Parent,
        name: &[u8],
        make: impl Fn() -> rustix::io::Result<T>,
    ) -> std::result::Result<T, Failure> {
        match make() {
            Err(Errno::EXIST) => {
                self.remove(parent, name).map_err(Failure::Ours)?;
                make().map_err(Failure::Kernel)
            }
            done => done.map_err(Failure::Kernel),
        }
    }

    /// The directory kept open may have been found through what goes.
    fn remove(&mut self, parent: &Parent, name: &[u8]) -> Result<()> {
        self.last = None;
        let path = join(&parent.path, name);
        match rustix::fs::unlinkat(&parent.fd, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => {
                self.forget(&path);
                remove_tree(&parent.fd, name).map_err(failed("replace directory", &path))
            }
            done => done.map_err(failed("replace", &path)),
        }
    }

    /// A removed directory and those in it get no attributes.
    fn forget(&mut self, path: &[u8]) {
        self.directories.remove(path);
        // Everything that begins with `path/`; `0` is the byte after the slash.
        let (first, after) = ([path, b"/"].concat(), [path, b"0"].concat());
        let inside: Vec<Vec<u8>> = self
            .directories
            .range(first..after)
            .map(|(path, _)| path.clone())
            .collect();
        inside.iter().for_each(|path| drop(self.directories.remove(path)));
    }

    fn parent(&mut self, dir: &[u8]) -> Result<Arc<Parent>> {
        if let Some((last, parent)) = &self.last
            && last == dir
        {
            return Ok(Arc::clone(parent));
        }
        let parent = self
            .resolve(dir, true)?
            .ok_or_else(|| corrupt(dir, "a directory that went away"))?;
        self.keep_time(&parent)?;
        self.last = Some((dir.to_vec(), Arc::clone(&parent)));
        Ok(parent)
    }
}

enum Failure {
    Kernel(Errno),
    Ours(Error),
}

fn error_of(failure: Failure, step: &'static str, path: &[u8]) -> Error {
    match failure {
        Failure::Kernel(errno) => failed(step, path)(errno),
        Failure::Ours(error) => error,
    }
}

pub(super) fn mkdir(parent: &Parent, name: &[u8]) -> Result<()> {
    let path = join(&parent.path, name);
    rustix::fs::mkdirat(&parent.fd, name, Mode::from_raw_mode(0o700))
        .map_err(failed("create directory", &path))
}

fn write_data(file: &OwnedFd, member: &Member, archive: &mut Archive<'_>, path: &[u8]) -> Result<()> {
    let Some(map) = &member.sparse else {
        return archive.copy(member.stored, |bytes| write_all(file, bytes, path));
    };
    rustix::fs::ftruncate(file, map.size).map_err(failed("write file", path))?;
    for (offset, len) in &map.pieces {
        rustix::fs::seek(file, rustix::fs::SeekFrom::Start(*offset)).map_err(failed("write file", path))?;
        archive.copy(*len, |bytes| write_all(file, bytes, path))?;
    }
    Ok(())
}

fn write_all(file: &OwnedFd, mut bytes: &[u8], path: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(len) => bytes = &bytes[len..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(failed("write file", path)(errno)),
        }
    }
    Ok(())
}

/// Depth is bounded by the longest path: 2048 directories.
fn remove_tree(parent: &OwnedFd, name: &[u8]) -> rustix::io::Result<()> {
    let dir = open_dir_beneath(parent.as_fd(), name)?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(&dir)? {
        names.push(entry?.file_name().to_owned());
    }
    for name in names
        .iter()
        .map(|name| name.to_bytes())
        .filter(|name| !matches!(*name, b"." | b".."))
    {
        match rustix::fs::unlinkat(&dir, name, AtFlags::empty()) {
            Err(Errno::ISDIR) => remove_tree(&dir, name)?,
            done => done?,
        }
    }
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)
}

pub(super) fn corrupt(path: &[u8], message: &str) -> Error {
    Error::new("LAYER_CORRUPT", "unpack", message).with_subject(lossy(path))
}
