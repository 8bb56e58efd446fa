//! IP packets: reading what the step sent, and writing what it gets. RFC 791, RFC 8200, RFC 768, RFC 792, RFC 4443, RFC 9293.

use std::net::{IpAddr, SocketAddr};

pub const ICMP: u8 = 1;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const ICMP_V6: u8 = 58;

/// A whole packet of the step's, each slice within what was read.
pub struct Packet<'a> {
    pub source: IpAddr,
    pub target: IpAddr,
    pub protocol: u8,
    pub payload: &'a [u8],
    pub whole: &'a [u8],
}

/// `None` for what is no whole packet: malformed, a fragment, or behind IPv6 extension headers.
pub fn parse(bytes: &[u8]) -> Option<Packet<'_>> {
    match bytes.first()? >> 4 {
        4 => parse_v4(bytes),
        6 => parse_v6(bytes),
        _ => None,
    }
}

fn parse_v4(bytes: &[u8]) -> Option<Packet<'_>> {
    let header = usize::from(bytes[0] & 0xf) * 4;
    let total = usize::from(word(bytes, 2)?);
    let fragment = word(bytes, 6)? & 0x3fff;
    if header < 20 || total < header || fragment != 0 {
        return None;
    }
    let whole = bytes.get(..total)?;
    Some(Packet {
        source: IpAddr::from(*whole[12..].first_chunk::<4>()?),
        target: IpAddr::from(*whole[16..].first_chunk::<4>()?),
        protocol: whole[9],
        payload: &whole[header..],
        whole,
    })
}

fn parse_v6(bytes: &[u8]) -> Option<Packet<'_>> {
    const HEADER: usize = 40;
    let whole = bytes.get(..HEADER + usize::from(word(bytes, 4)?))?;
    Some(Packet {
        source: IpAddr::from(*whole[8..].first_chunk::<16>()?),
        target: IpAddr::from(*whole[24..].first_chunk::<16>()?),
        protocol: whole[6],
        payload: &whole[HEADER..],
        whole,
    })
}

impl Packet<'_> {
    /// The ports of TCP and UDP. `None` when there is no whole header.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let smallest = if self.protocol == TCP { 20 } else { 8 };
        if self.payload.len() < smallest {
            return None;
        }
        let source = SocketAddr::new(self.source, word(self.payload, 0)?);
        let target = SocketAddr::new(self.target, word(self.payload, 2)?);
        (source.port() != 0 && target.port() != 0).then_some((source, target))
    }
}

/// The 16-bit number at `at`.
pub fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A UDP datagram; `None` when it is too large for a packet.
pub fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(payload.len() + 8).ok()?;
    let mut body = Vec::with_capacity(usize::from(length));
    for word in [from.port(), to.port(), length, 0] {
        body.extend_from_slice(&word.to_be_bytes());
    }
    body.extend_from_slice(payload);
    // RFC 768: a sum of zero is sent as its other form.
    let sum = match checksum(&body, pseudo_header(from.ip(), to.ip(), UDP, body.len())) {
        0 => 0xffff,
        sum => sum,
    };
    body[6..8].copy_from_slice(&sum.to_be_bytes());
    wrap(from.ip(), to.ip(), UDP, &body)
}

const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const ACK: u8 = 16;

/// What refuses a TCP segment: RFC 9293, section 3.10.7.1. `None` for what must not be answered.
pub fn reset(packet: &Packet<'_>) -> Option<Vec<u8>> {
    if packet.protocol != TCP {
        return None;
    }
    let (source, target) = packet.ends()?;
    let segment = packet.payload;
    let flags = segment[13];
    if flags & RST != 0 {
        return None;
    }
    let data = segment.len().saturating_sub(usize::from(segment[12] >> 4) * 4) as u32;
    let extra = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
    let sequence = u32::from_be_bytes(*segment[4..].first_chunk()?);
    let (sent, acknowledged, reply) = if flags & ACK != 0 {
        (u32::from_be_bytes(*segment[8..].first_chunk()?), 0, RST)
    } else {
        (0, sequence.wrapping_add(data).wrapping_add(extra), RST | ACK)
    };
    let mut body = Vec::with_capacity(20);
    body.extend_from_slice(&target.port().to_be_bytes());
    body.extend_from_slice(&source.port().to_be_bytes());
    body.extend_from_slice(&sent.to_be_bytes());
    body.extend_from_slice(&acknowledged.to_be_bytes());
    body.extend_from_slice(&[5 << 4, reply, 0, 0, 0, 0, 0, 0]);
    let sum = checksum(&body, pseudo_header(target.ip(), source.ip(), TCP, body.len()));
    body[16..18].copy_from_slice(&sum.to_be_bytes());
    wrap(target.ip(), source.ip(), TCP, &body)
}

/// Why a packet went nowhere: RFC 792, "Destination Unreachable"; RFC 4443, section 3.1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Unreachable {
    Host,
    Port,
    Prohibited,
}

/// Tells the step that `original`, the start of a packet of its own, went nowhere.
pub fn unreachable(source: IpAddr, target: IpAddr, original: &[u8], why: Unreachable) -> Option<Vec<u8>> {
    let is_v4 = target.is_ipv4();
    let (kind, code) = match (why, is_v4) {
        (Unreachable::Host, true) => (3, 1),
        (Unreachable::Port, true) => (3, 3),
        (Unreachable::Prohibited, true) => (3, 13),
        (Unreachable::Host, false) => (1, 3),
        (Unreachable::Port, false) => (1, 4),
        (Unreachable::Prohibited, false) => (1, 1),
    };
    // As much as fits the smallest packet that every network carries.
    let kept = &original[..original.len().min(if is_v4 { 548 } else { 1232 })];
    let mut body = vec![kind, code, 0, 0, 0, 0, 0, 0];
    body.extend_from_slice(kept);
    finish_icmp(target, source, body)
}

