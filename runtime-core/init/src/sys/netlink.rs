//! Interfaces that only a message can make: netlink(7), rtnetlink(7), veth(4).

use core::ffi::CStr;

use super::file::{self, Fd};
use super::network::socket;
use super::{EINVAL, Errno, Result};

const AF_NETLINK: usize = 16;
const SOCK_RAW: usize = 3;
const NETLINK_ROUTE: usize = 0;

/// A pair of Ethernet interfaces, each the other's wire. `link` is the link-layer address of the first.
pub fn make_pair(name: &CStr, other: &CStr, link: [u8; 6]) -> Result<()> {
    let mut message = Message::new();
    message.interface();
    message.attribute(IFLA_IFNAME, name.to_bytes_with_nul())?;
    message.attribute(IFLA_ADDRESS, &link)?;
    let info = message.open(IFLA_LINKINFO)?;
    message.attribute(IFLA_INFO_KIND, b"veth")?;
    let data = message.open(IFLA_INFO_DATA)?;
    let peer = message.open(VETH_INFO_PEER)?;
    message.interface();
    message.attribute(IFLA_IFNAME, other.to_bytes_with_nul())?;
    for opened in [peer, data, info] {
        message.close(opened);
    }
    let socket = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)?;
    file::write_all(socket.raw(), message.finish())?;
    acknowledged(&socket)
}

const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;

/// One netlink(7) message that makes an interface.
struct Message {
    bytes: [u8; 256],
    length: usize,
}

const HEADER: usize = 16;

impl Message {
    fn new() -> Self {
        Self {
            bytes: [0; 256],
            length: HEADER,
        }
    }

    /// A struct ifinfomsg that says nothing.
    fn interface(&mut self) {
        self.length += 16;
    }

    /// Begins an attribute that holds others.
    fn open(&mut self, kind: u16) -> Result<usize> {
        let at = self.length;
        self.attribute(kind, &[])?;
        Ok(at)
    }

    fn close(&mut self, at: usize) {
        let length = (self.length - at) as u16;
        self.bytes[at..at + 2].copy_from_slice(&length.to_ne_bytes());
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) -> Result<()> {
        let (at, end) = (self.length, self.length + 4 + value.len());
        let place = self.bytes.get_mut(at..end).ok_or(EINVAL)?;
        place[..2].copy_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
        place[2..4].copy_from_slice(&kind.to_ne_bytes());
        place[4..].copy_from_slice(value);
        self.length = end.next_multiple_of(4);
        Ok(())
    }

    fn finish(&mut self) -> &[u8] {
        const RTM_NEWLINK: u16 = 16;
        /// NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE.
        const FLAGS: u16 = 1 | 4 | 0x200 | 0x400;
        self.bytes[..4].copy_from_slice(&(self.length as u32).to_ne_bytes());
        self.bytes[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
        self.bytes[6..8].copy_from_slice(&FLAGS.to_ne_bytes());
        &self.bytes[..self.length]
    }
}

/// The errno behind the header of the answer; 0 is none.
fn acknowledged(socket: &Fd) -> Result<()> {
    let mut answer = [0u8; 512];
    let length = file::read(socket.raw(), &mut answer)?;
    if length < HEADER + 4 {
        return Err(EINVAL);
    }
    let errno = [answer[16], answer[17], answer[18], answer[19]];
    match i32::from_ne_bytes(errno) {
        0 => Ok(()),
        negative => Err(Errno(-negative)),
    }
}
