//! One record: 88 bytes, numbers little-endian.
//!
//! ```text
//!  0 st_dev   8 st_ino   16 st_size   24 st_mtim   36 st_ctim   48 mode   52 age   56 sha256
//! ```

use rustix::fs::Timespec;

use super::Content;
use crate::tree::meta::Meta;

pub const RECORD_BYTES: usize = 88;

/// (st_dev, st_ino)
pub type Identity = (u64, u64);

/// Seconds and nanoseconds.
type Moment = (i64, u32);

/// What stat(2) says of a file and changes when the file does: nobody can set the ctime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub identity: Identity,
    size: u64,
    mtime: Moment,
    ctime: Moment,
    mode: u32,
}

impl Stamp {
    pub fn of(meta: &Meta) -> Self {
        Self {
            identity: meta.identity,
            size: meta.size,
            mtime: moment(meta.mtime),
            ctime: moment(meta.ctime),
            mode: meta.mode,
        }
    }
}

#[allow(clippy::unnecessary_cast)] // tv_nsec differs between targets.
fn moment(time: Timespec) -> Moment {
    (time.tv_sec, time.tv_nsec as u32)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    pub stamp: Stamp,
    /// How many writes of the index ago it was of use.
    pub age: u32,
    pub content: Content,
}

impl Record {
    pub fn new(stamp: Stamp, content: Content) -> Self {
        Self {
            stamp,
            age: 0,
            content,
        }
    }

    pub fn aged(&self, is_seen: bool) -> Self {
        let age = if is_seen { 0 } else { self.age.saturating_add(1) };
        Self { age, ..*self }
    }

    pub fn append_to(&self, out: &mut Vec<u8>) {
        let Stamp {
            identity: (device, inode),
            size,
            mtime,
            ctime,
            mode,
        } = self.stamp;
        for number in [device, inode, size] {
            out.extend(number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [mtime, ctime] {
            out.extend(seconds.to_le_bytes());
            out.extend(nanoseconds.to_le_bytes());
        }
        out.extend(mode.to_le_bytes());
        out.extend(self.age.to_le_bytes());
        out.extend(self.content);
    }

    pub fn parse(bytes: &[u8; RECORD_BYTES]) -> Self {
        let moment = |at| (i64::from_le_bytes(field(bytes, at)), number(bytes, at + 8));
        Self {
            stamp: Stamp {
                identity: (long(bytes, 0), long(bytes, 8)),
                size: long(bytes, 16),
                mtime: moment(24),
                ctime: moment(36),
                mode: number(bytes, 48),
            },
            age: number(bytes, 52),
            content: field(bytes, 56),
        }
    }
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(field(bytes, at))
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(field(bytes, at))
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let record = Record {
            stamp: Stamp {
                identity: (u64::MAX, 2),
                size: 3,
                mtime: (-4, 999_999_999),
                ctime: (i64::MAX, 5),
                mode: 0o7777,
            },
            age: 6,
            content: std::array::from_fn(|index| index as u8),
        };
        let mut bytes = Vec::new();
        record.append_to(&mut bytes);
        assert_eq!(Record::parse(bytes.as_slice().try_into().unwrap()), record);
    }
}
