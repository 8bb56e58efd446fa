//! What a command reads: nothing, a pipe, or a terminal. JavaScript's bytes are written by a thread of their own, since the
//! command takes them when it likes; it ends when the command does.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::mpsc::Receiver;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::termios::{LocalModes, SpecialCodeIndex, tcgetattr};

use super::request::SandboxRequest;
use super::spawn;

#[derive(Clone, Copy, PartialEq)]
pub enum Input {
    None,
    Pipe,
    Terminal,
}

impl Input {
    pub fn of(request: &SandboxRequest) -> Self {
        match (&request.terminal, request.input) {
            (Some(_), _) => Self::Terminal,
            (None, true) => Self::Pipe,
            (None, false) => Self::None,
        }
    }

    /// The helper's descriptor 0, and what stays here. A write to it never blocks.
    pub fn open(self) -> io::Result<(OwnedFd, Option<OwnedFd>)> {
        Ok(match self {
            Self::None => (File::open("/dev/null")?.into(), None),
            Self::Pipe => {
                let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
                rustix::io::ioctl_fionbio(&writer, true)?;
                spawn::widen(&writer);
                (reader, Some(writer))
            }
            Self::Terminal => {
                let (ours, theirs) = socketpair(
                    AddressFamily::UNIX,
                    SocketType::STREAM,
                    SocketFlags::CLOEXEC,
                    None,
                )?;
                (theirs, Some(ours))
            }
        })
    }
}

/// Writes what `bytes` brings, to its end, which the command sees as the end of its input. `on_written` is told after each piece
/// whether more can be written.
pub fn feed(to: OwnedFd, kind: Input, bytes: Receiver<Vec<u8>>, on_written: impl Fn(bool)) {
    let mut is_line_open = false;
    for piece in bytes {
        let is_open = write_all(&to, &piece).is_ok();
        if !piece.is_empty() {
            is_line_open = !piece.ends_with(b"\n");
        }
        on_written(is_open);
        if !is_open {
            return;
        }
    }
    if kind == Input::Terminal {
        let _ = end_terminal(&to, is_line_open);
    }
}

/// EPIPE or EIO once nobody is left to read.
fn write_all(to: &OwnedFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match write(to, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::AGAIN) => wait_for_room(to),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn wait_for_room(to: &OwnedFd) {
    let mut fds = [PollFd::new(to, PollFlags::OUT)];
    let _ = poll(&mut fds, None);
}

/// A terminal does not close: its line discipline makes an end of file of a character. On an open line that gives the line first.
fn end_terminal(master: &OwnedFd, is_line_open: bool) -> rustix::io::Result<()> {
    let modes = tcgetattr(master)?;
    if !modes.local_modes.contains(LocalModes::ICANON) {
        return Ok(());
    }
    let end = [modes.special_codes[SpecialCodeIndex::VEOF]; 2];
    write_all(master, &end[..if is_line_open { 2 } else { 1 }])
}
