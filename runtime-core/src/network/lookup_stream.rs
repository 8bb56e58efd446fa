//! Lookups over TCP: each message behind its length. RFC 7766.

use std::time::Instant;

use smoltcp::socket::tcp::State;

use super::dns;
use super::link::Link;
use super::packet::word;
use super::terminated::Terminated;

/// As many answers may wait to be sent; RFC 7766 lets a client send queries without waiting.
const MAX_WAITING: usize = 256 << 10;

pub struct LookupStream {
    inner: Terminated,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Queries that have no answer yet.
    open: usize,
}

impl LookupStream {
    pub fn new(inner: Terminated) -> Self {
        Self {
            inner,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            open: 0,
        }
    }

    pub fn advance(&mut self, incoming: Option<&[u8]>, link: &mut Link, now: Instant) {
        self.inner.poll(incoming, link, now);
        let socket = self.inner.socket();
        // A step that takes no answers is not asked for more queries.
        if self.outgoing.len() < MAX_WAITING && self.incoming.len() < MAX_WAITING {
            let into = &mut self.incoming;
            let _ = socket.recv(|bytes| {
                into.extend_from_slice(bytes);
                (bytes.len(), ())
            });
        }
        if let Ok(sent) = socket.send_slice(&self.outgoing) {
            self.outgoing.drain(..sent);
        }
        let is_done = self.open == 0 && self.outgoing.is_empty() && word(&self.incoming, 0).is_none();
        if is_done && socket.state() == State::CloseWait {
            socket.close();
        }
        self.inner.poll(None, link, now);
    }

    /// The whole queries that have come. What is none gets no answer.
    pub fn take_queries(&mut self) -> Vec<Vec<u8>> {
        let mut queries = Vec::new();
        while let Some(length) = word(&self.incoming, 0).map(usize::from)
            && self.incoming.len() >= 2 + length
        {
            let message: Vec<u8> = self.incoming.drain(..2 + length).skip(2).collect();
            if dns::is_query(&message) {
                queries.push(message);
            }
        }
        self.open += queries.len();
        queries
    }

    pub fn push_answer(&mut self, answer: &[u8]) {
        self.open = self.open.saturating_sub(1);
        if let Ok(length) = u16::try_from(answer.len()) {
            self.outgoing.extend_from_slice(&length.to_be_bytes());
            self.outgoing.extend_from_slice(answer);
        }
    }

    pub fn is_over(&mut self) -> bool {
        matches!(self.inner.socket().state(), State::Closed | State::TimeWait)
    }

    pub fn next_poll(&mut self, now: Instant) -> Option<Instant> {
        self.inner.next_poll(now)
    }
}
