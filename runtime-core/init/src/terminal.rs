//! The terminal of a step: a pair of the step's own devpts, made before the image can be in the way. No terminal of the host is
//! ever inside: what is typed into it with TIOCSTI stays in the step.

use crate::report::{Fail, Step};
use crate::spec::{Spec, Window};
use crate::sys::file::{self, Fd};
use crate::sys::{self, socket, terminal};

const STEP: &str = "terminal";
/// Where the addon waits for the master: wire.rs.
const SOCKET: i32 = 0;

pub struct Terminal {
    master: Fd,
    slave: Fd,
}

impl Terminal {
    pub fn open(devpts: &Fd, window: Window) -> sys::Result<Self> {
        let (master, slave) = terminal::open_pair(devpts)?;
        terminal::set_size(&master, window.columns, window.rows)?;
        Ok(Self { master, slave })
    }

    /// The master goes to the addon; the slave becomes standard input, output and error, and belongs to the step's user.
    pub fn give(self, spec: &Spec) -> Result<(), Fail> {
        const AS_IT_IS: u32 = u32::MAX;
        file::change_owner_of(self.slave.raw(), spec.uid, AS_IT_IS).at(STEP)?;
        socket::send_descriptor(SOCKET, &[0], &self.master).at(STEP)?;
        for standard in 0..=2 {
            file::duplicate(self.slave.raw(), standard).at(STEP)?;
        }
        Ok(())
    }
}
