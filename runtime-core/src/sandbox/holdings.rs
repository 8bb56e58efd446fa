//! What a step holds of the machine beside its processes, and how it is given back when the step has ended.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::{cmp, io};

use super::cgroup::{Cgroup, Group};
use super::control::Control;
use super::disk::Disk;
use super::ending::Ending;
use super::follow::{Listener, STATUS, tell};
use super::orphans;
use super::records;
use super::report::SandboxReport;
use super::spawn;
use super::step_network::StepNetwork;
use super::sync_writes::SyncWrites;
use crate::plain::Step;

/// All of it, made before the step is started.
pub struct Holdings {
    pub cgroup: Cgroup,
    pub group: Option<Arc<Group>>,
    pub sync: Option<SyncWrites>,
    pub disk: Disk,
    /// Where the step's root is a plain tree.
    pub tree: Option<Step>,
}

/// The same of a step that has been started: it goes when the step has ended.
pub struct Held {
    pidfd: OwnedFd,
    holdings: Holdings,
    /// Forks that the group's pids limit had refused when the step began.
    refused_before: f64,
}

impl Held {
    pub fn new(pidfd: OwnedFd, holdings: Holdings) -> Self {
        let group = holdings.group.as_ref();
        let refused_before = group.map_or(0.0, |group| group.cgroup.forks_refused());
        Self {
            pidfd,
            holdings,
            refused_before,
        }
    }

    /// Watches what the step writes, where it has a quota.
    pub fn watch_disk(&mut self, control: &Control) -> io::Result<()> {
        self.holdings.disk.watch(&self.pidfd, control)
    }

    /// Tells how the step went, and cleans up.
    pub fn tell(
        mut self,
        status: Vec<u8>,
        network: StepNetwork,
        listener: Arc<Listener>,
        waits_for_the_last: bool,
    ) {
        let _ending = Ending::begin();
        // Before anybody looks at what the step has written.
        drop(self.holdings.sync.take());
        let status = self.finish_tree(status);
        let report = network.report(self.report());
        let tell_now = move || tell(&listener, STATUS, status, Some(report));
        if waits_for_the_last {
            self.clean_up();
            tell_now();
        } else {
            // Drops the listener: JavaScript's loop may end now.
            tell_now();
            self.clean_up();
        }
    }

    fn report(&mut self) -> SandboxReport {
        let disk = self.holdings.disk.report();
        SandboxReport {
            is_over_disk_quota: disk.quota == Some(cmp::Ordering::Greater),
            is_at_disk_quota: disk.quota == Some(cmp::Ordering::Equal),
            layer_bytes: disk.layer_bytes.map(|bytes| bytes as f64),
            ..self
                .holdings
                .cgroup
                .report(self.holdings.group.as_deref(), self.refused_before)
        }
    }

    /// What was changed in a plain tree becomes the step's upper. Where that fails, what the command said of itself counts no more.
    pub fn finish_tree(&mut self, status: Vec<u8>) -> Vec<u8> {
        let Some(tree) = self.holdings.tree.take() else {
            return status;
        };
        match tree.finish(records::has_succeeded(&status)) {
            Ok(()) => status,
            Err(error) => records::failure(
                error.errno.unwrap_or(libc::EIO),
                &error.step,
                error.subject.as_deref().unwrap_or(""),
            ),
        }
    }

    /// Ends what a step without namespaces has left when its helper was killed. With namespaces the kernel does.
    pub fn end_orphans(&self) {
        if let Some(tree) = &self.holdings.tree {
            orphans::end(&self.holdings.cgroup, Path::new(&tree.root_path()));
        }
    }

    /// Waits for the last process, and removes the cgroup.
    pub fn clean_up(self) {
        spawn::reap(&self.pidfd);
        // Of a step that nobody followed to its end.
        self.end_orphans();
        self.holdings.cgroup.remove();
    }
}
