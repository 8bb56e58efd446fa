//! Interfaces and routes of this network namespace: netdevice(7), packet(7).

use core::ffi::CStr;

use super::file::{self, Fd};
use super::{Result, call, nr};

pub const UP: u16 = 1;
pub const POINT_TO_POINT: u16 = 0x10;
pub const RUNNING: u16 = 0x40;
pub const NO_ARP: u16 = 0x80;

const AF_INET: usize = 2;
const AF_INET6: usize = 10;
const AF_PACKET: usize = 17;
const SOCK_DGRAM: usize = 2;
const CLOEXEC: usize = 0o2000000;

const SIOCADDRT: usize = 0x890B;
const SIOCSIFFLAGS: usize = 0x8914;
const SIOCSIFADDR: usize = 0x8916;
const SIOCSIFNETMASK: usize = 0x891C;
const SIOCSIFMTU: usize = 0x8922;
const SIOCGIFINDEX: usize = 0x8933;
const SIOCETHTOOL: usize = 0x8946;
const TUNSETIFF: usize = 0x4004_54ca;
const TUNSETPERSIST: usize = 0x4004_54cb;

/// struct ifreq: a name, and a union of 24 bytes that begins with what each request is about.
#[repr(C)]
struct Request {
    name: [u8; 16],
    value: [u8; 24],
}

impl Request {
    fn new(name: &CStr) -> Self {
        let mut request = Self {
            name: [0; 16],
            value: [0; 24],
        };
        let bytes = name.to_bytes();
        let length = bytes.len().min(15);
        request.name[..length].copy_from_slice(&bytes[..length]);
        request
    }

    fn with(name: &CStr, value: &[u8]) -> Self {
        let mut request = Self::new(name);
        request.value[..value.len()].copy_from_slice(value);
        request
    }
}

/// struct sockaddr_in.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Address {
    family: u16,
    port: u16,
    ip: [u8; 4],
    zero: [u8; 8],
}

impl Address {
    fn new(ip: [u8; 4]) -> Self {
        Self {
            family: AF_INET as u16,
            ip,
            ..Self::default()
        }
    }
}

pub(super) fn socket(family: usize, kind: usize, protocol: usize) -> Result<Fd> {
    // SAFETY: socket(2) takes integers.
    unsafe { call(nr::SOCKET, [family, kind | CLOEXEC, protocol]) }.map(|fd| Fd::new(fd as i32))
}

/// An ioctl(2) that reads or writes a struct of the right size for `number`.
///
/// # Safety
/// `T` is what the request `number` expects.
unsafe fn control<T>(fd: &Fd, number: usize, argument: &mut T) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        call(
            nr::IOCTL,
            [fd.raw() as usize, number, (&raw mut *argument) as usize],
        )
    }
    .map(drop)
}

/// What requests about interfaces are made through.
pub struct Interfaces(Fd);

impl Interfaces {
    pub fn open() -> Result<Self> {
        socket(AF_INET, SOCK_DGRAM, 0).map(Self)
    }

    fn ask(&self, number: usize, mut request: Request) -> Result<Request> {
        // SAFETY: the requests made here take a struct ifreq (40 bytes).
        unsafe { control(&self.0, number, &mut request) }?;
        Ok(request)
    }

    pub fn set_flags(&self, name: &CStr, flags: u16) -> Result<()> {
        self.ask(SIOCSIFFLAGS, Request::with(name, &flags.to_ne_bytes()))
            .map(drop)
    }

    pub fn set_mtu(&self, name: &CStr, mtu: u32) -> Result<()> {
        self.ask(SIOCSIFMTU, Request::with(name, &mtu.to_ne_bytes()))
            .map(drop)
    }

    pub fn set_address(&self, name: &CStr, ip: [u8; 4], mask: [u8; 4]) -> Result<()> {
        for (number, octets) in [(SIOCSIFADDR, ip), (SIOCSIFNETMASK, mask)] {
            let mut value = [0; 16];
            value[..2].copy_from_slice(&(AF_INET as u16).to_ne_bytes());
            value[4..8].copy_from_slice(&octets);
            self.ask(number, Request::with(name, &value))?;
        }
        Ok(())
    }

    pub fn index(&self, name: &CStr) -> Result<i32> {
        let [a, b, c, d, ..] = self.ask(SIOCGIFINDEX, Request::new(name))?.value;
        Ok(i32::from_ne_bytes([a, b, c, d]))
    }

    /// Packets leave with their checksums, and not larger than the interface allows: ETHTOOL_STXCSUM, on which the rest depends.
    pub fn forbid_offloads(&self, name: &CStr) -> Result<()> {
        const ETHTOOL_STXCSUM: u32 = 0x17;
        let command = [ETHTOOL_STXCSUM, 0];
        let mut request = Request::new(name);
        request.value[..8].copy_from_slice(&(command.as_ptr() as usize).to_ne_bytes());
        self.ask(SIOCETHTOOL, request).map(drop)
    }

