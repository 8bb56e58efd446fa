//! One RUN on a plain tree, from before its first process to after its last.

use super::cover::Covers;
use super::furnish::furnish;
use super::pool::{self, Held};
use crate::error::Result;
use crate::sandbox::SandboxRequest;
use crate::task::CancelFlag;
use crate::tree::thread::{self, Isolation};

/// The tree that a step runs in. Dropped without `finish`, all that was moved into it goes back, and the tree is removed.
pub struct Step {
    // Before the tree: what it covers lies there.
    covers: Covers,
    held: Held,
    upper: String,
}

impl Step {
    /// Makes the root of `request`, with all that the step finds in it. Trees are kept in the directory `trees`.
    pub fn prepare(request: &SandboxRequest, trees: &str) -> Result<Self> {
        thread::run(Isolation::Stack, || {
            let held = pool::take(trees, &request.lowers, &CancelFlag::default())?;
            let mut covers = Covers::new(held.root().clone(), held.root_path(), held.aside_path())?;
            furnish(request, trees, &mut covers)?;
            Ok(Self {
                covers,
                held,
                upper: request.upper.clone(),
            })
        })
    }

    pub fn root_path(&self) -> String {
        self.held.root_path().display().to_string()
    }

    /// After the last process. What a step that `succeeded` has changed becomes its upper.
    pub fn finish(self, succeeded: bool) -> Result<()> {
        let Self {
            mut covers,
            held,
            upper,
        } = self;
        thread::run(Isolation::Stack, move || {
            covers.take_away()?;
            if succeeded {
                held.commit(&upper, &CancelFlag::default())?;
            }
            Ok(())
        })
    }
}
