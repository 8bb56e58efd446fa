//! Where a step may connect to.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use super::address::{HOST, RESOLVER, is_closed};
use super::allow::{Allow, is_below};
use super::dns::{Address, Failure};

/// What becomes of a flow.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// A socket of the host connects to this.
    Connect(SocketAddr),
    /// It is for the step's nameserver.
    Resolve,
    Refuse,
}

const DNS_PORT: u16 = 53;

pub struct Policy {
    allow: Option<Allow>,
    search_domains: Vec<String>,
    /// The host's own address on the way out, which `HOST` leads to.
    host: Option<Ipv4Addr>,
    blocked: Blocked,
}

impl Policy {
    pub fn new(allow: Option<Allow>, search_domains: Vec<String>, host: Option<Ipv4Addr>) -> Self {
        Self {
            allow,
            search_domains,
            host,
            blocked: Blocked::default(),
        }
    }

    /// Whether the step has an allow-list.
    pub fn is_restricted(&self) -> bool {
        self.allow.is_some()
    }

    /// Decides about a new flow of TCP or UDP.
    pub fn judge(&mut self, target: SocketAddr, now: Instant) -> Verdict {
        if target.ip() == RESOLVER && target.port() == DNS_PORT {
            return Verdict::Resolve;
        }
        let real = match (target.ip() == HOST, self.host) {
            (true, Some(host)) => SocketAddr::new(host.into(), target.port()),
            _ => target,
        };
        if !is_closed(real.ip()) && self.is_listed(target, real, now) {
            return Verdict::Connect(real);
        }
        let name = self.allow.as_ref().and_then(|allow| allow.name_of(target.ip()));
        self.blocked.flow(target, name);
        Verdict::Refuse
    }

    /// The same for an address that is only asked whether it is there.
    pub fn allows_echo(&self, target: IpAddr, now: Instant) -> bool {
        let allow = self.allow.as_ref();
        !is_closed(target) && allow.is_none_or(|allow| allow.allows_echo(target, now))
    }

    fn is_listed(&self, target: SocketAddr, real: SocketAddr, now: Instant) -> bool {
        let Some(allow) = &self.allow else { return true };
        [target, real].iter().any(|end| allow.allows(*end, now))
    }

    /// Whether the step may look `name` up, and how it is told when not.
    pub fn judge_name(&mut self, name: &str) -> Result<(), Failure> {
        let Some(allow) = &self.allow else { return Ok(()) };
        if allow.allows_name(name, &self.search_domains) {
            return Ok(());
        }
        // A resolver that tries its search domains goes on after "no such name", and gives up after "refused".
        if self.search_domains.iter().any(|domain| is_below(name, domain)) {
            return Err(Failure::NoSuchName);
        }
        self.blocked.name(name);
        Err(Failure::Refused)
    }

    /// Opens the addresses of a name that was allowed.
    pub fn learn(&mut self, name: &str, addresses: &[Address], now: Instant) {
        let Some(allow) = &mut self.allow else { return };
        for address in addresses {
            allow.grant(name, address, &self.search_domains, now);
        }
    }

    pub fn into_blocked(self) -> Vec<String> {
        self.blocked.0.into()
    }
}

/// What was refused, once each, as a person reads it.
#[derive(Default)]
struct Blocked(VecDeque<String>);

/// A step that tries everything fills no memory.
const MAX_BLOCKED: usize = 32;

impl Blocked {
    fn flow(&mut self, target: SocketAddr, name: Option<&str>) {
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        self.push(format!("{target}{name}"));
    }

    fn name(&mut self, name: &str) {
        self.push(if name.is_empty() { "." } else { name }.to_owned());
    }

