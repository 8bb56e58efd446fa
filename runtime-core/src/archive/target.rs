//! The directory a layer is unpacked into. Nothing outside it is ever opened, whatever the layer says:
//! parents are resolved component by component inside it, and opened by openat2(2) through no symbolic link.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps, XattrFlags};
use rustix::io::Errno;

use super::lower::{Lowers, look_up};
use super::member::{Archive, Member, MemberKind};
use super::overlay;
use super::sys::{failed, join, lossy, lstat, lstat_if_there, open_dir_beneath, open_root};
use super::xattr::Xattrs;
use crate::error::{Error, Result};

/// path_resolution(7): as many links as the kernel follows.
const MAX_LINKS: u32 = 40;

pub struct Target {
    root: OwnedFd,
    lowers: Lowers,
    /// What directories get at the end: times change while they are filled, modes may forbid filling them.
    directories: BTreeMap<Vec<u8>, Attributes>,
    last: Option<(Vec<u8>, Arc<Parent>)>,
    /// What a new file belongs to, where that is certain.
    created_as: Option<(u32, u32)>,
    /// The layer says what the root itself is like.
    pub has_root: bool,
    /// Directories that the layer only mentioned: how they look depends on the lowers.
    pub implied_directories: i64,
    pub skipped_devices: i64,
    pub skipped_xattrs: i64,
}

/// An open directory of the target, and its path without symbolic links.
struct Parent {
    path: Vec<u8>,
    fd: OwnedFd,
}

struct Attributes {
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: (i64, u32),
    xattrs: Xattrs,
}

impl Attributes {
    fn of(member: &Member) -> Self {
        let Member {
            mode,
            uid,
            gid,
            mtime,
            ref xattrs,
            ..
        } = *member;
        Self {
            mode,
            uid,
            gid,
            mtime,
            xattrs: xattrs.clone(),
        }
    }
}

impl Target {
    /// `lowers` say what a directory is like that the layer only mentions in a path.
    pub fn open(path: &str, lowers: Lowers) -> Result<Self> {
        let root = open_root(path, "open target")?;
        let stat = rustix::fs::fstat(&root).map_err(failed("open target", path.as_bytes()))?;
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
        match existing.map(|stat| (FileType::from_raw_mode(stat.st_mode), overlay::is_whiteout(&stat))) {
            Some((FileType::Directory, _)) => {}
            Some((_, was_hidden)) => self.replace_by_directory(&parent, name, was_hidden)?,
            None => mkdir(&parent, name)?,
        }
        self.directories.insert(path, Attributes::of(member));
        Ok(())
    }

    /// A directory in place of a whiteout shows nothing of the one below.
    fn replace_by_directory(&mut self, parent: &Parent, name: &[u8], was_hidden: bool) -> Result<()> {
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
        self.set_file_attributes(&file, member, &path)
    }

    /// The owner first: chown(2) takes set-id bits and capabilities away.
    fn set_file_attributes(&mut self, file: &OwnedFd, member: &Member, path: &[u8]) -> Result<()> {
        if self.created_as != Some((member.uid, member.gid)) {
            let (uid, gid) = owner(member.uid, member.gid);
            rustix::fs::fchown(file, uid, gid).map_err(failed("set owner", path))?;
        }
        rustix::fs::fchmod(file, Mode::from_raw_mode(member.mode)).map_err(failed("set mode", path))?;
        self.set_xattrs(file, &member.xattrs, path)?;
        rustix::fs::futimens(file, &times(member.mtime)).map_err(failed("set times", path))
    }

    /// ACLs, labels and overlayfs's own attributes are not for a layer to set; where the filesystem or a want of
    /// privilege forbids the others they are counted.
    fn set_xattrs(&mut self, file: &OwnedFd, xattrs: &Xattrs, path: &[u8]) -> Result<()> {
        for (name, value) in xattrs {
            let is_user = name.starts_with(b"user.") && !overlay::is_overlay(name);
            if !is_user && name != b"security.capability" {
                continue;
            }
            match rustix::fs::fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
                Err(Errno::PERM | Errno::NOTSUP) => self.skipped_xattrs += 1,
                done => done.map_err(failed("set xattr", path))?,
            }
        }
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
        set_node_owner(&parent, name, member, &path)?;
        set_node_times(&parent, name, member, &path)
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
        set_node_owner(&parent, name, member, &path)?;
        let mode = Mode::from_raw_mode(member.mode);
        rustix::fs::chmodat(&parent.fd, name, mode, AtFlags::empty()).map_err(failed("set mode", &path))?;
        set_node_times(&parent, name, member, &path)
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

