//! The processes of a step that has no pid namespace: those that descend from this one, which adopts all whose parent is gone
//! (prctl(2), PR_SET_CHILD_SUBREAPER). proc_pid_task_children(5), needs CONFIG_PROC_CHILDREN.

use crate::sys::file::{self, AT_FDCWD, O_RDONLY};
use crate::sys::process::{self, WNOHANG};
use crate::sys::{self, ECHILD, memory, signal};
use crate::text::{Text, format};

/// As many are known at a time; more than that are found in the next round.
const MOST: usize = 1 << 16;

/// Fails where the kernel does not tell children: then what a step leaves could not be ended.
pub fn expect_to_find_them() -> sys::Result<()> {
    children_of(process::own_id(), |_| {})
}

/// Sends a signal to all of them that can be found in one go, parents first.
pub fn signal(number: i32) {
    let Ok(found) = memory::slice::<u32>(MOST) else {
        return;
    };
    let mut count = 0;
    let mut next = 0;
    let mut parent = process::own_id();
    loop {
        let _ = children_of(parent, |child| {
            signal::send(child, number);
            if count < MOST {
                found[count] = child as u32;
                count += 1;
            }
        });
        if next == count {
            return;
        }
        parent = found[next] as i32;
        next += 1;
    }
}

/// Kills and reaps until there is none. Who loses its parent becomes this process's child, and is found in the next round.
pub fn end() {
    loop {
        let _ = children_of(process::own_id(), |child| signal::send(child, signal::SIGKILL));
        let mut has_reaped = false;
        loop {
            match process::wait(-1, WNOHANG) {
                Err(ECHILD) => return,
                Ok((pid, ..)) if pid > 0 => has_reaped = true,
                _ => break,
            }
        }
        if !has_reaped {
            process::sleep(1);
        }
    }
}

/// Only the main thread's of a process with threads.
fn children_of(pid: i32, mut each: impl FnMut(i32)) -> sys::Result<()> {
    let path: Text<64> = format(format_args!("/proc/{pid}/task/{pid}/children"))?;
    let list = file::open_at(AT_FDCWD, path.as_c_str(), O_RDONLY, 0)?;
    let mut buffer = [0u8; 4096];
    let mut child = 0;
    loop {
        let length = file::read(list.raw(), &mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        // A number may go on in the next piece; each ends with a blank.
        for byte in &buffer[..length] {
            match byte {
                b'0'..=b'9' => child = child * 10 + i32::from(byte - b'0'),
                _ if child > 0 => {
                    each(child);
                    child = 0;
                }
                _ => {}
            }
        }
    }
}
