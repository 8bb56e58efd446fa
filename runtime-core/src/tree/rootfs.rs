//! Opening a root: a directory as it is, or the overlay of several that only this thread can reach.

use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::thread::Isolation;
use crate::error::{Error, Result};
use crate::plain;
use crate::task::CancelFlag;

/// The layers of a root, lowest first, and where it is written.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    pub lowers: Vec<String>,
    pub upper: Option<String>,
    pub work: Option<String>,
    /// Nothing can be mounted: what several layers show is made of plain files, in this directory.
    pub trees: Option<String>,
}

impl Layers {
    /// A single directory needs no overlay.
    pub fn isolation(&self) -> Isolation {
        let stacked = self.lowers.len() + usize::from(self.upper.is_some());
        if stacked > 1 && self.trees.is_none() {
            Isolation::Mounts
        } else {
            Isolation::Stack
        }
    }
}

/// An open root. Dropping it tears the overlay down.
pub struct Rootfs {
    /// `None`: an empty root.
    directory: Option<Arc<OwnedFd>>,
    /// overlayfs's own directory, when the mount was volatile.
    volatile_work: Option<OwnedFd>,
    plain: Option<Plain>,
}

/// What keeps a plain tree.
enum Plain {
    Read { _tree: plain::Shared },
    Written { tree: plain::Held, upper: String },
}

impl Rootfs {
    /// To read only: an upper counts as the topmost lower, and nothing is left in its work directory.
    pub fn view(layers: &Layers) -> Result<Self> {
        let lowers = layers.lowers.iter().chain(&layers.upper).cloned().collect();
        Self::open(&Layers {
            lowers,
            trees: layers.trees.clone(),
            ..Layers::default()
        })
    }

    /// Call on a thread with `layers.isolation()`.
    pub fn open(layers: &Layers) -> Result<Self> {
        match (&layers.upper, layers.lowers.as_slice()) {
            (None, []) => Ok(Self {
                directory: None,
                volatile_work: None,
                plain: None,
            }),
            (Some(only), []) | (None, [only]) => Ok(Self {
                directory: Some(Arc::new(open_layer(only)?)),
                volatile_work: None,
                plain: None,
            }),
            _ => match &layers.trees {
                Some(trees) => open_plain(layers, trees),
                None => mount_overlay(layers),
            },
        }
    }

    /// After the last change. An overlay has written it to the upper as it was made.
    pub fn settle(mut self, cancel: &CancelFlag) -> Result<()> {
        match self.plain.take() {
            Some(Plain::Written { tree, upper }) => tree.commit(&upper, cancel),
            _ => Ok(()),
        }
    }

    /// `None`: an empty root.
    pub fn directory(&self) -> Option<&Arc<OwnedFd>> {
        self.directory.as_ref()
    }
}

impl Drop for Rootfs {
    fn drop(&mut self) {
        // The last descriptor holds the overlay; overlayfs forgets its upper when it goes.
        self.directory = None;
        if let Some(work) = &self.volatile_work {
            forget_volatile(work);
        }
    }
}

/// overlayfs.rst, "Volatile mount": the marker stops the next mount of the same upper and work, which the sandbox does.
/// It guards against a crash of the machine, and what was unfinished then is thrown away anyway.
fn forget_volatile(work: &OwnedFd) {
    let _ = unlinkat(work, "work/incompat/volatile/dirty", AtFlags::empty());
    for directory in ["work/incompat/volatile", "work/incompat"] {
        let _ = unlinkat(work, directory, AtFlags::REMOVEDIR);
    }
}

fn open_plain(layers: &Layers, trees: &str) -> Result<Rootfs> {
    let cancel = CancelFlag::default();
    let (directory, plain) = match &layers.upper {
        Some(upper) => {
            let tree = plain::take(trees, &layers.lowers, &cancel)?;
            let upper = upper.clone();
            (tree.root().clone(), Plain::Written { tree, upper })
        }
        None => {
            let tree = plain::share(trees, &layers.lowers, &cancel)?;
            (tree.root().clone(), Plain::Read { _tree: tree })
        }
    };
    Ok(Rootfs {
        directory: Some(directory),
        volatile_work: None,
        plain: Some(plain),
    })
}

