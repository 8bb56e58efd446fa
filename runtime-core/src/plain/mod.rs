//! Roots as plain directories, for where the kernel lets nobody mount: an unprivileged container.
//!
//! What overlayfs would show of some layers is made as a tree of files (`merge`). Something writes there, and what it changed
//! becomes an upper in overlayfs's form (`changes`), found by holding the tree against the record of how it was (`record`).
//! Layers, digests and cache are then what they are with mounts. Trees are kept from one step to the next (`pool`).

mod changes;
mod cover;
mod devices;
mod furnish;
mod locate;
mod marks;
mod merge;
mod node;
mod pool;
mod record;
mod step;

pub use pool::{Held, Shared, share, take};
pub use step::Step;
