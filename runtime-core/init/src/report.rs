//! What is told to the addon: records on the status pipe, each in one write, so that they never mix (pipe(7), PIPE_BUF).

use core::ffi::CStr;

use crate::sys::file::Fd;
use crate::sys::process::Usage;
use crate::sys::{self, Errno, file, socket};
use crate::wire;

/// A step of set-up that the kernel refused.
#[derive(Clone, Copy)]
pub struct Fail {
    pub step: &'static str,
    pub errno: Errno,
    /// The path at fault, or the kernel's own words.
    pub subject: &'static CStr,
}

impl Fail {
    pub fn new(step: &'static str, errno: Errno) -> Self {
        Self {
            step,
            errno,
            subject: c"",
        }
    }
}

/// Gives an errno its place.
pub trait Step<T> {
    fn at(self, step: &'static str) -> Result<T, Fail>;
    fn about(self, step: &'static str, subject: &'static CStr) -> Result<T, Fail>;
}

impl<T> Step<T> for sys::Result<T> {
    fn at(self, step: &'static str) -> Result<T, Fail> {
        self.about(step, c"")
    }
    fn about(self, step: &'static str, subject: &'static CStr) -> Result<T, Fail> {
        self.map_err(|errno| Fail { step, errno, subject })
    }
}

/// The outer end of the step's interface, or why there is none.
pub fn network(made: sys::Result<Fd>) {
    match made {
        Ok(outer) => {
            let mut record = [0u8; HEADER];
            record[0..4].copy_from_slice(&wire::RECORD_NETWORK.to_le_bytes());
            let _ = socket::send_descriptor(wire::STATUS_FD, &record, &outer);
        }
        Err(errno) => send(wire::RECORD_NETWORK, errno.0, &[]),
    }
}

const HEADER: usize = wire::RECORD_HEADER;
const MAXIMUM: usize = 1024;

fn send(kind: u32, value: i32, parts: &[&[u8]]) {
    let mut record = [0u8; MAXIMUM];
    let mut end = HEADER;
    for part in parts {
        let n = part.len().min(MAXIMUM - end);
        record[end..end + n].copy_from_slice(&part[..n]);
        end += n;
    }
    record[0..4].copy_from_slice(&kind.to_le_bytes());
    record[4..8].copy_from_slice(&value.to_le_bytes());
    record[8..12].copy_from_slice(&((end - HEADER) as u32).to_le_bytes());
    // Nobody is left to tell when this fails.
    let _ = file::write(wire::STATUS_FD, &record[..end]);
}

pub fn exited(wait_status: i32) {
    send(wire::RECORD_EXITED, wait_status, &[]);
}

pub fn failed(fail: &Fail) {
    send(
        wire::RECORD_FAILED,
        fail.errno.0,
        &[fail.step.as_bytes(), &[0], fail.subject.to_bytes()],
    );
}

pub fn ids(idmapped: bool) {
    send(wire::RECORD_IDS, i32::from(idmapped), &[]);
}

pub fn usage(usage: &Usage) {
    let micros = |t: [i64; 2]| (t[0] * 1_000_000 + t[1]) as u64;
    let words = [
        micros(usage.user),
        micros(usage.system),
        usage.max_rss_kib as u64,
        usage.blocks_in as u64,
        usage.blocks_out as u64,
    ];
    let bytes = words.map(u64::to_le_bytes);
    send(wire::RECORD_USAGE, 0, &[bytes.as_flattened()]);
}
