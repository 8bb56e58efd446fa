//! Connections of the step's. A segment that opens one is answered only when the host's socket has connected, so that a refusal
//! is a refusal for the step too.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use super::host::{self, HostSocket};
use super::lookup_stream::LookupStream;
use super::packet::{self, ACK, Packet, RST, SYN};
use super::policy::Verdict;
use super::relay::Relay;
use super::stack::Shared;
use super::terminated::{Terminated, buffer_size, is_unicast};
use super::watch::{Event, Id, Kind};

/// A connection: the step's end, and the other.
pub type Key = (SocketAddr, SocketAddr);

/// As many connections a step has at most; more are refused.
const MAX_FLOWS: usize = 4096;

enum Flow {
    /// The host's socket is on its way.
    Connecting { host: HostSocket, id: Id, syn: Vec<u8> },
    /// Bytes go both ways.
    Relayed { relay: Box<Relay>, id: Id },
    /// Lookups by the step's nameserver.
    Lookups(Box<LookupStream>),
}

/// All connections of a step.
#[derive(Default)]
pub struct Streams {
    flows: HashMap<Key, Flow>,
    keys: HashMap<Id, Key>,
    timers: BTreeSet<(Instant, Key)>,
    deadlines: HashMap<Key, Instant>,
    /// Those that have something to send and no bandwidth to send it.
    stalled: VecDeque<Key>,
}

/// Queries that came by a connection.
pub type Queries = Vec<(Key, Vec<u8>)>;

impl Streams {
    pub fn on_packet(&mut self, packet: &Packet<'_>, shared: &mut Shared) -> Queries {
        let Some(key) = packet.ends() else {
            return Vec::new();
        };
        let flags = packet.payload[13];
        match self.flows.get(&key) {
            None if flags & (SYN | ACK | RST) == SYN => self.open(key, packet, shared),
            None => refuse(packet, shared),
            Some(Flow::Connecting { .. }) if flags & RST != 0 => self.forget(&key),
            Some(Flow::Connecting { .. }) => {}
            Some(_) => return self.advance(key, Some(packet.whole), shared),
        }
        Vec::new()
    }

    fn open(&mut self, key: Key, packet: &Packet<'_>, shared: &mut Shared) {
        if self.flows.len() >= MAX_FLOWS || !is_unicast(key.1.ip()) {
            return refuse(packet, shared);
        }
        match shared.policy.judge(key.1, shared.now) {
            Verdict::Connect(target) => self.connect(key, target, packet, shared),
            Verdict::Resolve => {
                let buffer = buffer_size(MAX_FLOWS);
                let stream = LookupStream::new(Terminated::new(key.1, buffer, &mut shared.link, shared.now));
                self.flows.insert(key, Flow::Lookups(Box::new(stream)));
                self.advance(key, Some(packet.whole), shared);
            }
            Verdict::Refuse => refuse(packet, shared),
        }
    }

    fn connect(&mut self, key: Key, target: SocketAddr, packet: &Packet<'_>, shared: &mut Shared) {
        let begun = host::connect_stream(target).and_then(|host| {
            let id = shared.watch.add(&host, Kind::Stream)?;
            Ok((host, id))
        });
        match begun {
            Ok((host, id)) => {
                let syn = packet.whole.to_vec();
                self.keys.insert(id, key);
                self.flows.insert(key, Flow::Connecting { host, id, syn });
            }
            Err(error) => tell_failure(&error, packet, shared),
        }
    }

    /// The host's socket of a connection can be read or written, or has ended.
    pub fn on_event(&mut self, event: &Event, shared: &mut Shared) {
        let Some(key) = self.keys.get(&event.id).copied() else {
            return;
        };
        match self.flows.get_mut(&key) {
            Some(Flow::Connecting { .. }) if event.is_writable => self.establish(key, shared),
            Some(Flow::Relayed { relay, .. }) => {
                relay.is_readable |= event.is_readable;
                relay.is_writable |= event.is_writable;
                self.advance(key, None, shared);
            }
            _ => {}
        }
    }