    fn push(&mut self, line: String) {
        if self.0.len() < MAX_BLOCKED && !self.0.contains(&line) {
            self.0.push_back(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::allow::{Rule, SHORTEST_GRANT, Subject};
    use super::*;

    fn policy(rules: Vec<Rule>) -> Policy {
        Policy::new(Some(Allow::new(rules)), vec!["corp.example".into()], None)
    }

    fn name(name: &str, port: Option<u16>) -> Rule {
        Rule {
            subject: Subject::Name(name.into()),
            port,
        }
    }

    fn end(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn address(ip: &str) -> Address {
        Address {
            ip: ip.parse().unwrap(),
            seconds: 60,
        }
    }

    #[test]
    fn an_address_is_open_once_its_name_was_found_at_the_ports_of_the_rule() {
        let now = Instant::now();
        let mut policy = policy(vec![name("a.example", Some(443))]);
        assert_eq!(policy.judge(end("1.2.3.4:443"), now), Verdict::Refuse);
        policy.learn("a.example", &[address("1.2.3.4")], now);
        assert_eq!(
            policy.judge(end("1.2.3.4:443"), now),
            Verdict::Connect(end("1.2.3.4:443"))
        );
        assert_eq!(policy.judge(end("1.2.3.4:80"), now), Verdict::Refuse);
        let later = now + SHORTEST_GRANT * 2;
        assert_eq!(policy.judge(end("1.2.3.4:443"), later), Verdict::Refuse);
        assert_eq!(
            policy.into_blocked(),
            ["1.2.3.4:443", "1.2.3.4:80 (a.example)", "1.2.3.4:443 (a.example)"]
        );
    }

    #[test]
    fn names_that_share_an_address_each_have_their_own_port() {
        let now = Instant::now();
        let mut policy = policy(vec![name("a.example", Some(80)), name("b.example", Some(443))]);
        policy.learn("a.example", &[address("1.2.3.4")], now);
        assert_eq!(policy.judge(end("1.2.3.4:443"), now), Verdict::Refuse);
        policy.learn("b.example", &[address("1.2.3.4")], now);
        for open in ["1.2.3.4:80", "1.2.3.4:443"] {
            assert_eq!(
                policy.judge(end(open), now),
                Verdict::Connect(end(open)),
                "{open}"
            );
        }
        assert_eq!(policy.judge(end("1.2.3.4:22"), now), Verdict::Refuse);
    }

    #[test]
    fn a_rule_for_a_port_opens_no_echo() {
        let now = Instant::now();
        let mut policy = policy(vec![name("a.example", Some(443)), name("b.example", None)]);
        policy.learn("a.example", &[address("1.2.3.4")], now);
        policy.learn("b.example", &[address("1.2.3.5"), address("::ffff:1.2.3.6")], now);
        for (open, target) in [(false, "1.2.3.4"), (true, "1.2.3.5"), (true, "1.2.3.6")] {
            assert_eq!(policy.allows_echo(target.parse().unwrap(), now), open, "{target}");
        }
    }

    #[test]
    fn a_wildcard_is_for_names_below_it() {
        let rule = Rule {
            subject: Subject::Below("example.com".into()),
            port: None,
        };
        let mut policy = policy(vec![rule]);
        assert!(policy.judge_name("a.example.com").is_ok());
        assert!(policy.judge_name("a.b.example.com").is_ok());
        assert_eq!(policy.judge_name("example.com"), Err(Failure::Refused));
        assert_eq!(policy.judge_name("badexample.com"), Err(Failure::Refused));
    }

    #[test]
    fn search_domains_complete_short_names_and_are_no_way_out() {
        let mut policy = policy(vec![name("registry", None), name("pypi.org", None)]);
        assert!(policy.judge_name("registry.corp.example").is_ok());
        assert_eq!(
            policy.judge_name("pypi.org.corp.example"),
            Err(Failure::NoSuchName)
        );
        assert_eq!(policy.judge_name("corp.example"), Err(Failure::Refused));
    }

    #[test]
    fn blocks_of_addresses_are_matched_by_their_bits() {
        let block = |ip: &str, length| Rule {
            subject: Subject::Block(ip.parse().unwrap(), length),
            port: None,
        };
        let mut policy = policy(vec![block("10.1.0.0", 16), block("2001:db8::", 32)]);
        let now = Instant::now();
        for (open, target) in [
            (true, "10.1.2.3:1"),
            (false, "10.2.0.1:1"),
            (true, "[2001:db8:1::1]:1"),
            (false, "[2001:db9::1]:1"),
        ] {
            assert_eq!(
                policy.judge(end(target), now) != Verdict::Refuse,
                open,
                "{target}"
            );
        }
    }

    #[test]
    fn what_is_closed_to_every_step_no_rule_opens() {
        let everything = Rule {
            subject: Subject::Block("0.0.0.0".parse().unwrap(), 0),
            port: None,
        };
        let mut policy = policy(vec![everything]);
        let now = Instant::now();
        assert_eq!(policy.judge(end("169.254.169.254:80"), now), Verdict::Refuse);
        assert_eq!(policy.judge(end("127.0.0.1:80"), now), Verdict::Refuse);
        assert_eq!(
            policy.judge(end("1.1.1.1:80"), now),
            Verdict::Connect(end("1.1.1.1:80"))
        );
    }

    #[test]
    fn the_gateway_leads_to_the_host() {
        let host = Ipv4Addr::new(10, 0, 0, 5);
        let mut policy = Policy::new(None, Vec::new(), Some(host));
        let now = Instant::now();
        let target = SocketAddr::new(HOST.into(), 8080);
        assert_eq!(policy.judge(target, now), Verdict::Connect(end("10.0.0.5:8080")));
        let mut alone = Policy::new(None, Vec::new(), None);
        assert_eq!(alone.judge(target, now), Verdict::Refuse);
    }
}
