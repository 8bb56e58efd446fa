//! What trees take on the disk, and what of it they share with each other.

use std::os::fd::AsFd;

use napi::bindgen_prelude::AsyncTask;
use napi_derive::napi;
use rustix::fs::{FileType, Stat, fstat};

use super::size::{each_file, open_tree};
use crate::error::{Error, Result};
use crate::task::{CancelFlag, Job, spawn};

const BLOCK: u64 = 512;

/// What a tree takes on the disk, in bytes.
#[napi(object)]
#[derive(Debug, Default, PartialEq)]
pub struct DiskUsage {
    /// Of the directory itself and of all files with one name.
    pub own_bytes: f64,
    /// Files with several names, which another tree may have too.
    pub linked: Vec<LinkedFile>,
}

#[napi(object)]
#[derive(Debug, PartialEq)]
pub struct LinkedFile {
    /// A number that JavaScript has no type for.
    pub inode: String,
    pub bytes: f64,
}

impl DiskUsage {
    fn add(&mut self, stat: &Stat) {
        let bytes = (stat.st_blocks as u64 * BLOCK) as f64;
        let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        if is_directory || stat.st_nlink == 1 {
            self.own_bytes += bytes;
        } else {
            self.linked.push(LinkedFile {
                inode: stat.st_ino.to_string(),
                bytes,
            });
        }
    }
}

/// What a directory takes on the disk with all that is in it. It may be changed meanwhile.
#[napi(ts_return_type = "Promise<DiskUsage>")]
pub fn tree_disk_usage(path: String, cancel: &CancelFlag) -> AsyncTask<Job<DiskUsage>> {
    let cancel = cancel.clone();
    spawn(move || measure(&path, &cancel))
}

fn measure(path: &str, cancel: &CancelFlag) -> Result<DiskUsage> {
    let wrong = |errno: rustix::io::Errno| Error::io("measure", path, &errno.into());
    let root = open_tree(path)?;
    let mut usage = DiskUsage::default();
    usage.add(&fstat(&root).map_err(wrong)?);
    each_file(root.as_fd(), |stat| {
        usage.add(stat);
        cancel.check().is_ok()
    })
    .map_err(wrong)?;
    cancel.check()?;
    Ok(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_take_nothing_and_names_of_one_file_are_told_once() {
        let root = std::env::temp_dir().join(format!("tsbuild-usage-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir(&root).expect("a directory");
        let path = root.to_str().unwrap_or_default();
        let empty = measure(path, &CancelFlag::new()).expect("a tree").own_bytes;
        let file = std::fs::File::create(root.join("hole")).expect("a file");
        file.set_len(1 << 30).expect("a hole");
        std::fs::write(root.join("a"), [1; 5000]).expect("a file");
        std::fs::hard_link(root.join("a"), root.join("b")).expect("a link");
        let usage = measure(path, &CancelFlag::new()).expect("a tree");
        assert!(usage.own_bytes - empty < 65_536.0);
        assert_eq!(usage.linked.len(), 1);
        std::fs::remove_dir_all(root).expect("removed");
    }
}
