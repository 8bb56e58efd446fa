//! Echo requests of the step's, where the host lets this user send some: icmp(7), ping_group_range.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::host::{self, HostSocket};
use super::packet::{self, ICMP, Packet, Unreachable, word};
use super::stack::Shared;
use super::watch::{Id, Kind};

const REQUEST: u8 = 8;
const REQUEST_V6: u8 = 128;
const IDLE: Duration = Duration::from_secs(10);
const MAX_FLOWS: usize = 32;

/// The step's address, the other, and the identifier.
type Key = (IpAddr, IpAddr, u16);

struct Flow {
    host: HostSocket,
    used: Instant,
}

#[derive(Default)]
pub struct Echoes {
    flows: HashMap<Key, Flow>,
    keys: HashMap<Id, Key>,
}

impl Echoes {
    pub fn on_packet(&mut self, packet: &Packet<'_>, shared: &mut Shared) {
        let request = if packet.protocol == ICMP {
            REQUEST
        } else {
            REQUEST_V6
        };
        let (Some([kind, 0]), Some(identifier)) = (packet.payload.first_chunk(), word(packet.payload, 4))
        else {
            return;
        };
        if *kind != request || packet.payload.len() < 8 {
            return;
        }
        let key = (packet.source, packet.target, identifier);
        if !self.flows.contains_key(&key) && !self.open(key, shared) {
            let why = Unreachable::Prohibited;
            if let Some(told) = packet::unreachable(packet.source, packet.target, packet.whole, why) {
                shared.link.send(&told, shared.now);
            }
            return;
        }
        if let Some(flow) = self.flows.get_mut(&key) {
            flow.used = shared.now;
            let _ = send(&flow.host, packet.payload, SendFlags::DONTWAIT);
        }
    }

    fn open(&mut self, key: Key, shared: &mut Shared) -> bool {
        if self.flows.len() >= MAX_FLOWS || !shared.policy.allows_echo(key.1, shared.now) {
            return false;
        }
        let Ok(host) = host::connect_echo(key.1) else {
            return false;
        };
        let Ok(id) = shared.watch.add(&host, Kind::Echo) else {
            return false;
        };
        self.keys.insert(id, key);
        let used = shared.now;
        self.flows.insert(key, Flow { host, used });
        true
    }

    /// A reply has come: the kernel put an identifier of its own in the request, and the step's goes in again.
    pub fn on_event(&mut self, id: Id, shared: &mut Shared, buffer: &mut [u8]) {
        let Some(key @ (step, other, identifier)) = self.keys.get(&id).copied() else {
            return;
        };
        let Some(flow) = self.flows.get(&key) else { return };
        while let Ok((_, length)) = recv(&flow.host, &mut *buffer, RecvFlags::DONTWAIT) {
            let Some(rest) = buffer[..length].get_mut(4..).filter(|rest| rest.len() >= 4) else {
                continue;
            };
            rest[..2].copy_from_slice(&identifier.to_be_bytes());
            if let Some(reply) = packet::echo_reply(other, step, rest) {
                shared.link.send(&reply, shared.now);
            }
        }
    }

    pub fn on_time(&mut self, now: Instant) {
        self.flows.retain(|_, flow| flow.used + IDLE > now);
        let flows = &self.flows;
        self.keys.retain(|_, key| flows.contains_key(key));
    }

    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }
}
