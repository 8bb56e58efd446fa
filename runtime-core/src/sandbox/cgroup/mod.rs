//! A cgroup for each step: limits before it starts, numbers when it has ended, and no trace afterwards. cgroups(7).

mod location;
mod name;
mod v1;
mod v2;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use self::location::Location;
use super::process::SandboxReport;
use crate::error::{Error, Result};

/// What a step may use. Absent is unlimited.
#[derive(Clone, Default, PartialEq)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes of memory and swap together.
    pub memory_swap: Option<u64>,
    /// Processes and threads of the step.
    pub pids: Option<u32>,
    /// Cores.
    pub cpus: Option<f64>,
}

/// PID 1 of the step counts as a process and is not the step's.
const HELPERS: u32 = 1;
/// The period of a cpu quota, in µs: the kernel's own default.
const CPU_PERIOD: u64 = 100_000;

impl Limits {
    /// The controllers that must be there.
    fn required(&self) -> Vec<&'static str> {
        let asked = [
            ("memory", self.memory.is_some() || self.memory_swap.is_some()),
            ("pids", self.pids.is_some()),
            ("cpu", self.cpus.is_some()),
        ];
        asked
            .into_iter()
            .filter(|(_, is_asked)| *is_asked)
            .map(|(name, _)| name)
            .collect()
    }

    fn pids_max(&self) -> Option<u32> {
        self.pids.map(|pids| pids.saturating_add(HELPERS))
    }

    /// µs of cpu time in each period.
    fn cpu_quota(&self) -> Option<u64> {
        self.cpus.map(|cpus| (cpus * CPU_PERIOD as f64) as u64)
    }

    /// Docker's rule: as much swap as memory, when nothing is said.
    fn memory_and_swap(&self) -> Option<u64> {
        self.memory_swap
            .or(self.memory.map(|memory| memory.saturating_mul(2)))
    }
}

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
    /// Creates the step's cgroup with its limits. A limit whose controller is missing is an error that names it.
    pub fn create(limits: &Limits) -> Result<Self> {
        let location = Location::find().map_err(|error| Error::io("cgroup", "/proc/self/cgroup", &error))?;
        match location {
            Location::V1(hierarchies) => v1::create(&hierarchies, limits),
            Location::V2(unified) => v2::create(&unified, limits),
            Location::None => Self::none(limits),
        }
    }

    fn none(limits: &Limits) -> Result<Self> {
        match limits.required().first() {
            Some(controller) => Err(unsupported(controller)),
            None => Ok(Self {
                directories: Vec::new(),
                version: Version::None,
            }),
        }
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
                .flat_map(|directory| directory.controllers.clone())
                .collect(),
            _ => Vec::new(),
        }
    }

    pub fn is_v2(&self) -> bool {
        self.version == Version::V2
    }

    pub fn report(&self) -> SandboxReport {
        let (peak, kills) = match self.version {
            Version::V1 => (
                self.number("memory.max_usage_in_bytes"),
                self.keyed("memory.oom_control", "oom_kill"),
            ),
            _ => (
                self.number("memory.peak"),
                self.keyed("memory.events", "oom_kill"),
            ),
        };
        SandboxReport {
            memory_peak_bytes: peak,
            pids_peak: self
                .number("pids.peak")
                .map(|pids| (pids - f64::from(HELPERS)).max(0.0)),
            oom_kills: kills.unwrap_or(0.0),
            forks_refused: self.keyed("pids.events", "max").unwrap_or(0.0),
        }
    }

    /// Removes the directories. The kernel frees a cgroup shortly after its last process: EBUSY until then.
    pub fn remove(&self) {
        for directory in &self.directories {
            remove_directory(&directory.path);
            // The common parent goes with its last child; another process may just be using it.
            let _ = directory.path.parent().map(fs::remove_dir);
        }
    }

    fn read(&self, file: &str) -> Option<String> {
        self.directories
            .iter()
            .find_map(|directory| fs::read_to_string(directory.path.join(file)).ok())
    }

    fn number(&self, file: &str) -> Option<f64> {
        self.read(file)?.trim().parse().ok()
    }

    /// One value of a file of `key value` lines.
    fn keyed(&self, file: &str, key: &str) -> Option<f64> {
        let content = self.read(file)?;
        content
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
    }
}

/// `v1`, `v2` or `none`: where a step's cgroup can be made, found out by making one.
pub fn version() -> &'static str {
    let Ok(cgroup) = Cgroup::create(&Limits::default()) else {
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

/// Makes `parent/tsbuild/<name>`, sweeping what dead processes left there.
fn make_directory(parent: &Path) -> io::Result<PathBuf> {
    const ATTEMPTS: u32 = 8;
    let common = parent.join("tsbuild");
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

/// Writes a limit. The kernel refuses what it cannot hold.
fn set(directory: &Path, file: &str, value: impl ToString) -> Result<()> {
    let path = directory.join(file);
    fs::write(&path, value.to_string())
        .map_err(|error| Error::io("cgroup", path.display().to_string(), &error))
}

fn unsupported(limit: &str) -> Error {
    let message = "no cgroup controller here can enforce this limit";
    Error::new("SANDBOX_LIMIT_UNSUPPORTED", "cgroup", message).with_subject(limit)
}
