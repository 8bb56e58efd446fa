//! What the kernel says of a filesystem that it refuses to make, as a person reads it.

use core::ffi::CStr;

use crate::sys::memory;
use crate::sys::mount::Filesystem;

const LONGEST: usize = 512;
/// With room for the paths in it.
const LONGEST_TOLD: usize = 1024;
/// The kernel keeps eight messages of a filesystem context.
const MOST_MESSAGES: usize = 8;

/// Its last message. `path_of` knows what was named to it by descriptor.
pub fn of(filesystem: &Filesystem, path_of: impl Fn(i32) -> Option<&'static CStr>) -> &'static CStr {
    let mut message = [0u8; LONGEST];
    let mut length = 0;
    for _ in 0..MOST_MESSAGES {
        // Each read takes one; options that a kernel lacks have left some before the last.
        let mut next = [0u8; LONGEST];
        let n = filesystem.log(&mut next).min(LONGEST);
        if n == 0 {
            break;
        }
        (message, length) = (next, n);
    }
    let line = message[..length].split(|byte| *byte == b'\n').next();
    told(plain(line.unwrap_or(&[])), path_of).unwrap_or(c"")
}

/// `e overlay: no such layer` without the level (`e`, `w`, `i`) and the filesystem's name, which the step has already.
fn plain(line: &[u8]) -> &[u8] {
    let line = match line {
        [b'e' | b'w' | b'i', b' ', rest @ ..] => rest,
        _ => line,
    };
    line.strip_prefix(b"overlay: ").unwrap_or(line)
}

/// The line with paths for descriptors: whole words that are numbers, bare or in quotes.
fn told(line: &[u8], path_of: impl Fn(i32) -> Option<&'static CStr>) -> Option<&'static CStr> {
    let mut out = Out::new()?;
    let is_edge = |byte: &u8| matches!(byte, b' ' | b'\'' | b'"' | b':' | b',');
    for word in line.split_inclusive(is_edge) {
        let end = word
            .iter()
            .rposition(|byte| !is_edge(byte))
            .map_or(0, |at| at + 1);
        match number(&word[..end]).and_then(&path_of) {
            Some(path) => out.push(path.to_bytes()),
            None => out.push(&word[..end]),
        }
        out.push(&word[end..]);
    }
    out.finish()
}

fn number(word: &[u8]) -> Option<i32> {
    core::str::from_utf8(word).ok()?.parse().ok()
}

/// What does not fit is cut off.
struct Out {
    bytes: &'static mut [u8],
    length: usize,
}

impl Out {
    fn new() -> Option<Self> {
        let bytes = memory::slice::<u8>(LONGEST_TOLD).ok()?;
        Some(Self { bytes, length: 0 })
    }

    fn push(&mut self, more: &[u8]) {
        let n = more.len().min(self.bytes.len() - 1 - self.length);
        self.bytes[self.length..self.length + n].copy_from_slice(&more[..n]);
        self.length += n;
    }

    fn finish(self) -> Option<&'static CStr> {
        self.bytes[self.length] = 0;
        CStr::from_bytes_until_nul(self.bytes).ok()
    }
}
