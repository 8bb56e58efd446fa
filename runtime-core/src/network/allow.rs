//! Whom a step may reach where it is not everybody: the rules of `--allow-net`, and the addresses behind their names.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::dns::Address;

/// Who a rule is about. Names are in lower case.
pub enum Subject {
    Name(String),
    /// All names below this one, and not itself.
    Below(String),
    /// An address and how many of its bits count.
    Block(IpAddr, u32),
}

pub struct Rule {
    pub subject: Subject,
    /// `None` is every port.
    pub port: Option<u16>,
}

/// An allow-list, and the addresses that its names have been found to have.
pub struct Allow {
    rules: Vec<Rule>,
    granted: HashMap<IpAddr, Grant>,
}

struct Grant {
    name: String,
    until: Instant,
}

/// An address stays open for as long as its record says, but a connection is made some time after the lookup, and programs keep
/// what they have looked up for a minute or more.
pub const SHORTEST_GRANT: Duration = Duration::from_secs(300);
const LONGEST_GRANT: Duration = Duration::from_secs(86_400);
/// As many addresses are open at most; the one that would have been closed first makes room.
const MAX_GRANTS: usize = 4096;

impl Allow {
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            rules,
            granted: HashMap::new(),
        }
    }

    /// Whether `name` may be looked up.
    pub fn allows_name(&self, name: &str, search_domains: &[String]) -> bool {
        self.rules.iter().any(|rule| rule.names(name, search_domains))
    }

    pub fn allows(&self, target: SocketAddr, search_domains: &[String], now: Instant) -> bool {
        let grant = self.granted.get(&target.ip()).filter(|grant| grant.until > now);
        self.rules.iter().any(|rule| {
            rule.port.is_none_or(|port| port == target.port())
                && (rule.holds(target.ip())
                    || grant.is_some_and(|grant| rule.names(&grant.name, search_domains)))
        })
    }

    /// The same for an address that is only asked whether it is there, at no port.
    pub fn allows_echo(&self, target: IpAddr, now: Instant) -> bool {
        let is_granted = self.granted.get(&target).is_some_and(|grant| grant.until > now);
        is_granted || self.rules.iter().any(|rule| rule.holds(target))
    }

    /// The name that an address was last opened for.
    pub fn name_of(&self, ip: IpAddr) -> Option<&str> {
        self.granted.get(&ip).map(|grant| grant.name.as_str())
    }

    /// Opens an address of `name`, which is allowed.
    pub fn grant(&mut self, name: &str, address: &Address, now: Instant) {
        if self.granted.len() >= MAX_GRANTS && !self.granted.contains_key(&address.ip) {
            let first = self.granted.iter().min_by_key(|(_, grant)| grant.until);
            if let Some(ip) = first.map(|(ip, _)| *ip) {
                self.granted.remove(&ip);
            }
        }
        let lifetime = Duration::from_secs(u64::from(address.seconds));
        let grant = Grant {
            name: name.to_owned(),
            until: now + lifetime.clamp(SHORTEST_GRANT, LONGEST_GRANT),
        };
        self.granted.insert(address.ip, grant);
    }
}

impl Rule {
    fn names(&self, name: &str, search_domains: &[String]) -> bool {
        match &self.subject {
            Subject::Name(own) => {
                own == name
                    || (!own.contains('.')
                        && search_domains.iter().any(|domain| is_joined(name, own, domain)))
            }
            Subject::Below(parent) => is_below(name, parent),
            Subject::Block(..) => false,
        }
    }

    fn holds(&self, ip: IpAddr) -> bool {
        let Subject::Block(block, length) = self.subject else {
            return false;
        };
        match (block, ip) {
            (IpAddr::V4(block), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                u32::from(block) & mask == u32::from(ip) & mask
            }
            (IpAddr::V6(block), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                u128::from(block) & mask == u128::from(ip) & mask
            }
            _ => false,
        }
    }
}

pub fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

/// Whether `name` is `own` with a search domain after it.
fn is_joined(name: &str, own: &str, domain: &str) -> bool {
    name.strip_prefix(own)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|rest| rest == domain)
}