fn open_layer(path: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).map_err(|error| {
        let mut error = Error::io("open root", path, &error.into());
        if error.code == "NOT_FOUND" {
            error.code = "ROOTFS_NOT_FOUND";
        }
        error
    })
}

fn mount_overlay(layers: &Layers) -> Result<Rootfs> {
    // Opened here, in this thread's namespace: overlayfs clones only mounts of the caller's own.
    let lowers = layers
        .lowers
        .iter()
        .map(|path| open_layer(path))
        .collect::<Result<Vec<_>>>()?;
    let upper = layers.upper.as_deref().map(open_layer).transpose()?;
    let work = layers.work.as_deref().map(open_layer).transpose()?;
    let writable = match (&upper, &work) {
        (Some(upper), Some(work)) => Some((upper, work)),
        (None, None) => None,
        _ => {
            return Err(Error::new(
                "INVALID_ROOTFS",
                "mount overlay",
                "upper and work go together",
            ));
        }
    };
    let options = overlay_options(&lowers, writable);
    // The directory that the overlay covers for a moment, and only in this namespace.
    let target = layers
        .upper
        .as_ref()
        .or(layers.lowers.last())
        .expect("more than one layer");
    let directory = mount_and_detach(target, &options, writable.is_some())?;
    Ok(Rootfs {
        directory: Some(Arc::new(directory)),
        volatile_work: if writable.is_some() { work } else { None },
        plain: None,
    })
}

/// Layers are named by their descriptors, relative to /proc/self/fd: hundreds of them fit into the one page that
/// mount(2) takes, whatever their paths hold.
fn overlay_options(lowers: &[OwnedFd], writable: Option<(&OwnedFd, &OwnedFd)>) -> String {
    let numbers: Vec<_> = lowers.iter().rev().map(|fd| fd.as_raw_fd().to_string()).collect();
    let mut options = format!("lowerdir={}", numbers.join(":"));
    if let Some((upper, work)) = writable {
        options += &format!(
            ",upperdir={},workdir={},volatile",
            upper.as_raw_fd(),
            work.as_raw_fd()
        );
    }
    // An upper is a layer by itself: nothing in it may point into the layers below.
    options += ",redirect_dir=nofollow,metacopy=off,index=off,xino=off";
    if !is_initial_user_namespace() {
        options += ",userxattr";
    }
    options
}

fn mount_and_detach(target: &str, options: &str, writable: bool) -> Result<OwnedFd> {
    let failed = |step: &str, error: rustix::io::Errno| Error::io(step, target, &error.into());
    let data = CString::new(options).expect("digits and words");
    let access = if writable {
        MountFlags::empty()
    } else {
        MountFlags::RDONLY
    };
    let flags = access | MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC | MountFlags::NOATIME;
    rustix::process::chdir("/proc/self/fd").map_err(|error| failed("open /proc/self/fd", error))?;
    let mounted = mount("overlay", target, "overlay", flags, data.as_c_str());
    rustix::process::chdir("/").map_err(|error| failed("leave /proc/self/fd", error))?;
    mounted.map_err(|error| failed("mount overlay", error))?;
    let directory = open_layer(target)?;
    // umount(2) MNT_DETACH: it lives on through its descriptors and is in nobody's way.
    unmount(target, UnmountFlags::DETACH).map_err(|error| failed("detach overlay", error))?;
    Ok(directory)
}

/// user_namespaces(7): the initial one maps every id to itself.
pub fn is_initial_user_namespace() -> bool {
    let Ok(map) = std::fs::read_to_string("/proc/self/uid_map") else {
        return true;
    };
    map.split_whitespace().eq(["0", "0", "4294967295"])
}
