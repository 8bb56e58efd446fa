//! What files hold, by what stat(2) says of them: a file that is as it was is not read again, in this build or the next.
//!
//! Records are found by (st_dev, st_ino), so that a name, a rename of a directory or a second hard link changes nothing, and
//! no path of anybody's is kept. Nothing but contents comes out of it: names, modes, owners and links are looked at each time.

mod binding;
mod file;
mod record;
mod trust;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

pub use binding::StatIndex;
use record::{Identity, Record, Stamp};
pub use trust::{Moment, Trust};

use super::meta::Meta;
use crate::error::Result;

/// 46 MB of index.
const MAX_RECORDS: usize = 1 << 19;
/// A record that so many writes have not seen is of a file that is gone, or of a part of the context that nobody copies.
const MAX_AGE: u32 = 32;

/// sha256 of a file's bytes.
pub type Content = [u8; 32];

/// The records of one context. It is read at its first use.
pub struct Index {
    path: PathBuf,
    saved: OnceLock<Saved>,
    /// Of this build.
    fresh: RwLock<HashMap<Identity, Record>>,
}

/// What an earlier build left, sorted by identity.
struct Saved {
    records: Vec<Record>,
    is_seen: Vec<AtomicBool>,
}

impl Index {
    /// The index in the file `path`, which may be missing.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            saved: OnceLock::new(),
            fresh: RwLock::default(),
        }
    }

    /// What the file holds, if it is as it was when that was noted.
    pub fn find(&self, meta: &Meta) -> Option<Content> {
        let stamp = Stamp::of(meta);
        let record = self.find_saved(&stamp).or_else(|| self.find_fresh(&stamp))?;
        (record.stamp == stamp).then_some(record.content)
    }

    fn find_saved(&self, stamp: &Stamp) -> Option<Record> {
        let saved = self.saved();
        let found = saved
            .records
            .binary_search_by_key(&stamp.identity, |record| record.stamp.identity);
        let record = saved.records[found.ok()?];
        if record.stamp != *stamp {
            return None;
        }
        saved.is_seen[found.ok()?].store(true, Ordering::Relaxed);
        Some(record)
    }

    fn find_fresh(&self, stamp: &Stamp) -> Option<Record> {
        let fresh = self.fresh.read().unwrap_or_else(PoisonError::into_inner);
        fresh.get(&stamp.identity).copied()
    }

    /// Notes what files hold: only such as `Trust` lets through.
    pub fn note(&self, known: impl Iterator<Item = (Meta, Content)>) {
        let mut fresh = self.fresh.write().unwrap_or_else(PoisonError::into_inner);
        for (meta, content) in known {
            let record = Record::new(Stamp::of(&meta), content);
            fresh.insert(record.stamp.identity, record);
        }
    }

    /// Writes what is known through `temporary`, unless nothing is new. False: nothing was written. Of two builds that write,
    /// the last one wins, and what the other noted is read again.
    pub fn save(&self, temporary: &str) -> Result<bool> {
        let fresh = self.fresh.read().unwrap_or_else(PoisonError::into_inner);
        if fresh.is_empty() {
            return Ok(false);
        }
        file::write(&self.path, temporary, &self.merged(&fresh))?;
        Ok(true)
    }

    fn merged(&self, fresh: &HashMap<Identity, Record>) -> Vec<Record> {
        let saved = self.saved();
        let old = saved.records.iter().zip(&saved.is_seen);
        let aged = old.map(|(record, is_seen)| record.aged(is_seen.load(Ordering::Relaxed)));
        let kept = aged.filter(|record| record.age <= MAX_AGE && !fresh.contains_key(&record.stamp.identity));
        let mut records: Vec<_> = kept.chain(fresh.values().copied()).collect();
        records.sort_unstable_by_key(|record| record.age);
        records.truncate(MAX_RECORDS);
        records.sort_unstable_by_key(|record| record.stamp.identity);
        records
    }

    fn saved(&self) -> &Saved {
        self.saved.get_or_init(|| {
            let records = file::read(&self.path, MAX_RECORDS);
            let is_seen = records.iter().map(|_| AtomicBool::new(false)).collect();
            Saved { records, is_seen }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs::remove_file;
    use std::path::Path;

    use rustix::fs::Timespec;

    use super::*;
    use crate::tree::meta::Kind;

    fn file(inode: u64) -> Meta {
        let time = Timespec {
            tv_sec: 1,
            tv_nsec: 1,
        };
        Meta {
            kind: Kind::File,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 1,
            rdev: 0,
            links: 1,
            identity: (1, inode),
            mtime: time,
            ctime: time,
        }
    }

    fn save(path: &Path, seen: &[u64], new: &[u64]) {
        let index = Index::new(path.into());
        for inode in seen {
            assert_eq!(index.find(&file(*inode)), Some([1; 32]), "inode {inode}");
        }
        index.note(new.iter().map(|inode| (file(*inode), [1; 32])));
        let temporary = format!("{}.tmp", path.display());
        assert!(index.save(&temporary).unwrap());
    }

    #[test]
    fn what_no_build_has_seen_for_long_is_forgotten() {
        let path = std::env::temp_dir().join(format!("tsbuild-stat-index-{}", std::process::id()));
        save(&path, &[], &[1, 2]);
        for round in 0..u64::from(MAX_AGE) {
            save(&path, &[1], &[1000 + round]);
        }
        let knows = |inode| Index::new(path.clone()).find(&file(inode)).is_some();
        assert!(knows(1) && knows(2) && knows(1000));
        save(&path, &[1], &[3]);
        assert!(knows(1) && !knows(2) && knows(1000) && knows(3));
        remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_looks_otherwise_is_unknown() {
        let index = Index::new("/nowhere/index".into());
        index.note([(file(1), [1; 32])].into_iter());
        let other = Meta { size: 2, ..file(1) };
        assert_eq!(index.find(&other), None);
        assert_eq!(index.find(&file(2)), None);
        assert_eq!(index.find(&file(1)), Some([1; 32]));
    }
}
