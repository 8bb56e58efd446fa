//! getrlimit(2): limits of each process. They are set by the helper; what this process may not give is known before.

use std::fs;

use napi_derive::napi;

use super::cgroup::Refusal;
use super::limits::invalid;
use crate::error::Result;

/// -1 is unlimited.
#[napi(object)]
#[derive(Clone, Default, PartialEq)]
pub struct SandboxUlimit {
    /// Docker's name: `nofile`, `nproc`, …
    pub name: String,
    pub soft: f64,
    pub hard: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ulimit {
    name: &'static str,
    /// RLIMIT_*.
    pub resource: u32,
    pub soft: u64,
    pub hard: u64,
}

/// asm-generic/resource.h: the numbers of x86-64 and arm64.
const NAMES: [&str; 16] = [
    "cpu",
    "fsize",
    "data",
    "stack",
    "core",
    "rss",
    "nproc",
    "nofile",
    "memlock",
    "as",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
];
const FSIZE: u32 = 1;
const NOFILE: u32 = 7;
const UNLIMITED: u64 = u64::MAX;

impl SandboxUlimit {
    pub fn check(&self) -> Result<Ulimit> {
        let subject = || format!("ulimit {}", self.name);
        let Some(resource) = NAMES.iter().position(|name| *name == self.name) else {
            return Err(invalid("ulimit", format!("{:?}", self.name)));
        };
        let (soft, hard) = (
            value(self.soft).ok_or_else(|| invalid(&subject(), self.soft))?,
            value(self.hard).ok_or_else(|| invalid(&subject(), self.hard))?,
        );
        if soft > hard {
            return Err(invalid(&subject(), self.soft));
        }
        Ok(Ulimit {
            name: NAMES[resource],
            resource: resource as u32,
            soft,
            hard,
        })
    }
}

fn value(value: f64) -> Option<u64> {
    const LARGEST_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
    match value {
        -1.0 => Some(UNLIMITED),
        _ if (0.0..=LARGEST_SAFE_INTEGER).contains(&value) && value.fract() == 0.0 => Some(value as u64),
        _ => None,
    }
}

impl Ulimit {
    /// Whether the kernel would refuse: nobody passes fs.nr_open, and CAP_SYS_RESOURCE raises a hard limit.
    pub fn refusal(&self) -> Option<Refusal> {
        let own = own_hard(self.resource);
        if self.resource == NOFILE
            && let Some(most) = most_open_files().filter(|most| self.hard > *most)
        {
            return Some(Refusal::new(
                format!("no process of this machine may open more than {most} files"),
                "ask for less, or raise the sysctl fs.nr_open",
            ));
        }
        if self.hard <= own || may_raise() {
            return None;
        }
        Some(Refusal::new(
            format!(
                "{} {} is above this process's own hard limit of {own}, and it has no CAP_SYS_RESOURCE to raise it",
                self.name,
                shown(self.hard)
            ),
            format!("ask for at most {own}, or start the build where `ulimit -H` allows more"),
        ))
    }
}

/// Files no larger than `most`, whatever the limits say that were asked for.
pub fn limit_file_size(ulimits: &mut Vec<Ulimit>, most: u64) {
    let asked = ulimits.iter().rev().find(|ulimit| ulimit.resource == FSIZE);
    let (soft, hard) = asked.map_or((UNLIMITED, UNLIMITED), |ulimit| (ulimit.soft, ulimit.hard));
    let most = most.min(own_hard(FSIZE));
    ulimits.retain(|ulimit| ulimit.resource != FSIZE);
    ulimits.push(Ulimit {
        name: NAMES[FSIZE as usize],
        resource: FSIZE,
        soft: soft.min(most),
        hard: hard.min(most),
    });
}

fn shown(value: u64) -> String {
    if value == UNLIMITED {
        "unlimited".to_owned()
    } else {
        value.to_string()
    }
}

fn own_hard(resource: u32) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: getrlimit(2) fills the struct.
    unsafe { libc::getrlimit(resource as _, &raw mut limit) };
    limit.rlim_max
}

fn most_open_files() -> Option<u64> {
    fs::read_to_string("/proc/sys/fs/nr_open")
        .ok()?
        .trim()
        .parse()
        .ok()
}

/// capabilities(7): the capability counts in the initial user namespace alone, whose map is all ids.
fn may_raise() -> bool {
    const CAP_SYS_RESOURCE: u32 = 24;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| u64::from_str_radix(line.strip_prefix("CapEff:")?.trim(), 16).ok())
        .unwrap_or(0);
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let is_initial = map.split_whitespace().eq(["0", "0", "4294967295"]);
    is_initial && effective >> CAP_SYS_RESOURCE & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulimit(name: &str, soft: f64, hard: f64) -> SandboxUlimit {
        SandboxUlimit {
            name: name.to_owned(),
            soft,
            hard,
        }
    }

    #[test]
    fn names_are_dockers_and_minus_one_is_unlimited() {
        let read = ulimit("core", 0.0, -1.0).check().expect("a ulimit");
        assert_eq!((read.resource, read.soft, read.hard), (4, 0, UNLIMITED));
        assert_eq!(read.refusal().map(|refusal| refusal.reason), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (name, soft, hard) in [
            ("files", 1.0, 1.0),
            ("nofile", 2.0, 1.0),
            ("nofile", -2.0, 1.0),
            ("nofile", 0.5, 1.0),
        ] {
            assert!(ulimit(name, soft, hard).check().is_err(), "{name} {soft}:{hard}");
        }
    }
}
