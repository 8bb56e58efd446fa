//! The terminal of a step, as the addon holds it: init makes it in the step's own devpts and sends its master.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use rustix::termios::{Winsize, tcsetwinsize};

/// Shared by the thread that JavaScript asks from, and the one that follows the step.
#[derive(Clone, Default)]
pub struct Terminal(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    master: Option<OwnedFd>,
    /// Asked for before there was a master.
    size: Option<(u16, u16)>,
}

impl Terminal {
    /// Sets the window size, which sends SIGWINCH to what is in the foreground.
    pub fn resize(&self, size: (u16, u16)) {
        if let Ok(mut state) = self.0.lock() {
            match &state.master {
                Some(master) => set_size(master, size),
                None => state.size = Some(size),
            }
        }
    }

    /// The master, for reading and writing.
    pub fn arrive(&self, master: OwnedFd) -> io::Result<(OwnedFd, OwnedFd)> {
        rustix::io::ioctl_fionbio(&master, true)?;
        let ends = (master.try_clone()?, master.try_clone()?);
        if let Ok(mut state) = self.0.lock() {
            if let Some(size) = state.size.take() {
                set_size(&master, size);
            }
            state.master = Some(master);
        }
        Ok(ends)
    }

    /// After it the terminal is gone for the step too.
    pub fn close(&self) {
        if let Ok(mut state) = self.0.lock() {
            state.master = None;
        }
    }
}

fn set_size(master: &OwnedFd, (columns, rows): (u16, u16)) {
    let size = Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // A step that has ended meanwhile has no window.
    let _ = tcsetwinsize(master, size);
}

/// The descriptor that came by a socket: unix(7), SCM_RIGHTS. `None` when the other end closed without one.
pub fn receive(socket: &OwnedFd) -> Option<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut parts = [io::IoSliceMut::new(&mut byte)];
    recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC).ok()?;
    control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    })
}
