//! Datagrams of the step's: a socket of the host for each pair of ends, so that only the end that was written to can answer.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::host::{self, HostSocket};
use super::packet::{self, Packet, Unreachable};
use super::policy::Verdict;
use super::stack::Shared;
use super::watch::{Id, Kind};

type Key = (SocketAddr, SocketAddr);

/// RFC 4787, REQ-5: a mapping lives two minutes; one that was never answered need not.
const IDLE: Duration = Duration::from_secs(120);
const UNANSWERED: Duration = Duration::from_secs(30);
/// The one that was used least recently makes room for another.
const MAX_FLOWS: usize = 512;
/// As many are taken from one socket before others have their turn.
const MAX_AT_ONCE: usize = 64;

struct Flow {
    id: Id,
    host: HostSocket,
    used: Instant,
    is_answered: bool,
}

impl Flow {
    fn expires(&self) -> Instant {
        self.used + if self.is_answered { IDLE } else { UNANSWERED }
    }
}

#[derive(Default)]
pub struct Datagrams {
    flows: HashMap<Key, Flow>,
    keys: HashMap<Id, Key>,
}

impl Datagrams {
    /// Sends it on. What is for the step's nameserver is returned with its sender.
    pub fn on_packet(&mut self, packet: &Packet<'_>, shared: &mut Shared) -> Option<(SocketAddr, Vec<u8>)> {
        let key = packet.ends()?;
        let length = usize::from(packet::word(packet.payload, 4)?);
        let payload = packet.payload.get(8..length)?;
        if !self.flows.contains_key(&key) {
            match shared.policy.judge(key.1, shared.now) {
                Verdict::Resolve => return Some((key.0, payload.to_vec())),
                Verdict::Refuse => refuse(packet, Unreachable::Port, shared),
                Verdict::Connect(target) => self.open(key, target, packet, shared),
            }
        }
        self.send(key, payload, packet, shared);
        None
    }

    fn open(&mut self, key: Key, target: SocketAddr, packet: &Packet<'_>, shared: &mut Shared) {
        if self.flows.len() >= MAX_FLOWS {
            self.make_room();
        }
        let opened = host::connect_datagram(target).and_then(|host| {
            let id = shared.watch.add(&host, Kind::Datagram)?;
            Ok((host, id))
        });
        match opened {
            Ok((host, id)) => {
                let flow = Flow {
                    id,
                    host,
                    used: shared.now,
                    is_answered: false,
                };
                self.keys.insert(id, key);
                self.flows.insert(key, flow);
            }
            Err(error) => refuse(
                packet,
                host::unreachable(&error).unwrap_or(Unreachable::Port),
                shared,
            ),
        }
    }

    fn send(&mut self, key: Key, payload: &[u8], packet: &Packet<'_>, shared: &mut Shared) {
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        flow.used = shared.now;
        // The second time an error of an earlier datagram is out of the way: udp(7).
        for _ in 0..2 {
            match send(&flow.host, payload, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Err(Errno::CONNREFUSED) => refuse(packet, Unreachable::Port, shared),
                _ => return,
            }
        }
    }

    /// Answers have come, or word that there is nobody.
    pub fn on_event(&mut self, id: Id, shared: &mut Shared, buffer: &mut [u8]) {
        let Some(key) = self.keys.get(&id).copied() else {
            return;
        };
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        for _ in 0..MAX_AT_ONCE {
            match recv(&flow.host, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((_, length)) => {
                    flow.used = shared.now;
                    flow.is_answered = true;
                    if let Some(packet) = packet::datagram(key.1, key.0, &buffer[..length]) {
                        shared.link.send(&packet, shared.now);
                    }
                }
                Err(Errno::CONNREFUSED) => {
                    let head = packet::udp_head(key.0, key.1);
                    let told = head.and_then(|head| {
                        packet::unreachable(key.0.ip(), key.1.ip(), &head, Unreachable::Port)
                    });
                    if let Some(told) = told {
                        shared.link.send(&told, shared.now);
                    }
                }
                Err(_) => return,
            }
        }
        // Its change was told once: what is left must be told again.
        self.renew(key, shared);
    }

    fn renew(&mut self, key: Key, shared: &mut Shared) {
        let Some(flow) = self.flows.get_mut(&key) else {
            return;
        };
        shared.watch.remove(&flow.host);
        self.keys.remove(&flow.id);
        match shared.watch.add(&flow.host, Kind::Datagram) {
            Ok(id) => {
                flow.id = id;
                self.keys.insert(id, key);
            }
            Err(_) => drop(self.flows.remove(&key)),
        }
    }

    fn make_room(&mut self) {
        let oldest = self.flows.iter().min_by_key(|(_, flow)| flow.used);
        if let Some(key) = oldest.map(|(key, _)| *key) {
            self.forget(&key);
        }
    }

    fn forget(&mut self, key: &Key) {
        if let Some(flow) = self.flows.remove(key) {
            self.keys.remove(&flow.id);
        }
    }

    /// Forgets what has been idle.
    pub fn on_time(&mut self, now: Instant) {
        let idle: Vec<Key> = self
            .flows
            .iter()
            .filter(|(_, flow)| flow.expires() <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in idle {
            self.forget(&key);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }
}

fn refuse(packet: &Packet<'_>, why: Unreachable, shared: &mut Shared) {
    // Nobody is told of a datagram to many: RFC 1122, section 3.2.2.
    if !super::terminated::is_unicast(packet.target) {
        return;
    }
    if let Some(told) = packet::unreachable(packet.source, packet.target, packet.whole, why) {
        shared.link.send(&told, shared.now);
    }
}
