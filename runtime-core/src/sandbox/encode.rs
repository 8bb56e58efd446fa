//! The spec as the helper reads it: `wire.rs` has the rules, `init/src/spec.rs` the reader.

use std::path::Path;

use super::cgroup::Cgroup;
use super::request::SandboxRequest;
use super::ulimit::{self, Ulimit};
use super::{mounts, seccomp, wire};
use crate::error::{Error, Result};

/// As many as `init/src/launcher.rs` has room for.
const MAX_MOUNTS: usize = 120;
/// overlayfs's own limit is 500 lower directories; the helper adds one of mount points.
pub const MAX_LOWERS: usize = 499;
/// What a helper reads at most. Linux takes a quarter of the stack limit for arguments and environment, 2 MiB.
const MAX_SPEC: usize = 32 << 20;

/// Docker's default capabilities, a bit each (capabilities(7)): chown dac_override fowner fsetid kill setgid setuid
/// setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap.
const CAPABILITIES: u64 = 0xa804_25fb;

/// The spec of a step.
pub fn encode(request: &SandboxRequest, cgroup: &Cgroup) -> Result<Vec<u8>> {
    check(request)?;
    let lowers = request
        .lowers
        .iter()
        .map(|path| directory(path))
        .collect::<Result<Vec<_>>>()?;
    let real = SandboxRequest {
        mounts: request
            .mounts
            .iter()
            .map(mounts::resolve)
            .collect::<Result<Vec<_>>>()?,
        lowers,
        upper: directory(&request.upper)?,
        work: directory(&request.work)?,
        ..request.clone()
    };
    write(&real, cgroup, 0, seccomp::program())
}

/// CAP_SYS_CHROOT and CAP_MKNOD, which would lead out of a root that is only chroot(2)'s. With both gone, the step's capabilities
/// are fewer than the builder's, whom it can then not trace (ptrace(2), "Ptrace access mode checking").
const WAYS_OUT_OF_A_CHROOT: [u32; 2] = [18, 27];

/// The spec of a step whose root is the directory `root`. What it mounts is in place.
pub fn encode_chroot(request: &SandboxRequest, root: &str, cgroup: &Cgroup) -> Result<Vec<u8>> {
    check(request)?;
    let plain = SandboxRequest {
        lowers: Vec::new(),
        upper: directory(root)?,
        work: String::new(),
        mounts: Vec::new(),
        hosts: String::new(),
        resolv_conf: String::new(),
        dropped_capabilities: [&request.dropped_capabilities[..], &WAYS_OUT_OF_A_CHROOT].concat(),
        ..request.clone()
    };
    write(&plain, cgroup, wire::FLAG_CHROOT, seccomp::program())
}

/// The spec of what can be prepared before there is a step. It holds nothing of any step.
pub fn encode_ahead(request: &SandboxRequest, cgroup: &Cgroup) -> Result<Vec<u8>> {
    let spec = write(request, cgroup, wire::FLAG_AHEAD, seccomp::program())?;
    if spec.len() > wire::STEP_OFFSET {
        return Err(Error::new(
            "SANDBOX_INVALID_SPEC",
            "read spec",
            "the cgroups have too long paths",
        ));
    }
    Ok(spec)
}

fn write(request: &SandboxRequest, cgroup: &Cgroup, more_flags: u32, filter: &[u8]) -> Result<Vec<u8>> {
    let mut spec = Writer(Vec::with_capacity(8192));
    spec.word(wire::MAGIC);
    spec.word(0);
    spec.word(flags(request, cgroup) | more_flags);
    spec.word(request.uid);
    spec.word(request.gid);
    let capabilities = capabilities(request);
    spec.word(capabilities as u32);
    spec.word((capabilities >> 32) as u32);
    spec.word(request.groups.len() as u32);
    request.groups.iter().for_each(|group| spec.word(*group));
    spec.bytes(request.hostname.as_bytes());
    spec.bytes(request.hosts.as_bytes());
    spec.bytes(request.resolv_conf.as_bytes());
    spec.strings("lower", request.lowers.iter().map(String::as_str))?;
    spec.string("upper", &request.upper)?;
    spec.string("work", &request.work)?;
    spec.strings("argv", request.argv.iter().map(String::as_str))?;
    spec.strings("env", request.env.iter().map(String::as_str))?;
    spec.string("cwd", &request.cwd)?;
    let files = cgroup.membership_files();
    spec.strings("cgroup", files.iter().filter_map(|path| path.to_str()))?;
    spec.strings("cgroup", cgroup.v1_controllers().into_iter())?;
    mounts::write(&mut spec, &request.mounts)?;
    spec.bytes(filter);
    spec.word(window(request));
    spec.long(request.limits.shm_size()?);
    write_ulimits(&mut spec, &ulimits(request)?)?;
    spec.finish()
}

