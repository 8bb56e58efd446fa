//! Becoming another program, which Node 20 cannot do: the process keeps its id, its terminal and its parent, so that
//! signals and the exit code need no forwarding.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use napi_derive::napi;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};

use crate::error::Error;

/// Replaces this process by `file`, looked up in PATH, with `args` after its name and `env` (`NAME=value`) laid over the
/// environment. Returns only to fail. execve(2).
#[napi]
pub fn replace_process(file: String, args: Vec<String>, env: Vec<String>) -> napi::Result<()> {
    hand_over_standard_streams().map_err(|e| Error::io("hand over standard streams", &file, &e))?;
    let variables = env.iter().filter_map(|entry| entry.split_once('='));
    let failure = Command::new(&file).args(args).envs(variables).exec();
    Err(Error::io("execute", file, &failure).into())
}

/// Node starts by making its standard streams close on exec, and pipes among them non-blocking, which would stay with
/// everyone who shares the pipe.
fn hand_over_standard_streams() -> io::Result<()> {
    hand_over(io::stdin().as_fd())?;
    hand_over(io::stdout().as_fd())?;
    hand_over(io::stderr().as_fd())
}

fn hand_over(stream: BorrowedFd<'_>) -> io::Result<()> {
    fcntl_setfd(stream, FdFlags::empty())?;
    Ok(fcntl_setfl(stream, fcntl_getfl(stream)? - OFlags::NONBLOCK)?)
}
