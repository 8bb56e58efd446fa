//! The file of an index: a magic line, the records, and a sha256 of both. One that is damaged, cut off, of another format or
//! of another user counts as missing: what it would have known is read again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::record::{RECORD_BYTES, Record};
use crate::error::{Error, Result};

/// Names the format.
const MAGIC: &[u8] = b"tsbuild stat index 1\n\0\0\0";
const CHECKSUM_BYTES: usize = 32;

/// At most `max` records, sorted by identity as they were written.
pub fn read(path: &Path, max: usize) -> Vec<Record> {
    read_bytes(path, max)
        .ok()
        .and_then(|bytes| parse(&bytes))
        .unwrap_or_default()
}

fn read_bytes(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    let size = own_size(&file)?;
    if size > (MAGIC.len() + max * RECORD_BYTES + CHECKSUM_BYTES) as u64 {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(size as usize + 1);
    (&mut file).take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Of a regular file that only this user can have written.
fn own_size(file: &File) -> io::Result<u64> {
    let stat = file.metadata()?;
    let is_own = stat.uid() == rustix::process::geteuid().as_raw() && stat.mode() & 0o022 == 0;
    if stat.is_file() && is_own {
        Ok(stat.len())
    } else {
        Err(io::ErrorKind::PermissionDenied.into())
    }
}

fn parse(bytes: &[u8]) -> Option<Vec<Record>> {
    let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
    let records = content.strip_prefix(MAGIC)?;
    let (records, rest) = records.as_chunks::<RECORD_BYTES>();
    if !rest.is_empty() || Sha256::digest(content)[..] != *checksum {
        return None;
    }
    Some(records.iter().map(Record::parse).collect())
}

/// By temp and rename, for this user alone. No fsync: after a crash the checksum tells.
pub fn write(path: &Path, temporary: &str, records: &[Record]) -> Result<()> {
    let written = create(temporary, &encode(records)).and_then(|()| fs::rename(temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(temporary);
        Error::io("write stat index", path.display().to_string(), &error)
    })
}

fn create(path: &str, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(bytes)
}

fn encode(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAGIC.len() + records.len() * RECORD_BYTES + CHECKSUM_BYTES);
    bytes.extend(MAGIC);
    for record in records {
        record.append_to(&mut bytes);
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    bytes
}