    /// The host's socket has connected, or has failed to.
    fn establish(&mut self, key: Key, shared: &mut Shared) {
        let buffer = buffer_size(self.flows.len());
        let Some(Flow::Connecting { host, id, syn }) = self.flows.remove(&key) else {
            return;
        };
        if let Err(error) = host::outcome(&host) {
            self.keys.remove(&id);
            if let Some(packet) = packet::parse(&syn) {
                tell_failure(&error, &packet, shared);
            }
            return;
        }
        let inner = Terminated::new(key.1, buffer, &mut shared.link, shared.now);
        let relay = Box::new(Relay::new(inner, host));
        self.flows.insert(key, Flow::Relayed { relay, id });
        self.advance(key, Some(&syn), shared);
    }

    /// Moves what can be moved, and forgets the connection when it is over.
    fn advance(&mut self, key: Key, incoming: Option<&[u8]>, shared: &mut Shared) -> Queries {
        let Some(flow) = self.flows.get_mut(&key) else {
            return Vec::new();
        };
        let mut queries = Vec::new();
        let is_over = match flow {
            Flow::Relayed { relay, .. } => relay.advance(incoming, &mut shared.link, shared.now),
            Flow::Lookups(stream) => {
                stream.advance(incoming, &mut shared.link, shared.now);
                queries.extend(stream.take_queries().into_iter().map(|query| (key, query)));
                stream.is_over()
            }
            Flow::Connecting { .. } => false,
        };
        if is_over {
            self.forget(&key);
        } else {
            self.reschedule(key, shared);
        }
        queries
    }

    fn reschedule(&mut self, key: Key, shared: &mut Shared) {
        if !shared.link.is_open() {
            if !self.stalled.contains(&key) {
                self.stalled.push_back(key);
            }
            return self.set_timer(key, None);
        }
        let next = match self.flows.get_mut(&key) {
            Some(Flow::Relayed { relay, .. }) => relay.next_poll(shared.now),
            Some(Flow::Lookups(stream)) => stream.next_poll(shared.now),
            _ => None,
        };
        self.set_timer(key, next);
    }

    fn set_timer(&mut self, key: Key, at: Option<Instant>) {
        if let Some(old) = self.deadlines.remove(&key) {
            self.timers.remove(&(old, key));
        }
        if let Some(at) = at {
            self.deadlines.insert(key, at);
            self.timers.insert((at, key));
        }
    }

    fn forget(&mut self, key: &Key) {
        self.set_timer(*key, None);
        match self.flows.remove(key) {
            Some(Flow::Connecting { id, .. } | Flow::Relayed { id, .. }) => {
                self.keys.remove(&id);
            }
            Some(Flow::Lookups(_)) | None => {}
        }
    }

    /// When something must be sent though nothing comes.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    pub fn on_time(&mut self, shared: &mut Shared) -> Queries {
        let mut queries = Vec::new();
        while let Some((at, key)) = self.timers.first().copied()
            && at <= shared.now
        {
            self.set_timer(key, None);
            queries.extend(self.advance(key, None, shared));
        }
        // Each in its turn, until the bandwidth is used up again.
        for _ in 0..self.stalled.len() {
            if !shared.link.is_open() {
                break;
            }
            if let Some(key) = self.stalled.pop_front() {
                queries.extend(self.advance(key, None, shared));
            }
        }
        queries
    }

    /// The answer to a query that came by a connection.
    pub fn answer(&mut self, key: Key, answer: &[u8], shared: &mut Shared) {
        if let Some(Flow::Lookups(stream)) = self.flows.get_mut(&key) {
            stream.push_answer(answer);
            self.advance(key, None, shared);
        }
    }
}

fn refuse(packet: &Packet<'_>, shared: &mut Shared) {
    if let Some(reset) = packet::reset(packet) {
        shared.link.send(&reset, shared.now);
    }
}

fn tell_failure(error: &io::Error, packet: &Packet<'_>, shared: &mut Shared) {
    let Some(why) = host::unreachable(error) else {
        return refuse(packet, shared);
    };
    if let Some(told) = packet::unreachable(packet.source, packet.target, packet.whole, why) {
        shared.link.send(&told, shared.now);
    }
}
