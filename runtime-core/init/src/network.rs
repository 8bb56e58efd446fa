//! The private network of a step: one interface, whose other end the addon holds. user-mode networking needs nothing of the host.

use core::ffi::CStr;

use crate::sys::file::{self, Fd};
use crate::sys::network::{self, Interfaces, NO_ARP, POINT_TO_POINT, RUNNING, UP};
use crate::sys::{self, EACCES, netlink};
use crate::wire;

pub use crate::sys::network::bring_loopback_up;

/// What programs expect it to be called.
const INNER: &CStr = c"eth0";
/// The gateway is in the same network.
const MASK: [u8; 4] = [255, 255, 255, 0];
const OUTER: &CStr = c"eth0-outside";

/// Makes the interface and returns its outer end. A TUN device where this user may open one, else a veth pair with a packet
/// socket on its far end; then the step could disturb that end, which is its own network alone.
pub fn make(with_ipv6: bool) -> sys::Result<Fd> {
    forbid_autoconfiguration(with_ipv6);
    let interfaces = Interfaces::open()?;
    let outer = match network::make_tun(INNER) {
        Ok(device) => {
            configure(&interfaces, UP | RUNNING | NO_ARP | POINT_TO_POINT)?;
            device
        }
        Err(refused) => pair(&interfaces).map_err(|errno| {
            // Why there is no TUN device says more than that there is no veth either.
            if refused == EACCES { errno } else { refused }
        })?,
    };
    if with_ipv6 {
        network::add_ipv6(interfaces.index(INNER)?, wire::STEP_ADDRESS_V6)?;
    }
    Ok(outer)
}

fn pair(interfaces: &Interfaces) -> sys::Result<Fd> {
    netlink::make_pair(INNER, OUTER, wire::STEP_LINK_ADDRESS)?;
    interfaces.set_mtu(OUTER, wire::MTU)?;
    // Best effort: a kernel that computes checksums late has them in packets that nobody checks.
    let _ = interfaces.forbid_offloads(INNER);
    interfaces.set_flags(OUTER, UP | RUNNING | NO_ARP)?;
    let socket = network::open_packets(interfaces.index(OUTER)?)?;
    configure(interfaces, UP | RUNNING | NO_ARP)?;
    Ok(socket)
}

fn configure(interfaces: &Interfaces, flags: u16) -> sys::Result<()> {
    interfaces.set_mtu(INNER, wire::MTU)?;
    interfaces.set_address(INNER, wire::STEP_ADDRESS, MASK)?;
    interfaces.set_flags(INNER, flags)?;
    interfaces.add_default_route(INNER, wire::GATEWAY_ADDRESS)
}

/// No packets but the step's: without a link-local address no router is looked for, and none is made up. Best effort, where /proc
/// is not this one's.
fn forbid_autoconfiguration(with_ipv6: bool) {
    let (setting, value) = if with_ipv6 {
        (c"/proc/sys/net/ipv6/conf/default/addr_gen_mode", b"1")
    } else {
        (c"/proc/sys/net/ipv6/conf/default/disable_ipv6", b"1")
    };
    let _ = file::write_file(file::AT_FDCWD, setting, value);
}
