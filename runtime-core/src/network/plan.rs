//! What a step's network is to be, as TypeScript asks for it.

use std::net::{IpAddr, SocketAddr};

use napi_derive::napi;

use super::allow::{Allow, Rule, Subject};
use crate::error::{Error, Result};

/// The network of a step that has one of its own.
#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxNetwork {
    /// `address` or `address:port`, an IPv6 address in brackets: who answers the step's lookups, in the order to be tried.
    pub nameservers: Vec<String>,
    /// Appended to names by resolvers: resolv.conf(5), `search`.
    pub search_domains: Vec<String>,
    /// The only ends that may be reached; absent is all that are not closed to every step.
    pub allow: Option<Vec<SandboxAllowRule>>,
    /// Bytes in a second, in each direction.
    pub bytes_per_second: Option<f64>,
}

/// One of `name` and `address` is given.
#[napi(object)]
#[derive(Clone, Default)]
pub struct SandboxAllowRule {
    /// A host name, or `*.` and a name for all names below it.
    pub name: Option<String>,
    pub address: Option<String>,
    /// How many bits of `address` count; absent is all.
    pub prefix_length: Option<u32>,
    /// Absent is every port.
    pub port: Option<u32>,
}

/// The same, checked.
pub struct Plan {
    pub nameservers: Vec<SocketAddr>,
    pub search_domains: Vec<String>,
    pub allow: Option<Allow>,
    pub bytes_per_second: Option<f64>,
}

const DNS_PORT: u16 = 53;

impl SandboxNetwork {
    pub fn check(&self) -> Result<Plan> {
        let rules = self
            .allow
            .as_ref()
            .map(|rules| rules.iter().map(rule).collect::<Result<Vec<_>>>());
        Ok(Plan {
            nameservers: self
                .nameservers
                .iter()
                .map(|text| nameserver(text))
                .collect::<Result<_>>()?,
            search_domains: self.search_domains.iter().map(|name| plain_name(name)).collect(),
            allow: rules.transpose()?.map(Allow::new),
            bytes_per_second: self.bytes_per_second.map(rate).transpose()?,
        })
    }
}

fn nameserver(text: &str) -> Result<SocketAddr> {
    let bare = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT));
    bare.or_else(|_| text.parse())
        .map_err(|_| invalid(text, "not the address of a nameserver"))
}

fn rule(rule: &SandboxAllowRule) -> Result<Rule> {
    let port = rule
        .port
        .map(|port| u16::try_from(port).map_err(|_| invalid(&port.to_string(), "not a port")));
    let subject = match (&rule.name, &rule.address) {
        (Some(name), None) => match name.strip_prefix("*.") {
            Some(parent) => Subject::Below(plain_name(parent)),
            None => Subject::Name(plain_name(name)),
        },
        (None, Some(address)) => block(address, rule.prefix_length)?,
        _ => return Err(invalid("allow", "a rule has either a name or an address")),
    };
    Ok(Rule {
        subject,
        port: port.transpose()?,
    })
}

fn block(address: &str, prefix_length: Option<u32>) -> Result<Subject> {
    let ip: IpAddr = address.parse().map_err(|_| invalid(address, "not an address"))?;
    let most = if ip.is_ipv4() { 32 } else { 128 };
    let length = prefix_length.unwrap_or(most);
    if length > most {
        return Err(invalid(address, "the prefix is longer than the address"));
    }
    Ok(Subject::Block(ip, length))
}

fn plain_name(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Less than a byte in a second is no network.
fn rate(value: f64) -> Result<f64> {
    if value >= 1.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(invalid("netBps", "not a possible rate"))
    }
}

fn invalid(subject: &str, message: &str) -> Error {
    Error::new("SANDBOX_INVALID_SPEC", "network", message).with_subject(subject)
}
