//! pax extended headers: what an entry says beyond its ustar header.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// Keys to values, the last of a key counting; an empty value takes a key back.
pub type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// The records in the order they stand: `GNU.sparse.offset` and `numbytes` come in pairs.
pub fn parse(mut text: &[u8]) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut records = Vec::new();
    while !text.is_empty() {
        let (record, rest) = split_record(text).ok_or_else(|| corrupt("a pax record's length is wrong"))?;
        let equals = record
            .iter()
            .position(|byte| *byte == b'=')
            .ok_or_else(|| corrupt("a pax record has no ="))?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        if matches!(key, b"path" | b"linkpath") && value.contains(&0) {
            return Err(corrupt("a pax path holds a NUL"));
        }
        records.push((key.to_vec(), value.to_vec()));
        text = rest;
    }
    Ok(records)
}

/// `length key=value\n`, the length counting itself.
fn split_record(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = text.iter().take(20).position(|byte| *byte == b' ')?;
    let len = super::numbers::decimal(&text[..space])?;
    let len = usize::try_from(len)
        .ok()
        .filter(|len| (space + 2..=text.len()).contains(len))?;
    let record = text[space + 1..len].strip_suffix(b"\n")?;
    Some((record, &text[len..]))
}

pub fn apply(records: &mut Records, added: Vec<(Vec<u8>, Vec<u8>)>) {
    records.extend(added);
}

pub fn corrupt(message: &str) -> Error {
    Error::new("LAYER_CORRUPT", "read header", message)
}
