//! What a step finds in its root beside the image: /dev, name resolution, and its own mounts, each as files put there.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, RenameFlags, Uid, fchmod, fchown, fstat, linkat, mkdirat,
    openat, renameat_with,
};
use rustix::io::Errno;

use super::cover::{After, Covers};
use super::locate::{find, path_of};
use super::merge::{Links, merge};
use super::{devices, node, pool};
use crate::archive::lower::Lowers;
use crate::archive::sys::{failed, open_dir_beneath, open_root};
use crate::error::{Error, Result};
use crate::sandbox::{SandboxFile, SandboxLayers, SandboxMount, SandboxRequest};
use crate::task::CancelFlag;
use crate::tree::content::{Content, write_all};

use std::os::fd::AsFd;

/// Puts everything in place. What was put is taken away by `covers`, also when this fails.
pub fn furnish(request: &SandboxRequest, trees: &str, covers: &mut Covers) -> Result<()> {
    covers.put("/dev", After::Remove, |parent, name| {
        make_directory(parent, name, 0o755)?;
        devices::fill(&open_dir_beneath(parent.as_fd(), name).map_err(failed("/dev", name))?)
    })?;
    for place in ["/proc", "/sys"] {
        covers.put(place, After::Remove, |parent, name| {
            make_directory(parent, name, 0o555)
        })?;
    }
    for (path, text) in [
        ("/etc/hosts", &request.hosts),
        ("/etc/resolv.conf", &request.resolv_conf),
    ] {
        let file = SandboxFile {
            content: text.as_bytes().to_vec(),
            mode: 0o644,
            ..SandboxFile::default()
        };
        covers.put(path, After::Remove, |parent, name| make_file(parent, name, &file))?;
    }
    for mount in &request.mounts {
        place(mount, trees, covers)?;
    }
    Ok(())
}

fn place(mount: &SandboxMount, trees: &str, covers: &mut Covers) -> Result<()> {
    let target = &mount.target;
    if let Some(source) = &mount.bind {
        return bind(Path::new(source), mount, covers);
    }
    if let Some(file) = &mount.file {
        return covers.put(target, After::Erase, |parent, name| make_file(parent, name, file));
    }
    if let Some(layers) = &mount.layers {
        return covers.put(target, After::Remove, |parent, name| {
            copy_layers(layers, trees, parent, name)
        });
    }
    if mount
        .tmpfs
        .as_ref()
        .is_some_and(|tmpfs| tmpfs.size_bytes.is_some())
    {
        let message = "chroot isolation has no tmpfs, and cannot bound the size of a directory";
        return Err(Error::new("SANDBOX_LIMIT_UNSUPPORTED", "tmpfs", message).with_subject(target));
    }
    covers.put(target, After::Remove, |parent, name| {
        make_directory(parent, name, 0o1777)
    })
}

/// A directory that may be written is moved to its target, and back: a cache, whose lock nobody else has. What is only read is
/// copied. A socket gets a second name, under which it answers too.
fn bind(source: &Path, mount: &SandboxMount, covers: &mut Covers) -> Result<()> {
    let subject = source.display().to_string();
    let failed = |errno| failed("mount source", subject.as_bytes())(errno);
    let metadata =
        std::fs::symlink_metadata(source).map_err(|error| Error::io("mount source", &*subject, &error))?;
    if metadata.is_dir() && !mount.readonly {
        let back = After::GiveBack(source.to_path_buf());
        return covers.put(&mount.target, back, |parent, name| {
            renameat_with(CWD, source, parent, name, RenameFlags::NOREPLACE).map_err(failed)
        });
    }
    covers.put(&mount.target, After::Remove, |parent, name| {
        if metadata.is_dir() || metadata.is_file() {
            return copy(source, parent, name);
        }
        linkat(CWD, source, parent, name, AtFlags::empty()).map_err(failed)
    })
}

fn copy_layers(layers: &SandboxLayers, trees: &str, parent: &OwnedFd, name: &[u8]) -> Result<()> {
    let lowers: Vec<String> = layers.lowers.iter().chain(&layers.upper).cloned().collect();
    let shared = match lowers.as_slice() {
        [] => return make_directory(parent, name, 0o755),
        [only] => Err(PathBuf::from(only)),
        _ => Ok(pool::share(trees, &lowers, &CancelFlag::default())?),
    };
    let root = match &shared {
        Ok(shared) => shared.path(),
        Err(only) => only.clone(),
    };
    let root = open_root(&root.display().to_string(), "mount source")?;
    let path = layers.path.trim_matches('/').as_bytes();
    let found = find(&root, path, OFlags::PATH).map_err(failed("mount source", layers.path.as_bytes()))?;
    let source = path_of(&found).ok_or_else(|| failed("mount source", path)(Errno::NOENT))?;
    copy(&source, parent, name)
}

/// Copies a directory with all that is in it, or a file.
fn copy(source: &Path, parent: &OwnedFd, name: &[u8]) -> Result<()> {
    let cancel = CancelFlag::default();
    let subject = source.as_os_str().as_encoded_bytes();
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = openat(CWD, source, flags, Mode::empty()).map_err(failed("mount source", subject))?;
    let stat = fstat(&found).map_err(failed("mount source", subject))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        make_directory(parent, name, 0o700)?;
        let to = open_dir_beneath(parent.as_fd(), name).map_err(failed("mount point", name))?;
        let path = source
            .to_str()
            .ok_or_else(|| failed("mount source", subject)(Errno::ILSEQ))?;
        return merge(&Lowers::open(&[path.to_owned()])?, &to, Links::Kept, &cancel).map(drop);
    }
    let (Some(from), Some(last)) = (source.parent(), source.file_name()) else {
        return Err(failed("mount source", subject)(Errno::INVAL));
    };
    let from = open_root(&from.display().to_string(), "mount source")?;
    let from = (&from, last.as_encoded_bytes());
    node::copy(from, (parent, name), &stat, subject, &mut Content::new(&cancel))
}

fn make_directory(parent: &OwnedFd, name: &[u8], mode: u32) -> Result<()> {
    let failed = |errno| failed("mount point", name)(errno);
    mkdirat(parent, name, Mode::from_raw_mode(0o700)).map_err(failed)?;
    let made = open_dir_beneath(parent.as_fd(), name).map_err(failed)?;
    fchmod(&made, Mode::from_raw_mode(mode)).map_err(failed)
}

fn make_file(parent: &OwnedFd, name: &[u8], file: &SandboxFile) -> Result<()> {
    let failed = |errno| failed("mount point", name)(errno);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = openat(parent, name, flags, Mode::from_raw_mode(0o600)).map_err(failed)?;
    write_all(&made, name, &file.content)?;
    fchown(
        &made,
        Some(Uid::from_raw(file.uid)),
        Some(Gid::from_raw(file.gid)),
    )
    .and_then(|()| fchmod(&made, Mode::from_raw_mode(file.mode)))
    .map_err(failed)
}
