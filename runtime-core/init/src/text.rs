//! Small strings on the stack: numbers and paths for the kernel.

use core::ffi::CStr;
use core::fmt;

/// A C string being written. What does not fit is refused, never cut.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    pub fn new() -> Self {
        Self {
            bytes: [0; N],
            length: 0,
        }
    }

    pub fn push(&mut self, more: &[u8]) -> fmt::Result {
        let end = self.length + more.len();
        // One byte stays zero: the terminator.
        if end >= N {
            return Err(fmt::Error);
        }
        self.bytes[self.length..end].copy_from_slice(more);
        self.length = end;
        Ok(())
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s.as_bytes())
    }
}

/// `format!` into `N` bytes; too long is the kernel's ENAMETOOLONG.
pub fn format<const N: usize>(arguments: fmt::Arguments<'_>) -> crate::sys::Result<Text<N>> {
    let mut text = Text::new();
    fmt::Write::write_fmt(&mut text, arguments).map_err(|_| crate::sys::ENAMETOOLONG)?;
    Ok(text)
}

/// The bytes as a C string.
pub fn c_string<const N: usize>(bytes: &[u8]) -> crate::sys::Result<Text<N>> {
    let mut text = Text::new();
    text.push(bytes).map_err(|_| crate::sys::ENAMETOOLONG)?;
    Ok(text)
}
