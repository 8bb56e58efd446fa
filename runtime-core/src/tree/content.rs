//! The bytes of a file: read whole, in large pieces, and held against the size that stat(2) told.

use std::os::fd::OwnedFd;

use rustix::fs::{SeekFrom, copy_file_range, fstat, ftruncate, seek};
use rustix::io::{Errno, pread, read, write};

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

    /// Copies all of `from` into `to`, an empty file, in the kernel where it can; holes stay holes.
    /// Errors: `SOURCE_CHANGED`, `NO_SPACE`.
    pub fn copy(&mut self, from: &OwnedFd, to: &OwnedFd, name: &[u8], size: u64) -> Result<()> {
        if size <= SMALL_BYTES {
            return self.read(from, name, size, |chunk| write_all(to, name, chunk));
        }
        let failed = |error: Errno| Error::io("copy file", display(name), &error.into());
        let mut at = 0;
        while let Some((start, end)) = next_data(from, at, size).map_err(failed)? {
            self.copy_range(from, to, name, start, end)?;
            at = end;
        }
        if at < size {
            ftruncate(to, size).map_err(failed)?;
        }
        let now = fstat(from).map_err(failed)?;
        if now.st_size as u64 == size {
            Ok(())
        } else {
            Err(changed(name))
        }
    }

    /// copy_file_range(2): a reflink where the filesystem has them.
    fn copy_range(&mut self, from: &OwnedFd, to: &OwnedFd, name: &[u8], start: u64, end: u64) -> Result<()> {
        let (mut input, mut output) = (start, start);
        while input < end {
            self.cancel.check()?;
            let left = usize::try_from(end - input)
                .unwrap_or(RANGE_BYTES)
                .min(RANGE_BYTES);
            match retry(|| copy_file_range(from, Some(&mut input), to, Some(&mut output), left)) {
                Ok(0) => return Err(changed(name)),
                Ok(_) => {}
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    return self.copy_through_buffer(from, to, name, input, end);
                }
                Err(error) => return Err(Error::io("copy file", display(name), &error.into())),
            }
        }
        Ok(())
    }

    fn copy_through_buffer(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &[u8],
        mut at: u64,
        end: u64,
    ) -> Result<()> {
        let failed = |error: Errno| Error::io("copy file", display(name), &error.into());
        seek(to, SeekFrom::Start(at)).map_err(failed)?;
        while at < end {
            self.cancel.check()?;
            let wanted = usize::try_from(end - at)
                .unwrap_or(BUFFER_BYTES)
                .min(BUFFER_BYTES);
            let length = retry(|| pread(from, &mut self.buffer[..wanted], at)).map_err(failed)?;
            if length == 0 {
                return Err(changed(name));
            }
            write_all(to, name, &self.buffer[..length])?;
            at += length as u64;
        }
        Ok(())
    }
}

/// lseek(2), SEEK_DATA and SEEK_HOLE: the next range of data from `at` on, as far as `size`. A filesystem that knows no
/// holes has one range.
fn next_data(file: &OwnedFd, at: u64, size: u64) -> rustix::io::Result<Option<(u64, u64)>> {
    if at >= size {
        return Ok(None);
    }
    let start = match seek(file, SeekFrom::Data(at)) {
        Ok(start) => start,
        Err(Errno::NXIO) => return Ok(None),
        Err(Errno::INVAL | Errno::OPNOTSUPP) => return Ok(Some((at, size))),
        Err(error) => return Err(error),
    };
    if start >= size {
        return Ok(None);
    }
    let end = seek(file, SeekFrom::Hole(start))?;
    Ok(Some((start, end.min(size))))
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
