//! What a step without a pid namespace leaves when its supervisor is killed: nobody is there to end it, and its processes have
//! become some other process's children. They are found by what they cannot leave: the step's cgroup, and its root.

use std::collections::HashSet;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::cgroup::Cgroup;

const BETWEEN: Duration = Duration::from_millis(2);
/// What cannot be killed for so long waits for a disk or a network filesystem.
const LONGEST: Duration = Duration::from_secs(5);

/// Kills until none is found.
pub fn end(cgroup: &Cgroup, root: &Path) {
    let began = Instant::now();
    while began.elapsed() < LONGEST {
        cgroup.kill();
        let in_cgroup = kill(|| cgroup.processes());
        let in_root = kill(|| processes_in(root));
        if !in_cgroup && !in_root {
            return;
        }
        sleep(BETWEEN);
    }
}

/// Whether there were any. A number may be another process's by now: each is held first, and then looked for again.
fn kill(list: impl Fn() -> HashSet<Pid>) -> bool {
    let held: Vec<(Pid, OwnedFd)> = list()
        .into_iter()
        .filter_map(|pid| Some((pid, pidfd_open(pid, PidfdFlags::empty()).ok()?)))
        .collect();
    if held.is_empty() {
        return false;
    }
    let still_there = list();
    for (pid, process) in &held {
        if still_there.contains(pid) {
            let _ = pidfd_send_signal(process, Signal::KILL);
        }
    }
    true
}

/// Those whose root is this directory, as far as this process may see it: proc_pid_root(5). A step may not change its root.
fn processes_in(root: &Path) -> HashSet<Pid> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()));
    let (Some(wanted), Ok(entries)) = (identity(root), fs::read_dir("/proc")) else {
        return HashSet::new();
    };
    let is_in_it =
        |pid: &Pid| identity(Path::new(&format!("/proc/{}/root", pid.as_raw_nonzero()))) == Some(wanted);
    entries
        .flatten()
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
        .filter(is_in_it)
        .collect()
}
