//! A file of a root read straight from its layers, without a mount, where that is sure to show what the overlay would.
//!
//! The topmost layer that has the file decides, as long as nothing above it is more than a plain directory. Whiteouts,
//! opaque directories, symbolic links and whatever else overlayfs gives a meaning to are left to overlayfs.

use std::ffi::CStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, flistxattr, fstat, openat, openat2};
use rustix::io::Errno;

use super::rootfs::Layers;

/// What could be told of a file.
pub enum Direct {
    Content(Vec<u8>),
    /// No layer has it.
    Missing,
    /// Only the overlay knows.
    Unsure,
}

/// The file `directory/name`, both single names, of at most `max_bytes`.
pub fn read(layers: &Layers, directory: &CStr, name: &CStr, max_bytes: u64) -> Direct {
    for layer in layers.lowers.iter().chain(&layers.upper).rev() {
        match read_layer(layer, directory, name, max_bytes) {
            Ok(Direct::Missing) => {}
            Ok(found) => return found,
            // Errors are reported by the way that can name them.
            Err(_) => return Direct::Unsure,
        }
    }
    Direct::Missing
}

fn read_layer(layer: &str, directory: &CStr, name: &CStr, max_bytes: u64) -> rustix::io::Result<Direct> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, layer, flags, Mode::empty())?;
    let Some(directory) = open_plain(&root, directory, flags)? else {
        return Ok(if has_overlay_meaning(&root)? {
            Direct::Unsure
        } else {
            Direct::Missing
        });
    };
    let Some(file) = open_plain(&directory, name, OFlags::RDONLY | OFlags::CLOEXEC)? else {
        let is_unsure = has_overlay_meaning(&directory)? || has_overlay_meaning(&root)?;
        return Ok(if is_unsure {
            Direct::Unsure
        } else {
            Direct::Missing
        });
    };
    if has_overlay_meaning(&file)? {
        return Ok(Direct::Unsure);
    }
    content(file, max_bytes)
}

/// `None` when it is missing. What is not of the kind asked for is an error, a symbolic link too, and never opened.
fn open_plain(at: &OwnedFd, name: &CStr, flags: OFlags) -> rustix::io::Result<Option<OwnedFd>> {
    // An overlay shows nothing that is mounted inside a layer.
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
    let look = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = match openat2(at, name, look, Mode::empty(), resolve) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let is_directory = flags.contains(OFlags::DIRECTORY);
    match FileType::from_raw_mode(fstat(&found)?.st_mode) {
        FileType::Directory if is_directory => {}
        FileType::RegularFile if !is_directory => {}
        _ => return Err(Errno::INVAL),
    }
    // Were it exchanged for a FIFO meanwhile, this would not wait for it.
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    openat2(at, name, flags, Mode::empty(), resolve).map(Some)
}

/// overlayfs.rst: opaque directories, redirects, metadata-only copies and xattr whiteouts are marked by
/// `trusted.overlay.*`, or `user.overlay.*`.
fn has_overlay_meaning(of: &OwnedFd) -> rustix::io::Result<bool> {
    const MOST_NAMES: usize = 64 << 10;
    let mut names = [0u8; 256];
    match flistxattr(of, &mut names) {
        Ok(length) => Ok(marks(&names[..length])),
        Err(Errno::OPNOTSUPP) => Ok(false),
        Err(Errno::RANGE) => {
            let mut names = vec![0u8; MOST_NAMES];
            let length = flistxattr(of, &mut names)?;
            Ok(marks(&names[..length]))
        }
        Err(error) => Err(error),
    }
}

fn marks(names: &[u8]) -> bool {
    let is_mark = |name: &[u8]| name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.");
    names.split(|byte| *byte == 0).any(is_mark)
}

fn content(file: OwnedFd, max_bytes: u64) -> rustix::io::Result<Direct> {
    let stat = fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(Direct::Unsure);
    }
    let mut bytes = Vec::new();
    let read = File::from(file).take(max_bytes + 1).read_to_end(&mut bytes);
    let is_whole = read.is_ok_and(|length| length as u64 <= max_bytes);
    Ok(if is_whole {
        Direct::Content(bytes)
    } else {
        Direct::Unsure
    })
}
