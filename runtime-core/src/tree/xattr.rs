//! Extended attributes that a copy keeps, and that therefore count in a digest.

use std::os::fd::AsFd;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, flistxattr_query, fsetxattr};
use rustix::io::Errno;

use super::path::display;
use crate::error::{Error, Result};

/// capabilities(7), "File capabilities"
const CAPABILITY: &[u8] = b"security.capability";
/// xattr(7): XATTR_SIZE_MAX, XATTR_LIST_MAX.
const MAX_BYTES: usize = 64 << 10;

/// Sorted by name.
pub type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Which attributes of a source are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A local context: `user.*` there is the desktop's and the browser's, and differs between machines.
    Capability,
    /// A root: `user.*` too. ACLs, labels and overlayfs's own stay behind.
    CapabilityAndUser,
}

/// The attributes of an open file or directory.
pub fn read(file: &impl AsFd, scope: Scope) -> Result<Xattrs> {
    if scope == Scope::Capability {
        return Ok(value(file, CAPABILITY)?
            .map(|value| vec![(CAPABILITY.to_vec(), value)])
            .unwrap_or_default());
    }
    let mut names = kept_names(file)?;
    names.sort_unstable();
    let mut xattrs = Vec::new();
    for name in names {
        if let Some(value) = value(file, &name)? {
            xattrs.push((name, value));
        }
    }
    Ok(xattrs)
}

pub fn write(file: &impl AsFd, xattrs: &Xattrs) -> Result<()> {
    for (name, value) in xattrs {
        fsetxattr(file, name.as_slice(), value, XattrFlags::empty())
            .map_err(|error| Error::io("set xattr", display(name), &error.into()))?;
    }
    Ok(())
}

fn kept_names(file: &impl AsFd) -> Result<Vec<Vec<u8>>> {
    if let Ok(0) | Err(Errno::OPNOTSUPP) = flistxattr_query(file) {
        return Ok(Vec::new());
    }
    let mut list = vec![0; MAX_BYTES];
    let length =
        flistxattr(file, &mut list[..]).map_err(|error| Error::io("list xattrs", "", &error.into()))?;
    let names = list[..length].split(|byte| *byte == 0);
    Ok(names.filter(|name| is_kept(name)).map(<[u8]>::to_vec).collect())
}

fn is_kept(name: &[u8]) -> bool {
    name == CAPABILITY || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

fn value(file: &impl AsFd, name: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut small = [0; 256];
    let failed = |error: Errno| Error::io("get xattr", display(name), &error.into());
    match fgetxattr(file, name, &mut small[..]) {
        Ok(length) => return Ok(Some(small[..length].to_vec())),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
        Err(Errno::RANGE) => {}
        Err(error) => return Err(failed(error)),
    }
    let mut large = vec![0; MAX_BYTES];
    let length = fgetxattr(file, name, &mut large[..]).map_err(failed)?;
    large.truncate(length);
    Ok(Some(large))
}
