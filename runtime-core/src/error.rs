//! Errors cross the seam to TypeScript as data: the reason of the napi error is one JSON object.

use std::fmt;

/// What went wrong, in which step, and what the kernel said. TypeScript turns it into a `RuntimeError`.
#[derive(Debug)]
pub struct Error {
    /// Stable and upper case: `NOT_FOUND`, `DIGEST_MISMATCH`, `NO_SPACE`, …
    pub code: &'static str,
    /// The step that failed, in a word or two: `overlay`, `write blob`, `read entry`.
    pub step: String,
    /// The path, name or value at fault, where there is one.
    pub subject: Option<String>,
    /// errno(3), where the kernel refused.
    pub errno: Option<i32>,
    /// One sentence, lower case, no full stop.
    pub message: String,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: &'static str, step: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            step: step.into(),
            subject: None,
            errno: None,
            message: message.into(),
        }
    }

    /// An error of the kernel. ENOSPC and EDQUOT become `NO_SPACE`, ENOENT `NOT_FOUND`, others `IO`.
    pub fn io(step: impl Into<String>, subject: impl Into<String>, error: &std::io::Error) -> Self {
        let errno = error.raw_os_error();
        let code = match errno {
            Some(libc::ENOSPC | libc::EDQUOT) => "NO_SPACE",
            Some(libc::ENOENT) => "NOT_FOUND",
            _ => "IO",
        };
        Self {
            code,
            step: step.into(),
            subject: Some(subject.into()),
            errno,
            message: error.to_string(),
        }
    }

    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    fn to_json(&self) -> String {
        let mut out = String::from("{\"code\":");
        push_json_string(&mut out, self.code);
        out.push_str(",\"step\":");
        push_json_string(&mut out, &self.step);
        if let Some(subject) = &self.subject {
            out.push_str(",\"subject\":");
            push_json_string(&mut out, subject);
        }
        if let Some(errno) = self.errno {
            out.push_str(&format!(",\"errno\":{errno}"));
        }
        out.push_str(",\"message\":");
        push_json_string(&mut out, &self.message);
        out.push('}');
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.step)?;
        if let Some(subject) = &self.subject {
            write!(f, "{subject}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<Error> for napi::Error {
    fn from(error: Error) -> Self {
        napi::Error::new(napi::Status::GenericFailure, error.to_json())
    }
}

/// RFC 8259 section 7.
fn push_json_string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if (c as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