    /// Everything else is beyond `gateway`.
    pub fn add_default_route(&self, name: &CStr, gateway: [u8; 4]) -> Result<()> {
        const RTF_UP_GATEWAY: u16 = 1 | 2;
        let mut route = Route {
            target: Address::new([0; 4]),
            gateway: Address::new(gateway),
            mask: Address::new([0; 4]),
            flags: RTF_UP_GATEWAY,
            device: name.as_ptr() as usize,
            ..Route::default()
        };
        // SAFETY: SIOCADDRT takes a struct rtentry (120 bytes) that names a C string.
        unsafe { control(&self.0, SIOCADDRT, &mut route) }
    }
}

/// struct rtentry of 64-bit.
#[repr(C)]
#[derive(Default)]
struct Route {
    unused: usize,
    target: Address,
    gateway: Address,
    mask: Address,
    flags: u16,
    padding: [u8; 6],
    unused_too: usize,
    service: [u8; 8],
    metric: i16,
    more_padding: [u8; 6],
    device: usize,
    mtu: usize,
    window: usize,
    round_trip: [u8; 8],
}
const _: () = assert!(size_of::<Request>() == 40 && size_of::<Route>() == 120);

/// netdevice(7): sets IFF_UP on the loopback interface of this network namespace.
pub fn bring_loopback_up() -> Result<()> {
    Interfaces::open()?.set_flags(c"lo", UP | RUNNING)
}

/// struct in6_ifreq.
#[repr(C)]
struct AddressV6 {
    ip: [u8; 16],
    prefix_length: u32,
    index: i32,
}

/// struct in6_rtmsg.
#[repr(C)]
#[derive(Default)]
struct RouteV6 {
    target: [u8; 16],
    source: [u8; 16],
    gateway: [u8; 16],
    kind: u32,
    target_length: u16,
    source_length: u16,
    metric: u32,
    padding: u32,
    info: u64,
    flags: u32,
    index: i32,
}
const _: () = assert!(size_of::<AddressV6>() == 24 && size_of::<RouteV6>() == 80);

/// An address, and everything else beyond the same interface: ipv6(7).
pub fn add_ipv6(index: i32, ip: [u8; 16]) -> Result<()> {
    const RTF_UP: u32 = 1;
    const METRIC: u32 = 1024;
    let socket = socket(AF_INET6, SOCK_DGRAM, 0)?;
    let mut address = AddressV6 {
        ip,
        prefix_length: 64,
        index,
    };
    let mut route = RouteV6 {
        metric: METRIC,
        flags: RTF_UP,
        index,
        ..RouteV6::default()
    };
    // SAFETY: of an IPv6 socket they take a struct in6_ifreq (24 bytes) and a struct in6_rtmsg (80 bytes).
    unsafe {
        control(&socket, SIOCSIFADDR, &mut address)?;
        control(&socket, SIOCADDRT, &mut route)
    }
}

/// A new TUN device of this namespace: bare IP packets. It goes with its namespace, since that costs whoever closes it nothing,
/// where the end of a device that goes with its descriptor takes 20 ms and more.
pub fn make_tun(name: &CStr) -> Result<Fd> {
    const IFF_TUN_NO_PI: u16 = 1 | 0x1000;
    let device = file::open(c"/dev/net/tun", file::O_RDWR)?;
    let mut request = Request::with(name, &IFF_TUN_NO_PI.to_ne_bytes());
    // SAFETY: TUNSETIFF takes a struct ifreq, TUNSETPERSIST an integer.
    unsafe {
        control(&device, TUNSETIFF, &mut request)?;
        call(nr::IOCTL, [device.raw() as usize, TUNSETPERSIST, 1])?;
    }
    Ok(device)
}

/// A socket that takes what leaves by `index`'s other end, and sends what arrives there, as bare IP packets.
pub fn open_packets(index: i32) -> Result<Fd> {
    const ETH_P_ALL: u16 = 3;
    let socket = socket(AF_PACKET, SOCK_DGRAM, 0)?;
    // struct sockaddr_ll.
    let mut address = [0u8; 20];
    address[..2].copy_from_slice(&(AF_PACKET as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&ETH_P_ALL.to_be_bytes());
    address[4..8].copy_from_slice(&index.to_ne_bytes());
    ignore_outgoing(&socket);
    // SAFETY: bind(2) reads 20 bytes.
    unsafe {
        call(
            nr::BIND,
            [socket.raw() as usize, address.as_ptr() as usize, address.len()],
        )
    }?;
    Ok(socket)
}

/// packet(7), PACKET_IGNORE_OUTGOING: what the socket sends does not come back. Since Linux 4.20.
fn ignore_outgoing(socket: &Fd) {
    const SOL_PACKET: usize = 263;
    const PACKET_IGNORE_OUTGOING: usize = 23;
    let on = 1i32;
    // SAFETY: setsockopt(2) reads an integer.
    let _ = unsafe {
        call(
            nr::SETSOCKOPT,
            [
                socket.raw() as usize,
                SOL_PACKET,
                PACKET_IGNORE_OUTGOING,
                &raw const on as usize,
                size_of::<i32>(),
            ],
        )
    };
}
