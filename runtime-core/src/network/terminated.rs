//! One connection of the step's as this end of it sees it: smoltcp's TCP, with an interface of its own that has the address the
//! step connected to. So a packet costs the same with one connection and with thousands, and none can disturb another.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::{Duration, Instant as Moment};
use smoltcp::wire::{HardwareAddress, IpCidr, IpListenEndpoint};

use super::link::Link;
use crate::sandbox::wire;

/// A step's kernel answers at once; one that does not for this long is gone or hostile.
const GONE_AFTER: Duration = Duration::from_secs(120);
const ASKED_EVERY: Duration = Duration::from_secs(50);

pub struct Terminated {
    interface: Interface,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
    epoch: Instant,
}

impl Terminated {
    /// Takes the connection to `end` whose first segment is then given to `poll`. `buffer` bytes are held in each direction.
    pub fn new(end: SocketAddr, buffer: usize, link: &mut Link, now: Instant) -> Self {
        let mut socket = Socket::new(
            SocketBuffer::new(vec![0; buffer]),
            SocketBuffer::new(vec![0; buffer]),
        );
        socket.set_nagle_enabled(false);
        socket.set_ack_delay(None);
        socket.set_timeout(Some(GONE_AFTER));
        socket.set_keep_alive(Some(ASKED_EVERY));
        let address = end.ip().into();
        // The port is not 0, and the socket is new: it can listen.
        let _ = socket.listen(IpListenEndpoint {
            addr: Some(address),
            port: end.port(),
        });
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed();
        let mut interface = Interface::new(config, &mut Port::new(None, link, now), Moment::ZERO);
        interface.update_ip_addrs(|addresses| {
            // Every other address is beyond the same wire.
            let _ = addresses.push(IpCidr::new(address, 0));
        });
        let mut sockets = SocketSet::new(Vec::with_capacity(1));
        let handle = sockets.add(socket);
        Self {
            interface,
            sockets,
            handle,
            epoch: now,
        }
    }

    pub fn socket(&mut self) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    /// Takes a packet of the step's, and sends what there is to send.
    pub fn poll(&mut self, incoming: Option<&[u8]>, link: &mut Link, now: Instant) {
        let moment = self.moment(now);
        let mut port = Port::new(incoming, link, now);
        self.interface.poll(moment, &mut port, &mut self.sockets);
    }

    /// When to poll it again though nothing comes.
    pub fn next_poll(&mut self, now: Instant) -> Option<Instant> {
        let moment = self.moment(now);
        let at = self.interface.poll_at(moment, &self.sockets)?;
        let micros = (at.total_micros() - moment.total_micros()).max(0);
        Some(now + std::time::Duration::from_micros(micros as u64))
    }

    fn moment(&self, now: Instant) -> Moment {
        Moment::from_micros(now.saturating_duration_since(self.epoch).as_micros() as i64)
    }
}

/// Sequence numbers begin anywhere: RFC 6528.
fn seed() -> u64 {
    let mut bytes = [0; 8];
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}

/// The step's interface, as one poll sees it.
struct Port<'p> {
    incoming: Option<&'p [u8]>,
    link: &'p mut Link,
    now: Instant,
}

impl<'p> Port<'p> {
    fn new(incoming: Option<&'p [u8]>, link: &'p mut Link, now: Instant) -> Self {
        Self { incoming, link, now }
    }
}

impl Device for Port<'_> {
    type RxToken<'a>
        = Incoming<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Outgoing<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Moment) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let packet = self.incoming.take()?;
        let Self { link, now, .. } = self;
        Some((Incoming(packet), Outgoing { link, now: *now }))
    }

    /// None while the bandwidth is used up: what was to be sent stays in its buffer.
    fn transmit(&mut self, _: Moment) -> Option<Outgoing<'_>> {
        let Self { link, now, .. } = self;
        link.is_open().then_some(Outgoing { link, now: *now })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = wire::MTU as usize;
        // What comes has crossed no wire.
        capabilities.checksum.ipv4 = Checksum::Tx;
        capabilities.checksum.tcp = Checksum::Tx;
        capabilities
    }
}

struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

struct Outgoing<'a> {
    link: &'a mut Link,
    now: Instant,
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        self.link.send_with(length, self.now, fill)
    }
}

/// How many bytes a new connection holds in each direction, when there are `others`: all of them together stay below 200 MiB.
pub fn buffer_size(others: usize) -> usize {
    match others {
        0..64 => 512 << 10,
        64..512 => 64 << 10,
        _ => 8 << 10,
    }
}

/// Only addresses of this kind can be the end of a connection.
pub fn is_unicast(address: IpAddr) -> bool {
    smoltcp::wire::IpAddress::from(address).is_unicast()
}
