//! The loop: packets of the step, sockets of the host, and time.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Traffic;
use super::address::{RESOLVER, STEP_V4, STEP_V6};
use super::endpoint::{Endpoint, MAX_PACKET, Read};
use super::host;
use super::link::Link;
use super::packet::{self, ICMP, ICMP_V6, Packet, TCP, UDP};
use super::ping::Echoes;
use super::plan::Plan;
use super::policy::Policy;
use super::resolver::{Answer, Client, Resolver};
use super::tcp::{Queries, Streams};
use super::udp::Datagrams;
use super::watch::{Event, Id, Kind, Watch};

/// What every kind of flow works with.
pub struct Shared {
    pub link: Link,
    pub policy: Policy,
    pub watch: Watch,
    pub now: Instant,
}

pub struct Stack {
    shared: Shared,
    link_id: Id,
    is_listening: bool,
    /// The interface is gone.
    has_ended: bool,
    streams: Streams,
    datagrams: Datagrams,
    echoes: Echoes,
    resolver: Resolver,
    buffer: Vec<u8>,
    swept: Instant,
    _wake: Arc<OwnedFd>,
}

/// As many packets are taken from the step before the host's sockets have their turn.
const MAX_PACKETS: usize = 64;
/// How often what is idle is looked for.
const SWEEP: Duration = Duration::from_secs(1);
const DNS_PORT: u16 = 53;

impl Stack {
    pub fn new(endpoint: Endpoint, plan: Plan, wake: Arc<OwnedFd>) -> io::Result<Self> {
        let now = Instant::now();
        let link = Link::new(endpoint, plan.bytes_per_second, now);
        let mut watch = Watch::new()?;
        let link_id = watch.add(&link, Kind::Link)?;
        watch.add(&*wake, Kind::Wake)?;
        Ok(Self {
            shared: Shared {
                link,
                policy: Policy::new(plan.allow, plan.search_domains, host::own_address()),
                watch,
                now,
            },
            link_id,
            is_listening: true,
            has_ended: false,
            streams: Streams::default(),
            datagrams: Datagrams::default(),
            echoes: Echoes::default(),
            resolver: Resolver::new(plan.nameservers),
            buffer: vec![0; MAX_PACKET],
            swept: now,
            _wake: wake,
        })
    }

    /// Runs until it is woken, and tells then what there was.
    pub fn run(mut self, tell: impl FnOnce(Traffic)) {
        while self.turn() {}
        // Counted, and thrown away: the step is over.
        while let Read::Packet(_) = self.shared.link.receive(&mut self.buffer) {}
        tell(Traffic {
            received: self.shared.link.received,
            sent: self.shared.link.sent,
            blocked: self.shared.policy.into_blocked(),
        });
    }

    /// False once it is to end.
    fn turn(&mut self) -> bool {
        let deadline = self.next_deadline();
        let events = self.shared.watch.wait(deadline);
        self.shared.now = Instant::now();
        self.shared.link.flush(self.shared.now);
        for event in &events {
            if event.kind == Kind::Wake {
                return false;
            }
            self.on_event(event);
        }
        self.on_time();
        true
    }

    fn on_event(&mut self, event: &Event) {
        let Self { shared, buffer, .. } = self;
        match event.kind {
            Kind::Link => self.take_packets(),
            Kind::Stream => self.streams.on_event(event, shared),
            Kind::Datagram => self.datagrams.on_event(event.id, shared, buffer),
            Kind::Echo => self.echoes.on_event(event.id, shared, buffer),
            Kind::Lookup => {
                let answer = self.resolver.on_event(event.id, shared, buffer);
                self.answer(answer);
            }
            Kind::Wake => {}
        }
    }

    fn take_packets(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..MAX_PACKETS {
            if self.shared.link.must_wait(self.shared.now).is_some() {
                break;
            }
            match self.shared.link.receive(&mut buffer) {
                Read::Packet(length) => self.on_packet(&buffer[..length]),
                Read::Nothing => break,
                Read::Ended => {
                    self.has_ended = true;
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    fn on_packet(&mut self, bytes: &[u8]) {
        let Some(packet) = packet::parse(bytes).filter(is_from_the_step) else {
            return;
        };
        match packet.protocol {
            TCP => {
                let queries = self.streams.on_packet(&packet, &mut self.shared);
                self.ask(queries);
            }
            UDP => {
                if let Some((sender, query)) = self.datagrams.on_packet(&packet, &mut self.shared) {
                    let answer = self
                        .resolver
                        .ask(&query, Client::Datagram(sender), &mut self.shared);
                    self.answer(answer);
                }
            }
            ICMP | ICMP_V6 => self.echoes.on_packet(&packet, &mut self.shared),
            _ => {}
        }
    }

    fn ask(&mut self, queries: Queries) {
        for (key, query) in queries {
            let answer = self.resolver.ask(&query, Client::Stream(key), &mut self.shared);
            self.answer(answer);
        }
    }

    fn answer(&mut self, answer: impl IntoIterator<Item = Answer>) {
        for (client, bytes) in answer {
            match client {
                Client::Stream(key) => self.streams.answer(key, &bytes, &mut self.shared),
                Client::Datagram(to) => {
                    let from = (RESOLVER, DNS_PORT).into();
                    if let Some(packet) = packet::datagram(from, to, &bytes) {
                        self.shared.link.send(&packet, self.shared.now);
                    }
                }
            }
        }
    }

    fn on_time(&mut self) {
        let queries = self.streams.on_time(&mut self.shared);
        self.ask(queries);
        let answers = self.resolver.on_time(&mut self.shared);
        self.answer(answers);
        let now = self.shared.now;
        if now.duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.datagrams.on_time(now);
            self.echoes.on_time(now);
        }
        self.listen();
    }

    /// The step is not listened to while it has used up its bandwidth, nor once its interface is gone.
    fn listen(&mut self) {
        let now = self.shared.now;
        let is_on = !self.has_ended && self.shared.link.must_wait(now).is_none();
        if is_on != self.is_listening {
            let Shared { link, watch, .. } = &self.shared;
            if watch.listen(link, self.link_id, is_on).is_ok() {
                self.is_listening = is_on;
            }
        }
        if self.has_ended {
            self.shared.watch.remove(&self.shared.link);
        }
    }

    fn next_deadline(&mut self) -> Option<Instant> {
        let now = self.shared.now;
        let is_idle = self.datagrams.is_empty() && self.echoes.is_empty();
        let waits = [
            self.streams.next_deadline(),
            self.resolver.next_deadline(),
            self.shared.link.opens,
            self.shared.link.must_wait(now),
            (!is_idle).then(|| self.swept + SWEEP),
        ];
        waits.into_iter().flatten().min()
    }
}

/// Others that it claims to be get no flow.
fn is_from_the_step(packet: &Packet<'_>) -> bool {
    packet.source == STEP_V4 || packet.source == STEP_V6
}
