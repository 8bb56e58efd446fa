//! Trees of files: what COPY, WORKDIR, USER's look-ups, content digests and local exports do.
//!
//! A root is read and written through an overlay that nobody else sees: it is mounted on a thread with a mount namespace
//! of its own, and lives as long as its descriptors. Every path is resolved inside the root, one component at a time and
//! relative to descriptors, so that no symlink leads out of it.

mod action;
mod binding;
pub(crate) mod chmod;
pub(crate) mod content;
mod copy;
mod digest;
mod direct;
mod export;
mod filter;
mod glob;
mod graft;
mod ignore;
mod meta;
mod mode;
mod path;
mod policy;
mod read;
mod record;
pub(crate) mod remove;
mod resolve;
mod rootfs;
mod select;
mod site;
pub mod size;
mod stat_index;
pub(crate) mod thread;
mod unpack;
mod usage;
mod users;
mod walk;
mod wildcard;
mod xattr;
