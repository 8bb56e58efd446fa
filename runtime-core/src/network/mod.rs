//! The private network of a step: a TCP/IP stack in this process. The step's network namespace has one interface, whose
//! packets come here; its connections become ordinary sockets of this process, its lookups go to the host's nameservers.
//! Nothing of the host is changed, nothing needs a privilege, and nothing outlives the process.
//!
//! Every byte that comes from the interface is the step's: packets are parsed with bounds, and flows, memory and threads are
//! limited. Where a step may connect to is decided in `policy.rs`, by `address.rs` and `allow.rs`, for every flow, before a socket of the host is opened.

mod address;
mod allow;
mod bucket;
mod dns;
mod endpoint;
mod host;
mod link;
mod lookup_stream;
mod packet;
mod ping;
mod plan;
mod policy;
mod query;
mod relay;
mod resolver;
mod stack;
mod tcp;
mod terminated;
mod udp;
mod watch;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustix::event::{EventfdFlags, eventfd};

pub use endpoint::Endpoint;
pub use host::has_ipv6;
pub use plan::{Plan, SandboxAllowRule, SandboxNetwork};

use stack::Stack;

/// What the network of a step has to tell at its end.
#[derive(Default)]
pub struct Traffic {
    /// Bytes of packets that came to the step, and that it sent.
    pub received: u64,
    pub sent: u64,
    /// What the step tried and was not allowed, as a person reads it.
    pub blocked: Vec<String>,
}

/// A running stack, on a thread of its own.
pub struct Network {
    wake: Arc<OwnedFd>,
    ended: Receiver<Traffic>,
}

impl Network {
    /// Starts the thread that serves the step's interface.
    pub fn start(endpoint: Endpoint, plan: Plan) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (tell, ended) = channel();
        let stack = Stack::new(endpoint, plan, wake.clone())?;
        std::thread::Builder::new()
            .name("tsbuild-net".into())
            .spawn(move || stack.run(|traffic| drop(tell.send(traffic))))?;
        Ok(Self { wake, ended })
    }

    /// Ends all flows and tells what there was. Waits for the thread's answer, not for what it has to close.
    pub fn stop(self) -> Traffic {
        let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        self.ended.recv().unwrap_or_default()
    }
}
