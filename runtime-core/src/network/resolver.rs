//! The step's nameserver. It knows nothing itself: it forwards what may be asked to the host's nameservers, one after the other.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::dns::{self, Failure, Question};
use super::query::{Progress, Transport};
use super::stack::Shared;
use super::tcp::Key;
use super::watch::{Id, Kind};

/// Who gets the answer.
#[derive(Clone, Copy)]
pub enum Client {
    Datagram(SocketAddr),
    Stream(Key),
}

/// An answer and who gets it.
pub type Answer = (Client, Vec<u8>);

const MAX_QUERIES: usize = 256;
/// A server that is silent for this long is asked again, or another one.
const PATIENCE: Duration = Duration::from_secs(3);
/// With one server it is asked three times: about as long as resolv.conf(5) has it.
const FEWEST_ATTEMPTS: usize = 3;

struct Query {
    client: Client,
    message: Vec<u8>,
    question: Question,
    transport: Transport,
    attempt: usize,
    until: Instant,
}

pub struct Resolver {
    servers: Vec<SocketAddr>,
    queries: HashMap<Id, Query>,
}

impl Resolver {
    pub fn new(servers: Vec<SocketAddr>) -> Self {
        Self {
            servers,
            queries: HashMap::new(),
        }
    }

    /// Forwards a query. What can be answered at once, is; what is no query is nothing.
    pub fn ask(&mut self, message: &[u8], client: Client, shared: &mut Shared) -> Option<Answer> {
        if !dns::is_query(message) {
            return None;
        }
        let question = match dns::question(message) {
            Ok(question) => question,
            Err(why) => return Some((client, dns::unreadable(message, why))),
        };
        if let Err(refusal) = shared.policy.judge_name(&question.name) {
            return Some((client, dns::failure(message, &question, refusal)));
        }
        if self.queries.len() >= MAX_QUERIES {
            return Some((client, dns::failure(message, &question, Failure::Server)));
        }
        let message = if shared.policy.is_restricted() {
            dns::plain_query(message, &question)
        } else {
            message.to_vec()
        };
        self.attempt(client, message, question, 0, shared)
    }

    /// Asks the server whose turn it is, or the next that can be reached at all.
    fn attempt(
        &mut self,
        client: Client,
        message: Vec<u8>,
        question: Question,
        first: usize,
        shared: &mut Shared,
    ) -> Option<Answer> {
        for attempt in first..self.most_attempts() {
            let Some((transport, id)) = self.send(attempt, client, &message, shared) else {
                continue;
            };
            let query = Query {
                client,
                message,
                question,
                transport,
                attempt,
                until: shared.now + PATIENCE,
            };
            self.queries.insert(id, query);
            return None;
        }
        Some((client, dns::failure(&message, &question, Failure::Server)))
    }

    fn send(
        &self,
        attempt: usize,
        client: Client,
        message: &[u8],
        shared: &mut Shared,
    ) -> Option<(Transport, Id)> {
        let server = self.servers[attempt % self.servers.len()];
        let transport = match client {
            Client::Datagram(_) => Transport::datagram(server, message),
            Client::Stream(_) => Transport::stream(server, message),
        };
        let transport = transport.ok()?;
        let id = shared.watch.add(transport.host(), Kind::Lookup).ok()?;
        Some((transport, id))
    }

    fn most_attempts(&self) -> usize {
        match self.servers.len() {
            0 => 0,
            count => (count * 2).max(FEWEST_ATTEMPTS),
        }
    }

    pub fn on_event(&mut self, id: Id, shared: &mut Shared, buffer: &mut [u8]) -> Option<Answer> {
        let query = self.queries.get_mut(&id)?;
        let message = &query.message;
        match query
            .transport
            .advance(buffer, |bytes| dns::answers(bytes, message))
        {
            Progress::Waiting => None,
            Progress::Failed => self.next(id, shared),
            Progress::Answer(answer) => {
                let has_others = query.attempt + 1 < self.servers.len();
                if dns::is_unhelpful(&answer) && has_others {
                    return self.next(id, shared);
                }
                let query = self.queries.remove(&id)?;
                let found = dns::addresses(&answer);
                shared.policy.learn(&query.question.name, &found, shared.now);
                Some((query.client, answer))
            }
        }
    }

    /// Gives the query to the next server.
    fn next(&mut self, id: Id, shared: &mut Shared) -> Option<Answer> {
        let query = self.queries.remove(&id)?;
        self.attempt(
            query.client,
            query.message,
            query.question,
            query.attempt + 1,
            shared,
        )
    }

    pub fn on_time(&mut self, shared: &mut Shared) -> Vec<Answer> {
        let now = shared.now;
        let late = |query: &Query| query.until <= now;
        let ids: Vec<Id> = self
            .queries
            .iter()
            .filter(|(_, query)| late(query))
            .map(|(id, _)| *id)
            .collect();
        ids.into_iter()
            .filter_map(|id| self.on_silence(id, shared))
            .collect()
    }

    /// A lone server keeps its socket, since it may still answer what it was asked first.
    fn on_silence(&mut self, id: Id, shared: &mut Shared) -> Option<Answer> {
        let last = self.most_attempts() - 1;
        let query = self.queries.get_mut(&id)?;
        if self.servers.len() > 1 || query.attempt >= last {
            return self.next(id, shared);
        }
        query.attempt += 1;
        query.until = shared.now + PATIENCE;
        query.transport.repeat(&query.message);
        None
    }

    pub fn next_deadline(&self) -> Option<Instant> {
        self.queries.values().map(|query| query.until).min()
    }
}
