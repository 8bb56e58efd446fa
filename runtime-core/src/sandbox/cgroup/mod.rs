//! A cgroup for each step: limits before it starts, numbers when it has ended, and no trace afterwards. cgroups(7).

mod cpuset;
mod device;
mod group;
mod limits;
mod location;
mod name;
mod refusal;
mod report;
mod v1;
mod v2;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Pid;

use self::location::Location;
use super::sync_writes::SyncWrites;

pub use self::cpuset::IdList;
pub use self::group::Group;
pub use self::limits::{CpuQuota, IoLimits, Limits, Swap};
pub use self::refusal::Refusal;

/// The step's own directories: one on v2, one a controller on v1, none where cgroups are out of reach.
pub struct Cgroup {
    directories: Vec<Directory>,
    version: Version,
}

struct Directory {
    /// v1: the controllers of this hierarchy that the step uses.
    controllers: Vec<&'static str>,
    path: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
    None,
}

/// Numbers are worth having even without limits.
const ACCOUNTED: [&str; 2] = ["memory", "pids"];

impl Cgroup {
    /// Creates the step's cgroup with its limits, in the cgroup of its build where there is one. A limit that cannot be
    /// enforced is refused. Block io is limited later: `limit_io`.
    pub fn create(limits: &Limits, group: Option<&Group>) -> Result<Self, Refusal> {
        Self::create_for(limits, group, &[])
    }

    /// The same; `passed_on` are the controllers that cgroups in it will need.
    fn create_for(limits: &Limits, group: Option<&Group>, passed_on: &[&str]) -> Result<Self, Refusal> {
        let unreadable = |error: io::Error| {
            Refusal::new(
                format!("/proc/self/cgroup cannot be read: {error}"),
                "mount /proc",
            )
        };
        match Location::find().map_err(unreadable)? {
            Location::V1(hierarchies) => {
                for directory in hierarchies.values() {
                    name::sweep(&directory.join(COMMON));
                }
                v1::create(&hierarchies, limits, group)
            }
            Location::V2(unified) => v2::create(&unified, limits, group, passed_on),
            Location::None => Self::none(limits),
        }
    }

    fn none(limits: &Limits) -> Result<Self, Refusal> {
        match limits.required().first() {
            Some(_) => Err(Refusal::no_cgroups()),
            None => Ok(Self {
                directories: Vec::new(),
                version: Version::None,
            }),
        }
    }

    /// Limits what goes to the disk that `directory` is on.
    pub fn limit_io(&self, io: &IoLimits, directory: &Path) -> Result<(), Refusal> {
        if !io.is_any() {
            return Ok(());
        }
        let disk = device::disk_of(directory)?;
        match self.version {
            Version::V1 => {
                if io.limits_writes() {
                    SyncWrites::check(directory)?;
                }
                match self.directory_of("io") {
                    Some(directory) => v1::limit_io(directory, io, &disk),
                    None => Err(Refusal::not_mounted("blkio")),
                }
            }
            Version::V2 => v2::limit_io(&self.directories[0].path, io, &disk),
            Version::None => Err(Refusal::no_cgroups()),
        }
    }

    /// v1: the directory in the hierarchy of `controller`.
    fn directory_of(&self, controller: &str) -> Option<&Path> {
        self.directories
            .iter()
            .find(|directory| directory.controllers.contains(&controller))
            .map(|directory| directory.path.as_path())
    }

    /// The files that take the step's first process. It has one thread, so v1 may take it by thread.
    pub fn membership_files(&self) -> Vec<PathBuf> {
        let file = match self.version {
            Version::V1 => "tasks",
            _ => "cgroup.procs",
        };
        self.directories
            .iter()
            .map(|directory| directory.path.join(file))
            .collect()
    }

    /// Controllers that can be shown to the step, a hierarchy each.
    pub fn v1_controllers(&self) -> Vec<&'static str> {
        match self.version {
            Version::V1 => self
                .directories
                .iter()
                .flat_map(|directory| directory.controllers.iter().map(|name| v1::kernel_name(name)))
                .collect(),
            _ => Vec::new(),
        }
    }

    pub fn is_v2(&self) -> bool {
        self.version == Version::V2
    }

    /// Kills all that is in it at once, where the kernel can: v2, since Linux 5.14.
    pub fn kill(&self) {
        if let (Version::V2, Some(directory)) = (self.version, self.directories.first()) {
            let _ = fs::write(directory.path.join("cgroup.kill"), "1");
        }
    }

    /// The processes in it. On v1 they are in each of the directories.
    pub fn processes(&self) -> HashSet<Pid> {
        let list = self
            .directories
            .first()
            .and_then(|directory| fs::read_to_string(directory.path.join("cgroup.procs")).ok());
        let numbers = list.iter().flat_map(|list| list.lines());
        // 0 is a process of another pid namespace.
        numbers
            .filter_map(|line| Pid::from_raw(line.parse().ok()?))
            .collect()
    }

    /// Removes the directories. The kernel frees a cgroup shortly after its last process: EBUSY until then.
    pub fn remove(&self) {
        for directory in &self.directories {
            if self.is_v2() {
                v2::lift_io(&directory.path);
            }
            remove_directory(&directory.path);
            let parent = directory.path.parent();
            // The common parent goes with its last child; another process may just be using it. A build's own is closed.
            if let Some(common) = parent.filter(|parent| parent.ends_with(COMMON)) {
                let _ = fs::remove_dir(common);
            }
        }
    }
}

/// `v1`, `v2` or `none`: where a step's cgroup can be made, found out by making one.
pub fn version() -> &'static str {
    let Ok(cgroup) = Cgroup::create(&Limits::default(), None) else {
        return "none";
    };
    cgroup.remove();
    match cgroup.version {
        Version::V1 => "v1",
        Version::V2 => "v2",
        Version::None => "none",
    }
}

fn remove_directory(path: &Path) {
    const ATTEMPTS: u32 = 50;
    for attempt in 0..ATTEMPTS {
        match name::remove(path) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                sleep(Duration::from_millis(1 + u64::from(attempt)))
            }
            _ => return,
        }
    }
}

/// The directory that holds the cgroups of all builders.
const COMMON: &str = "tsbuild";

/// Makes `group/<name>`.
fn make_inside(group: &Path) -> io::Result<PathBuf> {
    let path = group.join(name::unpredictable()?);
    fs::create_dir(&path)?;
    Ok(path)
}

/// Makes `parent/tsbuild/<name>`, sweeping what dead processes left there.
fn make_directory(parent: &Path) -> io::Result<PathBuf> {
    const ATTEMPTS: u32 = 8;
    let common = parent.join(COMMON);
    let mut last = Ok(());
    for _ in 0..ATTEMPTS {
        if let Err(error) = fs::create_dir(&common)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        name::sweep(&common);
        let path = common.join(name::unpredictable()?);
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            // Another process removed the empty parent between the two.
            Err(error) if error.kind() == io::ErrorKind::NotFound => last = Err(error),
            Err(error) => return Err(error),
        }
    }
    last.map(|()| common)
}
