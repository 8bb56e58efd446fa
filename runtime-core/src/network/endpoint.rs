//! The outer end of a step's interface: a TUN device, or a packet socket on the other end of a veth pair. Both carry bare IP
//! packets.

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::sandbox::wire;

/// Larger than any IP packet without a jumbogram's extension.
pub const MAX_PACKET: usize = 65_536 + 64;

pub struct Endpoint {
    fd: OwnedFd,
    /// Where a packet socket sends: packet(7).
    link: Option<libc::sockaddr_ll>,
}

/// What a read brought.
pub enum Read {
    Packet(usize),
    /// None for now.
    Nothing,
    /// The interface is gone or down, and no more will come.
    Ended,
}

impl Endpoint {
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        let link = interface_of(&fd).map(link_address);
        Ok(Self { fd, link })
    }

    pub fn read(&self, buffer: &mut [u8]) -> Read {
        match rustix::io::read(&self.fd, buffer) {
            Ok(length) => Read::Packet(length),
            Err(Errno::AGAIN | Errno::INTR) => Read::Nothing,
            // packet(7): told once when the interface goes down; it may come up again.
            Err(Errno::NETDOWN) if self.link.is_some() => Read::Nothing,
            Err(_) => Read::Ended,
        }
    }

    /// A packet that the kernel has no room for is lost, as on any wire.
    pub fn write(&self, packet: &[u8]) {
        let Some(mut address) = self.link else {
            let _ = rustix::io::write(&self.fd, packet);
            return;
        };
        let protocol = match packet.first().map(|byte| byte >> 4) {
            Some(6) => libc::ETH_P_IPV6,
            _ => libc::ETH_P_IP,
        };
        address.sll_protocol = (protocol as u16).to_be();
        // SAFETY: sendto(2) reads the packet and the address, which live until it returns.
        unsafe {
            libc::sendto(
                self.fd.as_raw_fd(),
                packet.as_ptr().cast(),
                packet.len(),
                libc::MSG_DONTWAIT,
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            );
        }
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The interface a packet socket is bound to; `None` for what is no socket.
fn interface_of(fd: &OwnedFd) -> Option<i32> {
    // SAFETY: getsockname(2) fills at most a struct sockaddr_ll, whose every value is valid.
    let (result, address) = unsafe {
        let mut address: libc::sockaddr_ll = std::mem::zeroed();
        let mut length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        let result = libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut length);
        (result, address)
    };
    (result == 0).then_some(address.sll_ifindex)
}

fn link_address(index: i32) -> libc::sockaddr_ll {
    let mut sll_addr = [0; 8];
    sll_addr[..6].copy_from_slice(&wire::STEP_LINK_ADDRESS);
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: 0,
        sll_ifindex: index,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr,
    }
}
