//! What the addon and the helper say to each other. This file is compiled into both.
//!
//! The spec is one memfd: little-endian integers, and strings as a u32 length, the bytes and a NUL, in the order that
//! `spec.rs` reads them. The status socket carries records: a header of four u32, then `length` bytes.

/// Descriptors the helper starts with, beside 1 (stdout) and 2 (stderr) of the step. 0 is the step's input with `FLAG_INPUT`,
/// the socket that takes the master of its terminal with `FLAG_TERMINAL`, else the null device.
pub const SPEC_FD: i32 = 3;
/// Records, `RECORD_*`.
pub const STATUS_FD: i32 = 4;
/// `CONTROL_SPEC` says that the spec is written; `CONTROL_START` gives a helper that prepared ahead its step; `CONTROL_TERMINATE` asks the step to end; `CONTROL_SIGNAL` and a
/// byte, a signal's number, go to the command; the end of file kills the step.
pub const CONTROL_FD: i32 = 5;

/// The first word of a spec; it changes with the layout.
pub const MAGIC: u32 = 0x7473_6207;

pub const FLAG_HOST_NETWORK: u32 = 1;
pub const FLAG_NO_NEW_PRIVILEGES: u32 = 2;
/// Sets everything up, runs nothing.
pub const FLAG_PROBE: u32 = 4;
/// The step's ids are the caller's: do not try idmapped mounts.
pub const FLAG_IDENTITY: u32 = 8;
/// Mount the cgroup2 filesystem at /sys/fs/cgroup.
pub const FLAG_CGROUP2: u32 = 16;
/// The spec says what to prepare; the step's own follows at `STEP_OFFSET`, once `CONTROL_START` is sent.
pub const FLAG_AHEAD: u32 = 32;
/// `RUN --security=insecure`: no user namespace of its own, no filter, nothing masked or read-only, the machine's devices.
pub const FLAG_INSECURE: u32 = 64;
/// The command reads what the addon writes.
pub const FLAG_INPUT: u32 = 128;
/// The command has a terminal of the step's own. Such a step is never prepared ahead.
pub const FLAG_TERMINAL: u32 = 256;
/// Nothing but the step's own mounts can be written.
pub const FLAG_READ_ONLY_ROOT: u32 = 512;
/// The step's network namespace gets an interface, whose other end goes to the addon.
pub const FLAG_PRIVATE_NETWORK: u32 = 1024;
/// The interface has an IPv6 address too.
pub const FLAG_IPV6: u32 = 2048;

/// No namespaces and no mounts: `upper` is a directory that has all the step finds, and becomes its root by chroot(2).
pub const FLAG_CHROOT: u32 = 1 << 16;

/// What a mount of the step's own shows. A path of the host.
pub const MOUNT_BIND: u32 = 0;
/// A path inside layers that overlayfs stacks.
pub const MOUNT_LAYERS: u32 = 1;
/// An empty tmpfs.
pub const MOUNT_TMPFS: u32 = 2;
/// A file that the spec holds, on a tmpfs.
pub const MOUNT_FILE: u32 = 3;

/// Where in the memfd the spec of a step is whose helper prepared ahead. A multiple of every page size.
pub const STEP_OFFSET: usize = 1 << 16;

/// The first host id of an idmapped step: its root is an ordinary user outside.
pub const FIRST_HOST_ID: u32 = 100_000;
/// How many ids such a step has: all that remain, so that no id of an image is without a place.
pub const HOST_IDS: u32 = u32::MAX - FIRST_HOST_ID;

/// The size of a record's header.
pub const RECORD_HEADER: usize = 16;
/// `value` is the wait status of the command, as wait(2) gives it. It is the last record of a step that ran: no process of it but
/// PID 1 is left then, nor will any write to its root.
pub const RECORD_EXITED: u32 = 1;
/// `value` is an errno; the bytes are the step that failed, a NUL, and what it was about.
pub const RECORD_FAILED: u32 = 2;
/// Of the command and what it started. The bytes are five u64: µs of user time, µs of system time, KiB of the largest process, 512-byte blocks read from disks, and
/// written for them.
pub const RECORD_USAGE: u32 = 3;
/// `value` is 1 with idmapped mounts, 0 with the caller's own ids.
pub const RECORD_IDS: u32 = 4;
/// The step's private network. `value` is 0, and the outer end of its interface comes with the record (unix(7), SCM_RIGHTS); or it
/// is the errno of what the kernel refused, and the step has no network. Told again, the last one counts.
pub const RECORD_NETWORK: u32 = 5;

pub const CONTROL_SPEC: u8 = b'P';
pub const CONTROL_START: u8 = b'S';
pub const CONTROL_TERMINATE: u8 = b'T';
pub const CONTROL_SIGNAL: u8 = b'K';

/// A private network: the addresses of the step's interface and of what stands for the host. They are
/// of the block that RFC 6890 keeps for protocols, so that no real network has them.
pub const STEP_ADDRESS: [u8; 4] = [192, 0, 0, 100];
pub const GATEWAY_ADDRESS: [u8; 4] = [192, 0, 0, 101];
/// RFC 4193: fd, 40 bits of our own, the first subnet.
pub const STEP_ADDRESS_V6: [u8; 16] = [
    0xfd, 0x74, 0x73, 0x62, 0x75, 0x69, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x64,
];
/// The link-layer address of the step's interface where it is one of a veth pair.
pub const STEP_LINK_ADDRESS: [u8; 6] = [2, 0, 0, 0, 0, 0x64];
/// The largest packet, a multiple of eight as fragments are: few packets for many bytes.
pub const MTU: u32 = 65_520;
