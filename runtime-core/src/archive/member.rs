//! The members of a tar archive, as every writer of layers spells them: ustar, pax, GNU and v7.

use super::numbers::{decimal, number, pax_time};
use super::pax::{self, Records, corrupt};
use super::sparse::{self, SparseMap};
use super::stream::Stream;
use super::sys::lossy;
use super::xattr::Xattrs;
use crate::error::{Error, Result};

const BLOCK: u64 = 512;
/// Go's archive/tar has the same bound for names and pax headers.
const MAX_SPECIAL: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    File,
    HardLink,
    Symlink,
    CharDevice,
    BlockDevice,
    Directory,
    Fifo,
}

#[derive(Debug)]
pub struct Member {
    pub path: Vec<u8>,
    pub kind: MemberKind,
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: (i64, u32),
    pub device: (u32, u32),
    pub xattrs: Xattrs,
    /// Bytes of data that follow in the stream.
    pub stored: u64,
    pub sparse: Option<SparseMap>,
}

pub struct RawHeader([u8; 512]);

impl RawHeader {
    pub fn block(&self) -> &[u8; 512] {
        &self.0
    }

    /// Whether a block can be the header of a tar's first member.
    pub fn is_plausible(block: &[u8; 512]) -> bool {
        let header = Self(*block);
        !header.is_zero() && header.has_checksum().unwrap_or(false)
    }

    fn text(&self, range: std::ops::Range<usize>) -> &[u8] {
        let field = &self.0[range];
        &field[..field.iter().position(|byte| *byte == 0).unwrap_or(field.len())]
    }

    fn number(&self, range: std::ops::Range<usize>) -> Result<i64> {
        number(&self.0[range]).map_err(|error| error.with_subject(lossy(self.text(0..100))))
    }

    fn typeflag(&self) -> u8 {
        self.0[156]
    }

    fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The sum of all bytes with the field itself as spaces; old writers added signed bytes.
    fn has_checksum(&self) -> Result<bool> {
        let is_field = |at: &usize| (148..156).contains(at);
        let byte = |at: usize| if is_field(&at) { b' ' } else { self.0[at] };
        let unsigned: i64 = (0..512).map(|at| byte(at) as i64).sum();
        let signed: i64 = (0..512).map(|at| byte(at) as i8 as i64).sum();
        let expected = self.number(148..156)?;
        Ok(expected == unsigned || expected == signed)
    }

    /// `prefix/name` in POSIX headers; GNU keeps other things in the prefix's place.
    fn path(&self) -> Vec<u8> {
        let (prefix, name) = (self.text(345..500), self.text(0..100));
        if &self.0[257..263] != b"ustar\0" || prefix.is_empty() {
            return name.to_vec();
        }
        [prefix, b"/", name].concat()
    }

    /// The data's size; only files have data, whatever a header says (so do Go and GNU tar read it).
    fn stored(&self) -> Result<u64> {
        let size = self.number(124..136)?;
        u64::try_from(size).map_err(|_| corrupt("a size is negative"))
    }
}

/// Reads members one by one.
pub struct Archive<'a> {
    pub stream: Stream<'a>,
    global: Records,
    /// What is left of the member's data, and its padding.
    left: u64,
    padding: u64,
}

/// What stood before a member's own header.
#[derive(Default)]
struct Prelude {
    records: Records,
    sparse_pairs: Vec<(u64, u64)>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl<'a> Archive<'a> {
    pub fn new(stream: Stream<'a>) -> Self {
        Self {
            stream,
            global: Records::new(),
            left: 0,
            padding: 0,
        }
    }

    /// The next member, after skipping what was not read of the last; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Member>> {
        self.stream.skip(self.left)?;
        self.stream.skip(self.padding)?;
        (self.left, self.padding) = (0, 0);
        let mut prelude = Prelude::default();
        loop {
            let Some(header) = self.read_header()? else {
                return Ok(None);
            };
            match header.typeflag() {
                b'x' | b'X' => prelude.add(pax::parse(&self.special(&header)?)?)?,
                b'g' => {
                    let records = pax::parse(&self.special(&header)?)?;
                    pax::apply(&mut self.global, records);
                }
                b'L' => prelude.path = Some(until_nul(self.special(&header)?)),
                b'K' => prelude.link = Some(until_nul(self.special(&header)?)),
                _ => return self.member(&header, prelude).map(Some),
            }
        }
    }

    /// A block of zeros and another end the archive; so does the stream's end between members.
    fn read_header(&mut self) -> Result<Option<RawHeader>> {
        let mut header = RawHeader([0; 512]);
        if !self.stream.read_block(&mut header.0)? {
            return Ok(None);
        }
        if header.is_zero() {
            if self.stream.read_block(&mut header.0)? && !header.is_zero() {
                return Err(corrupt("a single block of zeros between members"));
            }
            return Ok(None);
        }
        if !header.has_checksum()? {
            return Err(corrupt("a header's checksum is wrong"));
        }
        Ok(Some(header))
    }

    /// The body of a header that describes the next one.
    fn special(&mut self, header: &RawHeader) -> Result<Vec<u8>> {
        let size = header.stored()?;
        if size > MAX_SPECIAL {
            return Err(corrupt("an extended header is larger than 1 MiB"));
        }
        let body = self.stream.read_exact(size as usize)?;
        self.stream.skip(size.next_multiple_of(BLOCK) - size)?;
        Ok(body)
    }