    /// Gives directories their attributes, the deepest first.
    pub fn finish(&mut self) -> Result<()> {
        self.last = None;
        for (path, attributes) in std::mem::take(&mut self.directories).iter().rev() {
            let fd = open_dir_beneath(self.root.as_fd(), path).map_err(failed("finish directory", path))?;
            let (uid, gid) = owner(attributes.uid, attributes.gid);
            rustix::fs::fchown(&fd, uid, gid).map_err(failed("set owner", path))?;
            let mode = Mode::from_raw_mode(attributes.mode);
            rustix::fs::fchmod(&fd, mode).map_err(failed("set mode", path))?;
            self.set_xattrs(&fd, &attributes.xattrs, path)?;
            rustix::fs::futimens(&fd, &times(attributes.mtime)).map_err(failed("set times", path))?;
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

    fn remove(&mut self, parent: &Parent, name: &[u8]) -> Result<()> {
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
        self.last = None;
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
        self.last = Some((dir.to_vec(), Arc::clone(&parent)));
        Ok(parent)
    }

    /// Opens the directory `dir`; what is missing of it is created, or makes it `None`.
    fn resolve(&mut self, dir: &[u8], create: bool) -> Result<Option<Arc<Parent>>> {
        match open_dir_beneath(self.root.as_fd(), dir) {
            Ok(fd) => {
                return Ok(Some(Arc::new(Parent {
                    path: dir.to_vec(),
                    fd,
                })));
            }
            Err(Errno::NOENT) if !create => return Ok(None),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => {}
            Err(errno) => return Err(failed("open directory", dir)(errno)),
        }
        self.resolve_slowly(dir, create)
    }

    /// Component by component, as if the target were the root of the filesystem: a symbolic link of this layer
    /// leads to where it would lead inside the image, never out of it. So containerd resolves them, too.
    fn resolve_slowly(&mut self, dir: &[u8], create: bool) -> Result<Option<Arc<Parent>>> {
        let root = open_dir_beneath(self.root.as_fd(), b"").map_err(failed("open directory", dir))?;
        let mut trail = vec![Arc::new(Parent {
            path: Vec::new(),
            fd: root,
        })];
        let mut parts: VecDeque<Vec<u8>> = components(dir);
        let mut links = 0;
        while let Some(part) = parts.pop_front() {
            let here = Arc::clone(&trail[trail.len() - 1]);
            if part == b".." {
                trail.truncate(1.max(trail.len() - 1));
                continue;
            }
            match self.step(&here, &part, create)? {
                Step::Missing => return Ok(None),
                Step::Directory(fd) => trail.push(Arc::new(Parent {
                    path: join(&here.path, &part),
                    fd,
                })),
                Step::Link(target) => {
                    links += 1;
                    if links > MAX_LINKS {
                        return Err(corrupt(dir, "too many symbolic links"));
                    }
                    if target.starts_with(b"/") {
                        trail.truncate(1);
                    }
                    components(&target)
                        .into_iter()
                        .rev()
                        .for_each(|part| parts.push_front(part));
                }
            }
        }
        Ok(trail.pop())
    }

    fn step(&mut self, here: &Parent, part: &[u8], create: bool) -> Result<Step> {
        let path = join(&here.path, part);
        let stat = lstat_if_there(&here.fd, part).map_err(failed("open directory", &path))?;
        let kind = stat.map(|stat| FileType::from_raw_mode(stat.st_mode));
        match (kind, stat) {
            (Some(FileType::Directory), _) => {}
            (Some(FileType::Symlink), _) => {
                let target =
                    rustix::fs::readlinkat(&here.fd, part, Vec::new()).map_err(failed("read link", &path))?;
                return Ok(Step::Link(target.into_bytes()));
            }
            (_, Some(stat)) if !overlay::is_whiteout(&stat) => return Err(corrupt(&path, "not a directory")),
            _ if !create => return Ok(Step::Missing),
            (_, hidden) => self.make_implied(here, part, hidden.is_some())?,
        }
        open_dir_beneath(here.fd.as_fd(), part)
            .map(Step::Directory)
            .map_err(failed("open directory", &path))
    }

    /// A directory that the layer only mentions is as the lower has it, else root's and 0755.
    fn make_implied(&mut self, here: &Parent, part: &[u8], was_hidden: bool) -> Result<()> {
        let path = join(&here.path, part);
        let mut attributes = Attributes {
            mode: 0o755,
            uid: 0,
            gid: 0,
            mtime: (0, 0),
            xattrs: Xattrs::new(),
        };
        if was_hidden {
            self.replace_by_directory(here, part, true)?;
        } else {
            mkdir(here, part)?;
            self.implied_directories += 1;
            let lower = look_up(&self.lowers, &path)?;
            if let Some(stat) =
                lower.filter(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
            {
                attributes.mode = stat.st_mode & 0o7777;
                (attributes.uid, attributes.gid) = (stat.st_uid, stat.st_gid);
                attributes.mtime = (stat.st_mtime, stat.st_mtime_nsec as u32);
            }
        }
        self.directories.insert(path, attributes);
        Ok(())
    }
}

enum Step {
    Directory(OwnedFd),
    Link(Vec<u8>),
    Missing,
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

fn components(path: &[u8]) -> VecDeque<Vec<u8>> {
    let parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !matches!(*part, b"" | b"."));
    parts.map(<[u8]>::to_vec).collect()
}

fn mkdir(parent: &Parent, name: &[u8]) -> Result<()> {
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

fn set_node_owner(parent: &Parent, name: &[u8], member: &Member, path: &[u8]) -> Result<()> {
    let (uid, gid) = owner(member.uid, member.gid);
    rustix::fs::chownat(&parent.fd, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(failed("set owner", path))
}

fn set_node_times(parent: &Parent, name: &[u8], member: &Member, path: &[u8]) -> Result<()> {
    rustix::fs::utimensat(&parent.fd, name, &times(member.mtime), AtFlags::SYMLINK_NOFOLLOW)
        .map_err(failed("set times", path))
}

fn owner(uid: u32, gid: u32) -> (Option<rustix::fs::Uid>, Option<rustix::fs::Gid>) {
    (
        Some(rustix::fs::Uid::from_raw(uid)),
        Some(rustix::fs::Gid::from_raw(gid)),
    )
}

fn times((tv_sec, nanos): (i64, u32)) -> Timestamps {
    let time = Timespec {
        tv_sec,
        tv_nsec: nanos.into(),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
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

fn corrupt(path: &[u8], message: &str) -> Error {
    Error::new("LAYER_CORRUPT", "unpack", message).with_subject(lossy(path))
}
