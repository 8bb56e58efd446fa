//! Pseudo-terminals: pty(7), ioctl_tty(2).

use super::file::{self, Fd, O_RDWR};
use super::{Result, call, nr};

const TIOCSCTTY: usize = 0x540e;
const TIOCSWINSZ: usize = 0x5414;
const TIOCSPTLCK: usize = 0x4004_5431;
const TIOCGPTPEER: usize = 0x5441;

const O_NOCTTY: usize = 0o400;

/// The two ends of a new terminal of a mounted devpts. The slave is opened by its master, not by a path.
pub fn open_pair(devpts: &Fd) -> Result<(Fd, Fd)> {
    let master = file::open_at(devpts.raw(), c"ptmx", O_RDWR | O_NOCTTY, 0)?;
    let unlocked = 0i32;
    control_with(&master, TIOCSPTLCK, &raw const unlocked as usize)?;
    let slave = control_with(&master, TIOCGPTPEER, O_RDWR | O_NOCTTY | file::O_CLOEXEC)?;
    Ok((master, Fd::new(slave as i32)))
}

/// Sets the window size, in characters.
pub fn set_size(terminal: &Fd, columns: u16, rows: u16) -> Result<()> {
    let size = [rows, columns, 0, 0];
    control_with(terminal, TIOCSWINSZ, size.as_ptr() as usize).map(drop)
}

/// Makes the terminal that `descriptor` is that of the calling process's new session.
pub fn control(descriptor: i32) -> Result<()> {
    // SAFETY: TIOCSCTTY takes an integer.
    unsafe { call(nr::IOCTL, [descriptor as usize, TIOCSCTTY, 0]) }.map(drop)
}

fn control_with(terminal: &Fd, request: usize, argument: usize) -> Result<usize> {
    // SAFETY: each request of this file reads at most the value that its caller points to, or takes flags.
    unsafe { call(nr::IOCTL, [terminal.raw() as usize, request, argument]) }
}
