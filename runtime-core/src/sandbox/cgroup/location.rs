//! Where this process stands in the cgroup hierarchies: /proc/self/cgroup and /proc/self/mountinfo.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// The directories of this process's own cgroups.
pub enum Location {
    /// By controller, under the names of v2: blkio is `io`.
    V1(HashMap<String, PathBuf>),
    V2(Unified),
    None,
}

pub struct Unified {
    /// The mount point: nothing above it can be reached.
    pub mount: PathBuf,
    pub own: PathBuf,
}

/// The controllers a step may need; a machine that has one of them on v1 keeps steps there.
const CONTROLLERS: [&str; 5] = ["memory", "pids", "cpu", "cpuset", "blkio"];

impl Location {
    pub fn find() -> io::Result<Self> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
        let memberships = std::fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::parse(&mounts, &memberships))
    }

    fn parse(mounts: &str, memberships: &str) -> Self {
        let mounts: Vec<Mount> = mounts.lines().filter_map(Mount::parse).collect();
        let mut v1 = HashMap::new();
        let mut unified = None;
        for line in memberships.lines() {
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
                continue;
            };
            if controllers.is_empty() {
                unified = mounts
                    .iter()
                    .find(|mount| mount.is_unified)
                    .map(|mount| mount.unified(path));
            }
            for controller in controllers.split(',').filter(|name| CONTROLLERS.contains(name)) {
                if let Some(mount) = mounts.iter().find(|mount| mount.has(controller)) {
                    let name = if controller == "blkio" { "io" } else { controller };
                    v1.insert(name.to_owned(), mount.directory(path));
                }
            }
        }
        match unified {
            _ if !v1.is_empty() => Self::V1(v1),
            Some(unified) => Self::V2(unified),
            None => Self::None,
        }
    }
}

struct Mount {
    /// The cgroup that is mounted, seen from the cgroup namespace.
    root: String,
    point: PathBuf,
    is_unified: bool,
    options: String,
}

impl Mount {
    /// proc_pid_mountinfo(5): fields up to " - ", then the type, the source and the options of the filesystem.
    fn parse(line: &str) -> Option<Self> {
        let (place, filesystem) = line.split_once(" - ")?;
        let mut filesystem = filesystem.split(' ');
        let is_unified = match filesystem.next()? {
            "cgroup2" => true,
            "cgroup" => false,
            _ => return None,
        };
        let mut place = place.split(' ').skip(3);
        Some(Self {
            root: place.next()?.to_owned(),
            point: PathBuf::from(unescape(place.next()?)),
            is_unified,
            options: filesystem.nth(1)?.to_owned(),
        })
    }

    fn has(&self, controller: &str) -> bool {
        !self.is_unified && self.options.split(',').any(|option| option == controller)
    }

    /// Where cgroup `path` is to be found below the mount point; the mount point itself when it is not below.
    fn directory(&self, path: &str) -> PathBuf {
        let relative = Path::new(path).strip_prefix(&self.root).unwrap_or(Path::new(""));
        if relative
            .components()
            .any(|part| part == std::path::Component::ParentDir)
        {
            return self.point.clone();
        }
        self.point.join(relative)
    }

    fn unified(&self, path: &str) -> Unified {
        Unified {
            mount: self.point.clone(),
            own: self.directory(path),
        }
    }
}

/// mountinfo writes space, tab, newline and backslash as three octal digits.
fn unescape(field: &str) -> String {
    ["\\040", "\\011", "\\012", "\\134"]
        .iter()
        .zip([" ", "\t", "\n", "\\"])
        .fold(field.to_owned(), |s, (from, to)| s.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "30 25 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                      31 25 0:27 /a /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_hybrid_machine_keeps_steps_on_v1() {
        let Location::V1(found) = Location::parse(V1, "4:memory:/own\n2:cpu,cpuacct:/a/b\n0::/\n") else {
            panic!("not v1");
        };
        assert_eq!(found["memory"], Path::new("/sys/fs/cgroup/memory/own"));
        assert_eq!(found["cpu"], Path::new("/sys/fs/cgroup/cpu,cpuacct/b"));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_unified_machine_has_one_directory() {
        let mounts = "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";
        let Location::V2(found) = Location::parse(mounts, "0::/user.slice/a.scope\n") else {
            panic!("not v2");
        };
        assert_eq!(found.own, Path::new("/sys/fs/cgroup/user.slice/a.scope"));
        assert_eq!(found.mount, Path::new("/sys/fs/cgroup"));
    }

    #[test]
    fn a_cgroup_outside_the_namespace_is_the_mount_point() {
        let mounts = "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let Location::V2(found) = Location::parse(mounts, "0::/../other\n") else {
            panic!("not v2");
        };
        assert_eq!(found.own, Path::new("/sys/fs/cgroup"));
    }

    #[test]
    fn no_cgroup_mount_is_none() {
        assert!(matches!(
            Location::parse("1 0 8:1 / / rw - ext4 /dev/vda rw\n", "0::/\n"),
            Location::None
        ));
    }
}