/// With a disk quota no file can become larger than that: the kernel refuses it before it is there.
fn ulimits(request: &SandboxRequest) -> Result<Vec<Ulimit>> {
    let mut ulimits = request.limits.ulimits()?;
    if let Some(quota) = request.limits.disk_quota()? {
        ulimit::limit_file_size(&mut ulimits, quota);
    }
    Ok(ulimits)
}

fn write_ulimits(spec: &mut Writer, ulimits: &[Ulimit]) -> Result<()> {
    spec.word(ulimits.len() as u32);
    for ulimit in ulimits {
        if let Some(refusal) = ulimit.refusal() {
            return Err(refusal.into_error());
        }
        spec.word(ulimit.resource);
        spec.long(ulimit.soft);
        spec.long(ulimit.hard);
    }
    Ok(())
}

fn capabilities(request: &SandboxRequest) -> u64 {
    let dropped = request
        .dropped_capabilities
        .iter()
        .filter(|number| **number < u64::BITS);
    let all = if request.insecure { u64::MAX } else { CAPABILITIES };
    dropped.fold(all, |kept, number| kept & !(1 << number))
}

fn window(request: &SandboxRequest) -> u32 {
    let (columns, rows) = request.terminal.unwrap_or_default().size();
    u32::from(columns) | u32::from(rows) << 16
}

fn check(request: &SandboxRequest) -> Result<()> {
    let problem = if request.argv.is_empty() {
        "there is no command"
    } else if request.mounts.len() > MAX_MOUNTS {
        "too many mounts, 120 is the limit"
    } else if request.lowers.len() > MAX_LOWERS {
        "too many layers, 499 is the limit"
    } else if !request.cwd.starts_with('/') {
        "the working directory is not absolute"
    } else if !request.mounts.iter().all(mounts::is_plain) {
        "a mount is not between two absolute paths without .."
    } else if request.hostname.len() > 64 {
        "the host name is longer than 64 bytes"
    } else {
        return Ok(());
    };
    Err(Error::new("SANDBOX_INVALID_SPEC", "read spec", problem))
}

/// Without symbolic links: the helper compares paths to find the directory that holds all layers.
pub fn directory(path: &str) -> Result<String> {
    let real = std::fs::canonicalize(Path::new(path)).map_err(|error| Error::io("overlay", path, &error))?;
    real.into_os_string()
        .into_string()
        .map_err(|_| Error::new("SANDBOX_INVALID_SPEC", "overlay", "not a UTF-8 path").with_subject(path))
}

fn flags(request: &SandboxRequest, cgroup: &Cgroup) -> u32 {
    let when = |condition: bool, flag: u32| if condition { flag } else { 0 };
    when(request.host_network, wire::FLAG_HOST_NETWORK)
        | when(request.network.is_some(), wire::FLAG_PRIVATE_NETWORK)
        | when(request.private_network() == Some(true), wire::FLAG_IPV6)
        | when(request.no_new_privileges, wire::FLAG_NO_NEW_PRIVILEGES)
        | when(request.insecure, wire::FLAG_INSECURE)
        | when(request.probe, wire::FLAG_PROBE)
        | when(request.identity, wire::FLAG_IDENTITY)
        | when(request.read_only_root, wire::FLAG_READ_ONLY_ROOT)
        | when(request.terminal.is_some(), wire::FLAG_TERMINAL)
        | when(request.input && request.terminal.is_none(), wire::FLAG_INPUT)
        | when(cgroup.is_v2(), wire::FLAG_CGROUP2)
}

pub struct Writer(Vec<u8>);

impl Writer {
    pub fn word(&mut self, word: u32) {
        self.0.extend_from_slice(&word.to_le_bytes());
    }

    fn long(&mut self, long: u64) {
        self.0.extend_from_slice(&long.to_le_bytes());
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
        self.0.push(0);
    }

    pub fn string(&mut self, name: &str, value: &str) -> Result<()> {
        if value.contains('\0') {
            return Err(
                Error::new("SANDBOX_INVALID_SPEC", "read spec", "a value holds a NUL byte")
                    .with_subject(name),
            );
        }
        self.bytes(value.as_bytes());
        Ok(())
    }

    pub fn strings<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) -> Result<()> {
        let at = self.0.len();
        self.word(0);
        let mut count = 0u32;
        for value in values {
            self.string(name, value)?;
            count += 1;
        }
        self.0[at..at + 4].copy_from_slice(&count.to_le_bytes());
        Ok(())
    }

    /// The second word is the size of it all.
    fn finish(mut self) -> Result<Vec<u8>> {
        if self.0.len() > MAX_SPEC {
            return Err(Error::new(
                "SANDBOX_INVALID_SPEC",
                "read spec",
                "arguments, environment and files are over 32 MiB",
            ));
        }
        let size = self.0.len() as u32;
        self.0[4..8].copy_from_slice(&size.to_le_bytes());
        Ok(self.0)
    }
}
