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
    /// By the place of their rule, since names with different ports may have one address.
    granted: HashMap<(IpAddr, usize), Grant>,
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

    pub fn allows(&self, target: SocketAddr, now: Instant) -> bool {
        self.rules.iter().enumerate().any(|(place, rule)| {
            rule.port.is_none_or(|port| port == target.port()) && self.opens(place, target.ip(), now)
        })
    }

    /// The same for an address that is only asked whether it is there: a rule for one port is for that port alone.
    pub fn allows_echo(&self, target: IpAddr, now: Instant) -> bool {
        let mut rules = self.rules.iter().enumerate();
        rules.any(|(place, rule)| rule.port.is_none() && self.opens(place, target, now))
    }

    /// Whether the rule at `place` is about this address, at whatever port.
    fn opens(&self, place: usize, ip: IpAddr, now: Instant) -> bool {
        let grant = self.granted.get(&(ip, place));
        self.rules[place].holds(ip) || grant.is_some_and(|grant| grant.until > now)
    }

    /// A name that an address was opened for.
    pub fn name_of(&self, ip: IpAddr) -> Option<&str> {
        let grant = (0..self.rules.len()).find_map(|place| self.granted.get(&(ip, place)))?;
        Some(&grant.name)
    }

    /// Opens an address of `name`, by each rule that is about it.
    pub fn grant(&mut self, name: &str, address: &Address, search_domains: &[String], now: Instant) {
        // What a record has in the clothes of IPv6 is reached by IPv4.
        let ip = address.ip.to_canonical();
        let lifetime = Duration::from_secs(u64::from(address.seconds));
        let until = now + lifetime.clamp(SHORTEST_GRANT, LONGEST_GRANT);
        for place in 0..self.rules.len() {
            if self.rules[place].names(name, search_domains) {
                self.make_room(&(ip, place));
                let name = name.to_owned();
                self.granted.insert((ip, place), Grant { name, until });
            }
        }
    }

    fn make_room(&mut self, key: &(IpAddr, usize)) {
        if self.granted.len() < MAX_GRANTS || self.granted.contains_key(key) {
            return;
        }
        let first = self.granted.iter().min_by_key(|(_, grant)| grant.until);
        if let Some(key) = first.map(|(key, _)| *key) {
            self.granted.remove(&key);
        }
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
