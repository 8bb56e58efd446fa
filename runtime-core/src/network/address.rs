//! The addresses that exist only for the step, and those that are closed to every step.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::sandbox::wire;

/// The step's own.
pub const STEP_V4: Ipv4Addr = v4(wire::STEP_ADDRESS);
pub const STEP_V6: Ipv6Addr = Ipv6Addr::from_octets(wire::STEP_ADDRESS_V6);
/// Leads to the host's own address: what `host-gateway` means.
pub const HOST: Ipv4Addr = v4(wire::GATEWAY_ADDRESS);
/// The only nameserver of a step.
pub const RESOLVER: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 102);

const fn v4(octets: [u8; 4]) -> Ipv4Addr {
    Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])
}

/// Whether no step may reach it: the host's own loopback, what is link-local, the metadata services of clouds, and what no
/// connection can have as its end. IPv6 addresses that stand for an IPv4 address are what they stand for.
pub fn is_closed(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_closed_v4(address),
        IpAddr::V6(address) => is_closed_v6(address),
    }
}

fn is_closed_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    a == 0
        || a == 127
        || a >= 224
        || (a, b) == (169, 254)
        // RFC 6890: the protocol block, in which the step's own addresses are, and Oracle's metadata service.
        || (a, b, c) == (192, 0, 0)
        // The metadata services of Alibaba and Azure.
        || address == Ipv4Addr::new(100, 100, 100, 200)
        || address == Ipv4Addr::new(168, 63, 129, 16)
}

fn is_closed_v6(address: Ipv6Addr) -> bool {
    let words = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match words {
        // Unspecified, loopback, IPv4-compatible, IPv4-mapped and IPv4-translated (RFC 4291, RFC 2765): never on a wire.
        [0, 0, 0, 0, _, _, _, _] => true,
        // NAT64: RFC 6052, RFC 8215.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_closed_v4(embedded(high, low)),
        [0x64, 0xff9b, 1, ..] => is_closed_v4(embedded(words[6], words[7])),
        // 6to4: RFC 3056.
        [0x2002, high, low, ..] => is_closed_v4(embedded(high, low)),
        // The metadata services of Amazon and Google.
        [0xfd00, 0xec2, ..] | [0xfd20, 0xce, ..] => true,
        [first, ..] => first >= 0xfe80 || address == STEP_V6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_the_host_itself_is_closed() {
        for closed in [
            "127.0.0.1",
            "127.255.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.192",
            "100.100.100.200",
            "168.63.129.16",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
        ] {
            assert!(is_closed(closed.parse().unwrap()), "{closed}");
        }
    }

    #[test]
    fn the_rest_is_open() {
        for open in [
            "1.1.1.1",
            "10.0.0.1",
            "192.168.1.1",
            "172.17.0.1",
            "192.0.2.1",
            "2001:db8::1",
            "fd00::1",
            "64:ff9b::808:808",
        ] {
            assert!(!is_closed(open.parse().unwrap()), "{open}");
        }
    }
}
