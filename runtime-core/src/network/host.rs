//! Sockets of this process, and what they say of the host.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, connect, ipproto, socket_with, sockopt};
use rustix::process::{Resource, getrlimit};

use super::packet::Unreachable;

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

/// How many sockets all steps of this process have.
static OPEN: AtomicU64 = AtomicU64::new(0);
/// How many they may have: the builder itself needs descriptors too.
static MOST: LazyLock<u64> = LazyLock::new(|| getrlimit(Resource::Nofile).current.unwrap_or(1 << 20) / 2);

/// A socket that a flow of a step has.
pub struct HostSocket(OwnedFd);

impl HostSocket {
    fn open(address: IpAddr, kind: SocketType, protocol: Option<Protocol>) -> io::Result<Self> {
        if OPEN.fetch_add(1, Ordering::Relaxed) >= *MOST {
            OPEN.fetch_sub(1, Ordering::Relaxed);
            return Err(Errno::MFILE.into());
        }
        let opened = socket_with(family(address), kind, FLAGS, protocol);
        opened.map(Self).map_err(|errno| {
            OPEN.fetch_sub(1, Ordering::Relaxed);
            errno.into()
        })
    }

    /// Begins to connect; without a wait.
    fn connected(self, target: SocketAddr) -> io::Result<Self> {
        match connect(&self, &target) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(self),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for HostSocket {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsFd for HostSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A socket that has begun to connect.
pub fn connect_stream(target: SocketAddr) -> io::Result<HostSocket> {
    let socket = HostSocket::open(target.ip(), SocketType::STREAM, None)?;
    // The step's own stack decides what goes into a segment.
    let _ = sockopt::set_tcp_nodelay(&socket, true);
    socket.connected(target)
}

/// A socket for datagrams to and from one end.
pub fn connect_datagram(target: SocketAddr) -> io::Result<HostSocket> {
    HostSocket::open(target.ip(), SocketType::DGRAM, None)?.connected(target)
}

/// A socket for echo requests, where this user may have one: icmp(7), ping_group_range.
pub fn connect_echo(target: IpAddr) -> io::Result<HostSocket> {
    let protocol: Protocol = if target.is_ipv4() {
        ipproto::ICMP
    } else {
        ipproto::ICMPV6
    };
    HostSocket::open(target, SocketType::DGRAM, Some(protocol))?.connected(SocketAddr::new(target, 0))
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    }
}

/// What a socket that began to connect came to: socket(7), SO_ERROR.
pub fn outcome(socket: impl AsFd) -> io::Result<()> {
    sockopt::socket_error(socket)?.map_err(io::Error::from)
}

/// What the step is told of a failed connection; `None` is a refusal, which TCP tells by a reset.
pub fn unreachable(error: &io::Error) -> Option<Unreachable> {
    match error.raw_os_error() {
        Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EADDRNOTAVAIL | libc::ETIMEDOUT) => {
            Some(Unreachable::Host)
        }
        Some(libc::EACCES | libc::EPERM) => Some(Unreachable::Prohibited),
        _ => None,
    }
}

/// The address the host has on its way out, if it has one besides loopback. Nothing is sent.
pub fn own_address() -> Option<Ipv4Addr> {
    match route_to("198.51.100.1:9")? {
        IpAddr::V4(address) if !address.is_loopback() => Some(address),
        _ => None,
    }
}

/// Whether the host has a way out by IPv6. Nothing is sent.
pub fn has_ipv6() -> bool {
    matches!(route_to("[2600::1]:9"), Some(IpAddr::V6(address)) if !address.is_loopback())
}

fn route_to(target: &str) -> Option<IpAddr> {
    let any = if target.starts_with('[') {
        "[::]:0"
    } else {
        "0.0.0.0:0"
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(target).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
