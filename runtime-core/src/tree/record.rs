//! The canonical records that a content digest is made of.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::meta::{Kind, Meta};
use super::xattr::Xattrs;

/// Names the format: a change of it changes every digest.
const FORMAT: &[u8] = b"tsbuild.selection.v1";

/// One entry, as a copy brings it.
pub struct Record {
    /// Relative to the destination.
    name: Vec<u8>,
    kind: Kind,
    mode: u32,
    owner: (u32, u32),
    rdev: u64,
    size: u64,
    target: Vec<u8>,
    /// Of a file with other names: which file it is.
    identity: Option<(u64, u64)>,
    pub xattrs: Xattrs,
    /// sha256 of a file's bytes.
    pub content: [u8; 32],
}

impl Record {
    /// What chmod(2) says of a symlink's mode means nothing; nor does the size of what is not a file.
    pub fn new(name: &[u8], meta: &Meta, target: Vec<u8>) -> Self {
        Self {
            name: name.to_vec(),
            kind: meta.kind,
            mode: if meta.kind == Kind::Symlink { 0 } else { meta.mode },
            owner: (meta.uid, meta.gid),
            rdev: meta.rdev,
            size: if meta.kind == Kind::File { meta.size } else { 0 },
            target,
            identity: meta.is_hardlinked().then_some(meta.identity),
            xattrs: Vec::new(),
            content: [0; 32],
        }
    }

    /// The directory whose contents are taken: it is there, and nothing of it is copied.
    pub fn contents_of_directory() -> Self {
        Self {
            name: Vec::new(),
            kind: Kind::Directory,
            mode: 0,
            owner: (0, 0),
            rdev: 0,
            size: 0,
            target: Vec::new(),
            identity: None,
            xattrs: Vec::new(),
            content: [0; 32],
        }
    }

    pub fn bytes(&self) -> u64 {
        self.size
    }

    fn hash(&self, sha: &mut Sha256, group: u64) {
        field(sha, &self.name);
        sha.update([kind_byte(self.kind)]);
        let (uid, gid) = self.owner;
        for number in [
            self.mode.into(),
            uid.into(),
            gid.into(),
            self.rdev,
            self.size,
            group,
        ] {
            sha.update(u64::to_be_bytes(number));
        }
        field(sha, &self.target);
        sha.update((self.xattrs.len() as u64).to_be_bytes());
        for (name, value) in &self.xattrs {
            field(sha, name);
            field(sha, value);
        }
        sha.update(self.content);
    }
}

/// `sha256:…` over the records in their order.
pub fn digest_records(records: &[Record]) -> String {
    let groups = hardlink_groups(records);
    let mut sha = Sha256::new();
    field(&mut sha, FORMAT);
    for (index, record) in records.iter().enumerate() {
        record.hash(&mut sha, groups.get(&index).copied().unwrap_or(0));
    }
    let hex: String = sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Names of one file within the selection share an ordinal, in order of appearance from 1. A name whose others are
/// elsewhere is a plain file: that is what the copy makes of it.
fn hardlink_groups(records: &[Record]) -> HashMap<usize, u64> {
    let mut members: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (index, record) in records.iter().enumerate() {
        if let Some(identity) = record.identity {
            members.entry(identity).or_default().push(index);
        }
    }
    let mut groups: Vec<_> = members.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    (1..)
        .zip(groups)
        .flat_map(|(ordinal, group)| group.into_iter().map(move |index| (index, ordinal)))
        .collect()
}

fn field(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_be_bytes());
    sha.update(bytes);
}

/// The letters of `find -type`.
fn kind_byte(kind: Kind) -> u8 {
    match kind {
        Kind::File => b'f',
        Kind::Directory => b'd',
        Kind::Symlink => b'l',
        Kind::CharDevice => b'c',
        Kind::BlockDevice => b'b',
        Kind::Fifo => b'p',
        Kind::Socket => b's',
    }
}
