//! Numbers as tar headers write them.

use crate::error::{Error, Result};

/// Octal digits between spaces and NULs (POSIX), or GNU's base-256 when the first bit is set. An empty field is 0.
pub fn number(field: &[u8]) -> Result<i64> {
    match field.first() {
        Some(byte) if byte & 0x80 != 0 => base256(field),
        _ => octal(field),
    }
}

/// GNU tar, "Extensions to the tar format": two's complement, big endian, the first bit not part of it.
fn base256(field: &[u8]) -> Result<i64> {
    let is_negative = field[0] & 0x40 != 0;
    let first = if is_negative {
        field[0] as i8 as i128
    } else {
        (field[0] & 0x7f) as i128
    };
    let value = field[1..]
        .iter()
        .try_fold(first, |value, byte| Some(value.checked_mul(256)? | *byte as i128));
    value
        .and_then(|value| i64::try_from(value).ok())
        .ok_or_else(|| invalid(field))
}

fn octal(field: &[u8]) -> Result<i64> {
    let text = trim(field);
    if text.is_empty() {
        return Ok(0);
    }
    let digits = std::str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| i64::from_str_radix(text, 8).ok())
        .ok_or_else(|| invalid(field))
}

/// From the first that is no space to the first NUL or space after it.
fn trim(field: &[u8]) -> &[u8] {
    let start = field.iter().position(|byte| *byte != b' ').unwrap_or(field.len());
    let text = &field[start..];
    &text[..text
        .iter()
        .position(|byte| matches!(byte, b' ' | 0))
        .unwrap_or(text.len())]
}

/// pax decimal: `-?digits(.digits)?`, as seconds and nanoseconds since.
pub fn pax_time(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
    if whole.starts_with('-') && nanos > 0 {
        return Some((seconds.checked_sub(1)?, 1_000_000_000 - nanos));
    }
    Some((seconds, nanos))
}

pub fn decimal(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn invalid(field: &[u8]) -> Error {
    let message = format!("not a number: {}", field.escape_ascii());
    Error::new("LAYER_CORRUPT", "read header", message)
}
