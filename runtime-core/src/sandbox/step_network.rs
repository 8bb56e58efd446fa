//! The private network of a step, from its first packet to its last.

use std::os::fd::OwnedFd;

use super::report::SandboxReport;
use crate::network::{Endpoint, Network, Plan};

/// Most steps send no packet; those have no thread for it.
pub struct StepNetwork {
    plan: Option<Plan>,
    running: Option<Network>,
    errno: Option<i32>,
}

impl StepNetwork {
    pub fn new(plan: Option<Plan>) -> Self {
        Self {
            plan,
            running: None,
            errno: None,
        }
    }

    /// Serves the interface whose outer end this is.
    pub fn start(&mut self, outer: OwnedFd) {
        let Some(plan) = self.plan.take() else { return };
        match Endpoint::new(outer).and_then(|endpoint| Network::start(endpoint, plan)) {
            Ok(network) => self.running = Some(network),
            Err(error) => self.errno = Some(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }

    /// Ends it. What it has to tell is added to the step's report.
    pub fn report(self, report: SandboxReport) -> SandboxReport {
        let traffic = self.running.map(Network::stop);
        SandboxReport {
            network_received_bytes: traffic.as_ref().map(|traffic| traffic.received as f64),
            network_sent_bytes: traffic.as_ref().map(|traffic| traffic.sent as f64),
            network_blocked: traffic.map(|traffic| traffic.blocked).unwrap_or_default(),
            network_errno: self.errno,
            ..report
        }
    }
}
