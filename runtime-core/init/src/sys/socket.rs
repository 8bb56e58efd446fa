//! Descriptors through a socket: unix(7), SCM_RIGHTS.

use super::file::Fd;
use super::{Result, call, nr};

#[repr(C)]
struct Segment {
    base: usize,
    length: usize,
}

/// struct msghdr of 64-bit: the two 32-bit fields have padding behind them.
#[repr(C)]
struct Message {
    name: usize,
    name_length: usize,
    segments: usize,
    segment_count: usize,
    control: usize,
    control_length: usize,
    flags: usize,
}

/// struct cmsghdr with one descriptor.
#[repr(C)]
struct Control {
    length: usize,
    level: i32,
    kind: i32,
    descriptor: i32,
    padding: i32,
}

/// Sends bytes, at least one, and with them a descriptor.
pub fn send_descriptor(socket: i32, bytes: &[u8], descriptor: &Fd) -> Result<()> {
    const SOL_SOCKET: i32 = 1;
    const SCM_RIGHTS: i32 = 1;
    const HEADER: usize = 16;
    let segment = Segment {
        base: bytes.as_ptr() as usize,
        length: bytes.len(),
    };
    let control = Control {
        length: HEADER + size_of::<i32>(),
        level: SOL_SOCKET,
        kind: SCM_RIGHTS,
        descriptor: descriptor.raw(),
        padding: 0,
    };
    let message = Message {
        name: 0,
        name_length: 0,
        segments: &raw const segment as usize,
        segment_count: 1,
        control: &raw const control as usize,
        control_length: size_of::<Control>(),
        flags: 0,
    };
    // SAFETY: sendmsg(2) reads a struct msghdr and what it points to, all of which live on this stack.
    unsafe { call(nr::SENDMSG, [socket as usize, &raw const message as usize, 0]) }.map(drop)
}
const _: () = assert!(size_of::<Message>() == 56 && size_of::<Control>() == 24);
