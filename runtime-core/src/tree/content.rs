//! The bytes of a file: read whole, in large pieces, and held against the size that stat(2) told.

use std::os::fd::OwnedFd;

use rustix::fs::copy_file_range;
use rustix::io::{Errno, read, write};

use super::path::display;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Below this one read and one write are the fastest copy there is.
const SMALL_BYTES: u64 = 64 << 10;
const BUFFER_BYTES: usize = 1 << 20;
/// So much between two looks at the cancel flag.
const RANGE_BYTES: usize = 64 << 20;

/// A buffer that is used again from file to file.
pub struct Content<'a> {
    buffer: Vec<u8>,
    cancel: &'a CancelFlag,
}

impl<'a> Content<'a> {
    pub fn new(cancel: &'a CancelFlag) -> Self {
        Self {
            buffer: vec![0; BUFFER_BYTES],
            cancel,
        }
    }

    /// Gives all of `file` to `sink`. Errors: `SOURCE_CHANGED` when it is not `size` bytes.
    pub fn read(
        &mut self,
        file: &OwnedFd,
        name: &[u8],
        size: u64,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut total = 0;
        loop {
            self.cancel.check()?;
            let length = retry(|| read(file, &mut self.buffer[..]))
                .map_err(|error| Error::io("read file", display(name), &error.into()))?;
            total += length as u64;
            if length == 0 || total > size {
                break;
            }
            sink(&self.buffer[..length])?;
            // read(2): a regular file gives less than was asked for only at its end.
            if total == size && length < self.buffer.len() {
                break;
            }
        }
        if total != size {
            return Err(changed(name));
        }
        Ok(())
    }

    /// Copies all of `from`, in the kernel where it can. Errors: `SOURCE_CHANGED`, `NO_SPACE`.
    pub fn copy(&mut self, from: &OwnedFd, to: &OwnedFd, name: &[u8], size: u64) -> Result<()> {
        let done = if size > SMALL_BYTES {
            self.copy_in_kernel(from, to, name, size)?
        } else {
            0
        };
        // What is left, and whether the file ends where it should.
        self.read(from, name, size - done, |chunk| write_all(to, name, chunk))
    }

    /// copy_file_range(2): a reflink where the filesystem has them. How much was copied.
    fn copy_in_kernel(&self, from: &OwnedFd, to: &OwnedFd, name: &[u8], size: u64) -> Result<u64> {
        let mut done = 0;
        while done < size {
            self.cancel.check()?;
            let left = usize::try_from(size - done)
                .unwrap_or(RANGE_BYTES)
                .min(RANGE_BYTES);
            match retry(|| copy_file_range(from, None, to, None, left)) {
                Ok(0) => break,
                Ok(length) => done += length as u64,
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if done == 0 => break,
                Err(error) => return Err(Error::io("copy file", display(name), &error.into())),
            }
        }
        Ok(done)
    }
}

pub fn write_all(to: &OwnedFd, name: &[u8], mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let length = retry(|| write(to, bytes))
            .map_err(|error| Error::io("write file", display(name), &error.into()))?;
        bytes = &bytes[length..];
    }
    Ok(())
}

fn changed(name: &[u8]) -> Error {
    Error::new(
        "SOURCE_CHANGED",
        "read file",
        "its size changed while it was read",
    )
    .with_subject(display(name))
}

fn retry<T>(mut call: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    rustix::io::retry_on_intr(&mut call)
}
