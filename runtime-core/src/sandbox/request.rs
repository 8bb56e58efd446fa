//! One step as TypeScript asks for it.

use napi_derive::napi;

use super::limits::SandboxLimits;
use crate::network::{SandboxNetwork, has_ipv6};

#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxRequest {
    /// Absolute directories, lowest first.
    pub lowers: Vec<String>,
    pub upper: String,
    pub work: String,
    pub argv: Vec<String>,
    pub env: Vec<String>,
    pub cwd: String,
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    pub hostname: String,
    pub host_network: bool,
    /// A private network; without it and the host's there is none.
    pub network: Option<SandboxNetwork>,
    pub hosts: String,
    pub resolv_conf: String,
    pub limits: SandboxLimits,
    /// The cgroup of the step's build: `open_sandbox_group`.
    pub group: Option<u32>,
    pub no_new_privileges: bool,
    /// Runs with all that the caller may do, in its user namespace.
    pub insecure: bool,
    pub mounts: Vec<SandboxMount>,
    /// The command reads what `writeInput` is given.
    pub input: bool,
    /// The command has a terminal.
    pub terminal: Option<SandboxTerminal>,
    /// Nothing but the step's own mounts can be written.
    pub read_only_root: bool,
    /// Numbers of capabilities(7) that the step does not get.
    pub dropped_capabilities: Vec<u32>,
    /// Sets everything up and runs nothing.
    pub probe: bool,
    /// Gives the step the caller's ids, without idmapped mounts.
    pub identity: bool,
    /// Prepares no next step.
    pub is_last: bool,
    /// Isolation by chroot(2): the root is a plain tree in this directory, and there are no namespaces.
    pub trees: Option<String>,
}

/// The window of a terminal, in characters.
#[napi(object)]
#[derive(Clone, Copy, Default)]
pub struct SandboxTerminal {
    pub columns: u32,
    pub rows: u32,
}

impl SandboxTerminal {
    /// Both as ioctl_tty(2) has them: 16 bits each.
    pub fn size(&self) -> (u16, u16) {
        let narrow = |length: u32| length.min(u32::from(u16::MAX)) as u16;
        (narrow(self.columns), narrow(self.rows))
    }
}

impl SandboxRequest {
    /// A helper that stands ready has no input and no terminal.
    pub fn is_interactive(&self) -> bool {
        self.input || self.terminal.is_some()
    }
}

impl SandboxRequest {
    /// Whether it has a private network, and that IPv6.
    pub fn private_network(&self) -> Option<bool> {
        self.network.as_ref().map(|_| has_ipv6())
    }
}

/// A mount of the step's own: exactly one of `bind`, `layers`, `tmpfs` and `file` says what it shows.
#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxMount {
    /// Absolute inside the root.
    pub target: String,
    pub readonly: bool,
    /// An absolute path of the host.
    pub bind: Option<String>,
    /// What is bound belongs to the builder, down to attributes of its files.
    pub is_own: Option<bool>,
    pub layers: Option<SandboxLayers>,
    pub tmpfs: Option<SandboxTmpfs>,
    pub file: Option<SandboxFile>,
}

/// A path inside layers that overlayfs stacks.
#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxLayers {
    /// Absolute directories, lowest first.
    pub lowers: Vec<String>,
    /// With `work`: writes go there.
    pub upper: Option<String>,
    pub work: Option<String>,
    pub path: String,
}

#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxTmpfs {
    pub size_bytes: Option<f64>,
}

/// A file on a tmpfs. `content` is bytes: a typed array belongs to the JavaScript thread.
#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxFile {
    pub content: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    pub mode: u32,
}
