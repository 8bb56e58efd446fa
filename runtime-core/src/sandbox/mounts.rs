//! The step's own mounts, as the helper reads them.

use super::encode::{MAX_LOWERS, Writer, directory};
use super::request::{SandboxLayers, SandboxMount};
use super::wire;
use crate::error::{Error, Result};

/// Whether it is between two absolute paths, and says what it shows.
pub fn is_plain(mount: &SandboxMount) -> bool {
    let source = match (&mount.bind, &mount.layers) {
        (Some(path), None) => path.starts_with('/'),
        (None, Some(layers)) => is_path(&layers.path) && layers.lowers.len() <= MAX_LOWERS,
        (None, None) => mount.tmpfs.is_some() != mount.file.is_some(),
        (Some(_), Some(_)) => false,
    };
    source && is_path(&mount.target) && !mount.target.trim_matches('/').is_empty()
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && !path.split('/').any(|part| part == "..")
}

/// With the real paths of its layers.
pub fn resolve(mount: &SandboxMount) -> Result<SandboxMount> {
    let Some(layers) = &mount.layers else {
        return Ok(mount.clone());
    };
    let real = SandboxLayers {
        lowers: layers
            .lowers
            .iter()
            .map(|path| directory(path))
            .collect::<Result<_>>()?,
        upper: layers.upper.as_deref().map(directory).transpose()?,
        work: layers.work.as_deref().map(directory).transpose()?,
        path: layers.path.clone(),
    };
    Ok(SandboxMount {
        layers: Some(real),
        ..mount.clone()
    })
}

/// `init/src/spec.rs` has the reader.
pub fn write(spec: &mut Writer, mounts: &[SandboxMount]) -> Result<()> {
    spec.word(mounts.len() as u32);
    for mount in mounts {
        spec.word(kind(mount));
        spec.word(u32::from(mount.readonly));
        spec.string("mount", &mount.target)?;
        write_source(spec, mount)?;
    }
    Ok(())
}

fn kind(mount: &SandboxMount) -> u32 {
    if mount.bind.is_some() {
        wire::MOUNT_BIND
    } else if mount.layers.is_some() {
        wire::MOUNT_LAYERS
    } else if mount.file.is_some() {
        wire::MOUNT_FILE
    } else {
        wire::MOUNT_TMPFS
    }
}

fn write_source(spec: &mut Writer, mount: &SandboxMount) -> Result<()> {
    if let Some(path) = &mount.bind {
        spec.string("mount", path)?;
    } else if let Some(layers) = &mount.layers {
        spec.strings("mount", layers.lowers.iter().map(String::as_str))?;
        spec.string("mount", layers.upper.as_deref().unwrap_or(""))?;
        spec.string("mount", layers.work.as_deref().unwrap_or(""))?;
        spec.string("mount", &layers.path)?;
    } else if let Some(file) = &mount.file {
        for word in [file.uid, file.gid, file.mode & 0o7777] {
            spec.word(word);
        }
        spec.bytes(&file.content);
    } else {
        spec.string("mount", &size(mount)?)?;
    }
    Ok(())
}

/// tmpfs(5), `size`: at least one page, since 0 is no limit there.
fn size(mount: &SandboxMount) -> Result<String> {
    let Some(bytes) = mount.tmpfs.as_ref().and_then(|tmpfs| tmpfs.size_bytes) else {
        return Ok(String::new());
    };
    const LARGEST_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
    if (1.0..=LARGEST_SAFE_INTEGER).contains(&bytes) {
        return Ok(format!("{}", bytes as u64));
    }
    let problem = format!("{bytes} is not a possible size of a tmpfs");
    Err(Error::new("SANDBOX_INVALID_SPEC", "read spec", problem).with_subject(&*mount.target))
}
