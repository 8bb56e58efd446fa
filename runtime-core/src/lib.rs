//! The native core of tsbuild. What touches the kernel or every byte of a layer is here; the typed facade is `index.ts`.
#![deny(clippy::all)]
// napi exports nothing to the test binary, so all that only JavaScript calls is unused there.
#![cfg_attr(test, allow(dead_code))]

pub mod archive;
pub mod error;
pub mod exec;
pub mod network;
pub mod plain;
pub mod sandbox;
pub mod sync;
pub mod task;
pub mod terminal;
pub mod tree;
