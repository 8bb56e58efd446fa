//! The native core of tsbuild. What touches the kernel or every byte of a layer is here; the typed facade is `index.ts`.
#![deny(clippy::all)]

pub mod archive;
pub mod error;
pub mod sandbox;
pub mod sync;
pub mod task;
pub mod tree;