/// The reply to an echo request: RFC 792, RFC 4443, section 4.2. `rest` begins with the identifier.
pub fn echo_reply(from: IpAddr, to: IpAddr, rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = vec![if from.is_ipv4() { 0 } else { 129 }, 0, 0, 0];
    body.extend_from_slice(rest);
    finish_icmp(from, to, body)
}

fn finish_icmp(from: IpAddr, to: IpAddr, mut body: Vec<u8>) -> Option<Vec<u8>> {
    let (protocol, start) = match from {
        IpAddr::V4(_) => (ICMP, 0),
        IpAddr::V6(_) => (ICMP_V6, pseudo_header(from, to, ICMP_V6, body.len())),
    };
    let sum = checksum(&body, start);
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    wrap(from, to, protocol, &body)
}

/// The start of a UDP packet of the step's, as an error message quotes it.
pub fn udp_head(source: SocketAddr, target: SocketAddr) -> Option<Vec<u8>> {
    datagram(source, target, &[])
}

/// Puts an IP header before `body`.
fn wrap(from: IpAddr, to: IpAddr, protocol: u8, body: &[u8]) -> Option<Vec<u8>> {
    const HOPS: u8 = 64;
    let mut packet = Vec::with_capacity(40 + body.len());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let total = u16::try_from(20 + body.len()).ok()?.to_be_bytes();
            packet.extend_from_slice(&[0x45, 0, total[0], total[1], 0, 0, 0x40, 0, HOPS, protocol, 0, 0]);
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
            let sum = checksum(&packet, 0).to_be_bytes();
            packet[10..12].copy_from_slice(&sum);
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u16::try_from(body.len()).ok()?.to_be_bytes();
            packet.extend_from_slice(&[0x60, 0, 0, 0, length[0], length[1], protocol, HOPS]);
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
        }
        _ => return None,
    }
    packet.extend_from_slice(body);
    Some(packet)
}

fn pseudo_header(from: IpAddr, to: IpAddr, protocol: u8, length: usize) -> u32 {
    let sum_of = |address: IpAddr| match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    };
    sum_of(from) + sum_of(to) + u32::from(protocol) + length as u32
}

/// RFC 1071.
fn checksum(bytes: &[u8], start: u32) -> u16 {
    let mut total = u64::from(start) + u64::from(sum(bytes));
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    !(total as u16)
}

/// At most 32768 words of a packet: no overflow.
fn sum(bytes: &[u8]) -> u32 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let words = pairs.iter().map(|pair| u32::from(u16::from_be_bytes(*pair)));
    words.sum::<u32>() + rest.first().map_or(0, |byte| u32::from(*byte) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &str = "192.0.0.100:4000";
    const SERVER: &str = "1.2.3.4:80";

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_datagram_is_read_back_and_its_sums_are_right() {
        for (from, to) in [(STEP, SERVER), ("[2001:db8::1]:53", "[fd00::2]:999")] {
            let bytes = datagram(address(from), address(to), b"hello").unwrap();
            let packet = parse(&bytes).unwrap();
            assert_eq!(packet.ends(), Some((address(from), address(to))));
            assert_eq!(&packet.payload[8..], b"hello");
            let start = pseudo_header(packet.source, packet.target, UDP, packet.payload.len());
            assert_eq!(checksum(packet.payload, start), 0);
            if packet.source.is_ipv4() {
                assert_eq!(checksum(&bytes[..20], 0), 0);
            }
        }
    }

    #[test]
    fn a_syn_is_refused_by_what_acknowledges_it() {
        let mut syn = vec![0u8; 20];
        syn[0..2].copy_from_slice(&4000u16.to_be_bytes());
        syn[2..4].copy_from_slice(&80u16.to_be_bytes());
        syn[4..8].copy_from_slice(&7u32.to_be_bytes());
        syn[12] = 5 << 4;
        syn[13] = 2;
        let whole = wrap(address(STEP).ip(), address(SERVER).ip(), TCP, &syn).unwrap();
        let reply = reset(&parse(&whole).unwrap()).unwrap();
        let packet = parse(&reply).unwrap();
        assert_eq!(packet.ends(), Some((address(SERVER), address(STEP))));
        assert_eq!(packet.payload[13], 4 | 16);
        assert_eq!(&packet.payload[8..12], &8u32.to_be_bytes());
        assert!(reset(&packet).is_none(), "a reset is not answered");
    }

    #[test]
    fn no_bytes_at_all_make_it_read_out_of_bounds() {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for round in 0..200_000 {
            let length = (random() % 90) as usize;
            let mut bytes: Vec<u8> = (0..length).map(|_| random() as u8).collect();
            if let Some(first) = bytes.first_mut() {
                *first = if round % 2 == 0 {
                    0x40 | (*first & 0xf)
                } else {
                    0x60
                };
            }
            if let Some(packet) = parse(&bytes) {
                let _ = (packet.ends(), reset(&packet));
                let _ = unreachable(packet.source, packet.target, packet.whole, Unreachable::Port);
            }
        }
    }
}
