//! Names of step cgroups. They say whose they are, so that what a killed process left can be found, and end in chance,
//! so that nobody can be there first.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use super::v2;

/// `<pid namespace>-<pid>-<start time>-<random>`.
pub fn unpredictable() -> io::Result<String> {
    let mut random = [0u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!(
        "{}-{:032x}",
        this_process()?,
        u128::from_ne_bytes(random)
    ))
}

/// Found out once: the kernel takes its time over /proc/self/stat, and each step has several cgroups.
fn this_process() -> io::Result<&'static str> {
    static OWNER: OnceLock<String> = OnceLock::new();
    if let Some(owner) = OWNER.get() {
        return Ok(owner);
    }
    let pid = std::process::id();
    let owner = format!("{}-{pid}-{}", pid_namespace()?, start_time(pid)?);
    Ok(OWNER.get_or_init(|| owner))
}

static SWEPT: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// Removes, once a process, the cgroups of owners that are dead. Those of other pid namespaces cannot be judged.
pub fn sweep(common: &Path) {
    let Ok(mut swept) = SWEPT.lock() else { return };
    if !swept.get_or_insert_default().insert(common.to_owned()) {
        return;
    }
    drop(swept);
    let (Ok(namespace), Ok(entries)) = (pid_namespace(), fs::read_dir(common)) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_str()
            .and_then(parse)
            .is_some_and(|owner| owner.namespace == namespace && owner.is_dead())
        {
            v2::lift_io(&entry.path());
            let _ = remove(&entry.path());
        }
    }
}

/// Removes a step's cgroup, and first those that a step with every capability made in it.
pub fn remove(path: &Path) -> io::Result<()> {
    let removed = fs::remove_dir(path);
    if removed.is_ok() || !has_children(path) {
        return removed;
    }
    for child in fs::read_dir(path)?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()))
    {
        match remove(&child.path()) {
            // Another thread was first.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir(path)
}

/// A cgroup has two links and one for each child.
fn has_children(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.nlink() > 2)
}

struct Owner {
    namespace: u64,
    pid: u32,
    start_time: u64,
}

impl Owner {
    fn is_dead(&self) -> bool {
        match start_time(self.pid) {
            Ok(start_time) => start_time != self.start_time,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }
}

fn parse(name: &str) -> Option<Owner> {
    let mut parts = name.split('-');
    let mut number = || parts.next()?.parse::<u64>().ok();
    let (namespace, pid, start_time) = (number()?, number()?, number()?);
    Some(Owner {
        namespace,
        pid: pid.try_into().ok()?,
        start_time,
    })
}

fn pid_namespace() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/pid")?.ino())
}

/// Field 22 of proc_pid_stat(5). The name in field 2 may hold anything, so fields count from its last parenthesis.
fn start_time(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name
        .split_whitespace()
        .nth(19)
        .and_then(|field| field.parse().ok())
        .ok_or(io::ErrorKind::InvalidData.into())
}