    fn member(&mut self, header: &RawHeader, prelude: Prelude) -> Result<Member> {
        let pairs = prelude.sparse_pairs;
        let mut records = self.global.clone();
        // A path or size for all members at once makes no sense and hides things.
        ["path", "linkpath", "size"]
            .iter()
            .for_each(|key| drop(records.remove(key.as_bytes())));
        records.extend(prelude.records);
        records.retain(|_, value| !value.is_empty());
        let get = |key: &str| records.get(key.as_bytes()).map(Vec::as_slice);

        let path = get("GNU.sparse.name").or(get("path")).map(<[u8]>::to_vec);
        let path = prelude.path.or(path).unwrap_or_else(|| header.path());
        let kind = kind(header.typeflag(), &path)?;
        let fail = |what: &str| corrupt(&format!("{what} is out of range")).with_subject(lossy(&path));
        let mut member = Member {
            kind,
            link: prelude
                .link
                .or(get("linkpath").map(<[u8]>::to_vec))
                .unwrap_or_else(|| header.text(157..257).to_vec()),
            mode: (header.number(100..108)? & 0o7777) as u32,
            uid: id(get("uid"), header.number(108..116)).ok_or_else(|| fail("the owner"))?,
            gid: id(get("gid"), header.number(116..124)).ok_or_else(|| fail("the group"))?,
            mtime: match get("mtime") {
                Some(text) => pax_time(text).ok_or_else(|| fail("the mtime"))?,
                None => (header.number(136..148)?, 0),
            },
            device: device(header, kind).ok_or_else(|| fail("the device number"))?,
            xattrs: xattrs(&records),
            stored: 0,
            sparse: None,
            path,
        };
        if kind == MemberKind::File {
            let stored = match get("size") {
                Some(text) => decimal(text).ok_or_else(|| corrupt("a pax size is no number"))?,
                None => header.stored()?,
            };
            self.read_map(header, &records, &pairs, stored, &mut member)?;
        }
        Ok(member)
    }

    fn read_map(
        &mut self,
        header: &RawHeader,
        records: &Records,
        pairs: &[(u64, u64)],
        stored: u64,
        member: &mut Member,
    ) -> Result<()> {
        member.stored = stored;
        if header.typeflag() == b'S' {
            member.sparse = Some(sparse::read_old(header, stored, &mut self.stream)?);
        } else if let Some((map, data)) = sparse::read_pax(records, pairs, stored, &mut self.stream)? {
            member.stored = data;
            member.sparse = Some(map);
        }
        let padded = stored
            .checked_next_multiple_of(BLOCK)
            .ok_or_else(|| corrupt("a size is out of range"))?;
        self.padding = padded - stored;
        self.left = member.stored;
        Ok(())
    }

    /// Hands `len` bytes of the member's data to `sink`.
    pub fn copy(&mut self, len: u64, sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let len = len.min(self.left);
        self.left -= len;
        self.stream.copy(len, sink)
    }
}

impl Prelude {
    fn add(&mut self, records: Vec<(Vec<u8>, Vec<u8>)>) -> Result<()> {
        for (key, value) in &records {
            match key.as_slice() {
                b"GNU.sparse.offset" => self.sparse_pairs.push((sparse_number(value)?, 0)),
                b"GNU.sparse.numbytes" => {
                    let last = self
                        .sparse_pairs
                        .last_mut()
                        .ok_or_else(|| corrupt("a sparse map is out of order"))?;
                    last.1 = sparse_number(value)?;
                }
                _ => {}
            }
        }
        pax::apply(&mut self.records, records);
        Ok(())
    }
}

fn sparse_number(value: &[u8]) -> Result<u64> {
    decimal(value).ok_or_else(|| corrupt("a sparse map is no list of numbers"))
}

/// `\0` and `7` are files too, and a file whose name ends in a slash is a directory, as v7 wrote them.
fn kind(typeflag: u8, path: &[u8]) -> Result<MemberKind> {
    match typeflag {
        b'0' | 0 | b'7' if path.ends_with(b"/") => Ok(MemberKind::Directory),
        b'0' | 0 | b'7' | b'S' => Ok(MemberKind::File),
        b'1' => Ok(MemberKind::HardLink),
        b'2' => Ok(MemberKind::Symlink),
        b'3' => Ok(MemberKind::CharDevice),
        b'4' => Ok(MemberKind::BlockDevice),
        b'5' => Ok(MemberKind::Directory),
        b'6' => Ok(MemberKind::Fifo),
        other => {
            let message = format!("no layer may hold a member of type {}", [other].escape_ascii());
            Err(Error::new("LAYER_UNSUPPORTED", "read tar", message).with_subject(lossy(path)))
        }
    }
}

/// 2^32 - 1 means "leave it" to chown(2), so it is no owner.
fn id(record: Option<&[u8]>, field: Result<i64>) -> Option<u32> {
    let value = match record {
        Some(text) => i64::try_from(decimal(text)?).ok()?,
        None => field.ok()?,
    };
    u32::try_from(value).ok().filter(|id| *id != u32::MAX)
}

fn device(header: &RawHeader, kind: MemberKind) -> Option<(u32, u32)> {
    if !matches!(kind, MemberKind::CharDevice | MemberKind::BlockDevice) {
        return Some((0, 0));
    }
    let field = |range| {
        header
            .number(range)
            .ok()
            .and_then(|value| u32::try_from(value).ok())
    };
    Some((field(329..337)?, field(337..345)?))
}

fn xattrs(records: &Records) -> Xattrs {
    let name = |key: &[u8]| key.strip_prefix(b"SCHILY.xattr.").map(<[u8]>::to_vec);
    records
        .iter()
        .filter_map(|(key, value)| Some((name(key)?, value.clone())))
        .collect()
}

fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
    text
}
