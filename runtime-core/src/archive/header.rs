//! The bytes before an entry's body: a ustar header, and a pax header only where ustar cannot say it.
//!
//! These bytes are part of every digest: `tsl1` is their name, and they never change under it.

use super::xattr::Xattrs;

pub const BLOCK: usize = 512;

/// The largest numbers that 7 and 11 octal digits hold.
const MAX_7: u64 = 0o7777777;
const MAX_11: u64 = 0o77777777777;

pub struct Header<'a> {
    /// A directory's ends with a slash.
    pub path: &'a [u8],
    pub typeflag: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub mtime: i64,
    pub link: &'a [u8],
    /// Major and minor, of devices.
    pub device: (u32, u32),
    pub xattrs: &'a Xattrs,
}

/// Appends the header blocks to `out`.
pub fn encode(header: &Header<'_>, out: &mut Vec<u8>) {
    let records = pax_records(header);
    if !records.is_empty() {
        push_pax(&records, out);
    }
    let (prefix, name) = split(header.path).unwrap_or((&[], header.path));
    push_ustar(header, prefix, name, out);
}

/// Appends zeros up to the next block.
pub fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(BLOCK), 0);
}

fn push_pax(records: &[u8], out: &mut Vec<u8>) {
    let header = Header {
        path: b"PaxHeader",
        typeflag: b'x',
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: records.len() as u64,
        mtime: 0,
        link: &[],
        device: (0, 0),
        xattrs: &Vec::new(),
    };
    push_ustar(&header, &[], header.path, out);
    out.extend_from_slice(records);
    pad(out);
}

/// pax, "pax Extended Header": `length key=value\n`, sorted by key. Empty when ustar says everything.
fn pax_records(header: &Header<'_>) -> Vec<u8> {
    let mut records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut add = |key: &[u8], value: &[u8]| records.push((key.to_vec(), value.to_vec()));
    if header.gid as u64 > MAX_7 {
        add(b"gid", header.gid.to_string().as_bytes());
    }
    if !header.link.is_ascii() || header.link.len() > 100 {
        add(b"linkpath", header.link);
    }
    if !fits_mtime(header.mtime) {
        add(b"mtime", header.mtime.to_string().as_bytes());
    }
    if !header.path.is_ascii() || split(header.path).is_none() {
        add(b"path", header.path);
    }
    if header.size > MAX_11 {
        add(b"size", header.size.to_string().as_bytes());
    }
    if header.uid as u64 > MAX_7 {
        add(b"uid", header.uid.to_string().as_bytes());
    }
    for (name, value) in header.xattrs {
        add(&[b"SCHILY.xattr.", name.as_slice()].concat(), value);
    }
    records.sort_unstable();
    records
        .iter()
        .flat_map(|(key, value)| pax_record(key, value))
        .collect()
}

/// The length counts its own digits.
fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + 1;
    while len != rest + len.to_string().len() {
        len = rest + len.to_string().len();
    }
    [len.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// Prefix and name, cut at the rightmost slash that fits; `None` when no cut does.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= 100 {
        return Some((&[], path));
    }
    let cut = (1..path.len().min(156))
        .rev()
        .find(|at| path[*at] == b'/' && *at + 1 < path.len())?;
    let (prefix, name) = (&path[..cut], &path[cut + 1..]);
    (name.len() <= 100).then_some((prefix, name))
}

fn fits_mtime(mtime: i64) -> bool {
    (0..=MAX_11 as i64).contains(&mtime)
}

fn push_ustar(header: &Header<'_>, prefix: &[u8], name: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + BLOCK, 0);
    let block = &mut out[start..];
    put_text(&mut block[..100], name);
    put_octal(&mut block[100..108], header.mode as u64);
    put_octal(&mut block[108..116], capped(header.uid as u64, MAX_7));
    put_octal(&mut block[116..124], capped(header.gid as u64, MAX_7));
    put_octal(&mut block[124..136], capped(header.size, MAX_11));
    put_octal(
        &mut block[136..148],
        if fits_mtime(header.mtime) {
            header.mtime as u64
        } else {
            0
        },
    );
    block[148..156].fill(b' ');
    block[156] = header.typeflag;
    put_text(&mut block[157..257], header.link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    put_octal(&mut block[329..337], header.device.0 as u64);
    put_octal(&mut block[337..345], header.device.1 as u64);
    put_text(&mut block[345..500], prefix);
    let sum: u32 = block.iter().map(|byte| *byte as u32).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

/// A number that does not fit stands in the pax header.
fn capped(number: u64, max: u64) -> u64 {
    if number > max { 0 } else { number }
}

fn put_octal(field: &mut [u8], number: u64) {
    let digits = field.len() - 1;
    field[..digits].copy_from_slice(format!("{number:0digits$o}").as_bytes());
}

/// What does not fit, or is not ASCII, stands in the pax header; here is the nearest name for readers without one.
fn put_text(field: &mut [u8], text: &[u8]) {
    for (slot, byte) in field.iter_mut().zip(text) {
        *slot = if byte.is_ascii() { *byte } else { b'_' };
    }
}
