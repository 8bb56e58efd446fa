//! What a step's network is to be, as TypeScript asks for it.

use std::ffi::CString;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

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
    let invalid = || invalid(text, "not the address of a nameserver");
    if let Some((address, zone)) = text.split_once('%') {
        let ip = address.parse().map_err(|_| invalid())?;
        return Ok(SocketAddrV6::new(ip, DNS_PORT, 0, scope_id(zone)).into());
    }
    let bare = text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT));
    bare.or_else(|_| text.parse()).map_err(|_| invalid())
}

/// RFC 4007, section 11: the name of an interface, or its number. 0, by which nothing link-local is reached, where there is none.
fn scope_id(zone: &str) -> u32 {
    let index = || {
        let name = CString::new(zone).ok()?;
        // SAFETY: `name` is a string that ends with a null byte, and is only read.
        Some(unsafe { libc::if_nametoindex(name.as_ptr()) })
    };
    zone.parse().ok().or_else(index).unwrap_or(0)
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
    Ok(match ip.to_canonical() {
        // What stands for IPv4 addresses is reached by IPv4: RFC 4291, section 2.5.5.2.
        mapped @ IpAddr::V4(_) if ip.is_ipv6() && length >= 96 => Subject::Block(mapped, length - 96),
        _ => Subject::Block(ip, length),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nameserver_may_have_a_port_or_a_zone() {
        for (text, read) in [
            ("10.0.0.1", "10.0.0.1:53"),
            ("10.0.0.1:5353", "10.0.0.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("fe80::1%7", "[fe80::1%7]:53"),
            // The first interface of every machine.
            ("fe80::1%lo", "[fe80::1%1]:53"),
            ("fe80::1%none", "[fe80::1]:53"),
        ] {
            assert_eq!(nameserver(text).unwrap().to_string(), read);
        }
        assert!(nameserver("none").is_err());
        assert!(nameserver("10.0.0.1%lo").is_err());
    }

    #[test]
    fn what_stands_for_ipv4_is_ipv4() {
        for (address, length, ip, bits) in [
            ("::ffff:8.8.8.8", None, "8.8.8.8", 32),
            ("::ffff:8.8.8.0", Some(120), "8.8.8.0", 24),
            ("::", Some(0), "::", 0),
        ] {
            let Subject::Block(read, length) = block(address, length).unwrap() else {
                panic!("{address} is a block");
            };
            assert_eq!((read, length), (ip.parse().unwrap(), bits));
        }
    }
}
