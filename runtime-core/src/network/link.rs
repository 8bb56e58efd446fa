//! The step's interface with what is counted and limited of it.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

use super::bucket::Bucket;
use super::endpoint::{Endpoint, Read};

/// Packets that wait for the bandwidth to allow them; more are lost, as in any router.
const MAX_WAITING: usize = 256;

pub struct Link {
    endpoint: Endpoint,
    to_step: Bucket,
    from_step: Bucket,
    waiting: VecDeque<Vec<u8>>,
    /// When the next packet may go to the step, if not now.
    pub opens: Option<Instant>,
    pub received: u64,
    pub sent: u64,
    scratch: Vec<u8>,
}

impl Link {
    pub fn new(endpoint: Endpoint, rate: Option<f64>, now: Instant) -> Self {
        Self {
            endpoint,
            to_step: Bucket::new(rate, now),
            from_step: Bucket::new(rate, now),
            waiting: VecDeque::new(),
            opens: None,
            received: 0,
            sent: 0,
            scratch: Vec::new(),
        }
    }

    /// The next packet of the step's.
    pub fn receive(&mut self, buffer: &mut [u8]) -> Read {
        let read = self.endpoint.read(buffer);
        if let Read::Packet(length) = read {
            self.sent += length as u64;
            self.from_step.take(length);
        }
        read
    }

    /// When the step may send again, if not now.
    pub fn must_wait(&mut self, now: Instant) -> Option<Instant> {
        self.from_step.wait(now)
    }

    /// Whether a packet to the step goes at once.
    pub fn is_open(&self) -> bool {
        self.opens.is_none()
    }

    /// A packet to the step, at once or when the bandwidth allows it.
    pub fn send(&mut self, packet: &[u8], now: Instant) {
        if self.is_open() {
            self.put(packet, now);
        } else if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(packet.to_vec());
        }
    }

    /// A packet that `fill` writes in place.
    pub fn send_with<R>(&mut self, length: usize, now: Instant, fill: impl FnOnce(&mut [u8]) -> R) -> R {
        let mut packet = std::mem::take(&mut self.scratch);
        packet.clear();
        packet.resize(length, 0);
        let result = fill(&mut packet);
        self.send(&packet, now);
        self.scratch = packet;
        result
    }

    /// Sends what waits, as far as the bandwidth allows.
    pub fn flush(&mut self, now: Instant) {
        self.opens = self.to_step.wait(now);
        while self.is_open() {
            let Some(packet) = self.waiting.pop_front() else {
                return;
            };
            self.put(&packet, now);
        }
    }

    fn put(&mut self, packet: &[u8], now: Instant) {
        self.endpoint.write(packet);
        self.received += packet.len() as u64;
        self.to_step.take(packet.len());
        self.opens = self.to_step.wait(now);
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.endpoint.as_fd()
    }
}
