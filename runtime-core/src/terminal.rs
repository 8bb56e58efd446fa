//! The terminal of this process in raw mode. Node's own raw mode still turns each line feed into two characters, which breaks
//! programs that move the cursor with one.

use std::os::fd::{BorrowedFd, RawFd};
use std::sync::Mutex;

use napi_derive::napi;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::error::{Error, Result};

/// A terminal in raw mode, until `restore`: cfmakeraw(3).
#[napi]
pub struct RawTerminal {
    fd: RawFd,
    before: Mutex<Option<Termios>>,
}

/// Puts the terminal that a descriptor is into raw mode.
#[napi]
pub fn make_terminal_raw(fd: i32) -> napi::Result<RawTerminal> {
    let before = modes(fd)?;
    let mut raw = before.clone();
    raw.make_raw();
    set(fd, &raw)?;
    Ok(RawTerminal {
        fd,
        before: Mutex::new(Some(before)),
    })
}

#[napi]
impl RawTerminal {
    /// Gives it back the modes it had. Nothing happens the second time.
    #[napi]
    pub fn restore(&self) -> napi::Result<()> {
        let before = self.before.lock().ok().and_then(|mut before| before.take());
        Ok(before.map_or(Ok(()), |before| set(self.fd, &before))?)
    }
}

fn modes(fd: RawFd) -> Result<Termios> {
    tcgetattr(borrow(fd)).map_err(|errno| Error::io("terminal", "modes", &errno.into()))
}

fn set(fd: RawFd, modes: &Termios) -> Result<()> {
    tcsetattr(borrow(fd), OptionalActions::Drain, modes)
        .map_err(|errno| Error::io("terminal", "modes", &errno.into()))
}

fn borrow<'a>(fd: RawFd) -> BorrowedFd<'a> {
    // SAFETY: Node keeps its standard descriptors open as long as it runs; on another the kernel answers EBADF.
    unsafe { BorrowedFd::borrow_raw(fd) }
}
