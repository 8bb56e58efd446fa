//! The disk that holds a directory: block io limits name a whole disk by its numbers.

use std::fs;
use std::os::linux::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::refusal::Refusal;

/// `254:0`, as blkio and io.max want it.
#[derive(Clone, Debug, PartialEq)]
pub struct Disk(String);

impl std::fmt::Display for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The whole disk below the filesystem of `directory`. A filesystem that lies on no single disk is refused by name.
pub fn disk_of(directory: &Path) -> Result<Disk, Refusal> {
    let cannot_read = |error: std::io::Error| {
        Refusal::new(
            format!("{} cannot be read: {error}", directory.display()),
            "choose another --store",
        )
    };
    let device = fs::metadata(directory).map_err(cannot_read)?.st_dev();
    let (major, minor) = (libc::major(device), libc::minor(device));
    // Anonymous numbers have major 0: Linux, Documentation/admin-guide/devices.txt.
    if major == 0 {
        return Err(no_disk(directory, &filesystem_type(major, minor)));
    }
    whole_disk(major, minor).ok_or_else(|| no_disk(directory, "a device that /sys/dev/block does not list"))
}

fn no_disk(directory: &Path, filesystem: &str) -> Refusal {
    Refusal::new(
        format!(
            "the steps' files in {} are on {filesystem}, which is no single disk",
            directory.display()
        ),
        "keep the --store on a filesystem of one disk, such as ext4 or xfs",
    )
}

/// A partition's disk is the directory above it in sysfs.
fn whole_disk(major: u32, minor: u32) -> Option<Disk> {
    let place = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let disk: PathBuf = match place.join("partition").exists() {
        true => place.parent()?.to_owned(),
        false => place,
    };
    let numbers = fs::read_to_string(disk.join("dev")).ok()?;
    Some(Disk(numbers.trim().to_owned()))
}

/// proc_pid_mountinfo(5): the type behind the numbers. Btrfs gives subvolumes numbers of their own, which are not listed.
fn filesystem_type(major: u32, minor: u32) -> String {
    let numbers = format!("{major}:{minor}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let found = mounts.lines().find_map(|line| {
        let (place, filesystem) = line.split_once(" - ")?;
        let is_it = place.split(' ').nth(2) == Some(numbers.as_str());
        is_it
            .then(|| filesystem.split(' ').next().map(str::to_owned))
            .flatten()
    });
    found.unwrap_or_else(|| "a filesystem without a device".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_lies_on_no_disk_and_says_so() {
        let refusal = disk_of(Path::new("/proc")).expect_err("proc on a disk");
        assert!(refusal.reason.contains("proc"), "{}", refusal.reason);
    }
}
