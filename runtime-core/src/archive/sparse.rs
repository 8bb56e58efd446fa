//! Sparse files as GNU tar stores them: a map of where the data belongs, the rest is holes.
//!
//! GNU tar manual, "Storing Sparse Files": the old format (typeflag `S`) and pax 0.0, 0.1 and 1.0.

use super::member::RawHeader;
use super::numbers::{decimal, number};
use super::pax::{Records, corrupt};
use super::stream::Stream;
use crate::error::Result;

/// The map of the largest sparse file we take, far above what any real one has.
const MAX_PIECES: usize = 1 << 20;

/// Pieces of data, ascending and apart, and the size of the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SparseMap {
    pub size: u64,
    pub pieces: Vec<(u64, u64)>,
}

impl SparseMap {
    fn new(size: u64, pieces: Vec<(u64, u64)>, stored: u64) -> Result<Self> {
        let mut end = 0;
        let mut sum = 0u64;
        for (offset, len) in &pieces {
            let next = offset
                .checked_add(*len)
                .filter(|next| *offset >= end && *next <= size);
            end = next.ok_or_else(|| corrupt("a sparse map is out of order"))?;
            sum += len;
        }
        if sum != stored || i64::try_from(size).is_err() {
            return Err(corrupt("a sparse map does not match its data"));
        }
        Ok(Self { size, pieces })
    }
}

/// The old format: four pieces in the header, 21 in each block after it.
pub fn read_old(header: &RawHeader, stored: u64, stream: &mut Stream<'_>) -> Result<SparseMap> {
    let block = header.block();
    let mut pieces = Vec::new();
    push_old(&block[386..482], &mut pieces)?;
    let mut more = block[482] != 0;
    while more {
        let block = stream.read_exact(512)?;
        push_old(&block[..504], &mut pieces)?;
        more = block[504] != 0;
        bounded(pieces.len())?;
    }
    SparseMap::new(positive(number(&block[483..495])?)?, pieces, stored)
}

fn push_old(fields: &[u8], pieces: &mut Vec<(u64, u64)>) -> Result<()> {
    for field in fields.chunks_exact(24).take_while(|field| field[0] != 0) {
        pieces.push((positive(number(&field[..12])?)?, positive(number(&field[12..])?)?));
    }
    Ok(())
}

/// pax 0.0 and 0.1, whose map stands in the header, or 1.0, whose map comes before the data and is part of its size.
/// Gives the map and how many bytes of data follow.
pub fn read_pax(
    records: &Records,
    pairs: &[(u64, u64)],
    stored: u64,
    stream: &mut Stream<'_>,
) -> Result<Option<(SparseMap, u64)>> {
    let get = |key: &str| records.get(key.as_bytes()).filter(|value| !value.is_empty());
    let size = |key: &str| {
        get(key)
            .and_then(|value| decimal(value))
            .ok_or_else(|| corrupt("a sparse file has no size"))
    };
    if get("GNU.sparse.major").map(Vec::as_slice) == Some(b"1") {
        let (pieces, read) = read_map(stored, stream)?;
        let data = stored - read;
        return Ok(Some((
            SparseMap::new(size("GNU.sparse.realsize")?, pieces, data)?,
            data,
        )));
    }
    if let Some(map) = get("GNU.sparse.map") {
        return Ok(Some((
            SparseMap::new(size("GNU.sparse.size")?, parse_map(map)?, stored)?,
            stored,
        )));
    }
    if get("GNU.sparse.numblocks").is_some() {
        return Ok(Some((
            SparseMap::new(size("GNU.sparse.size")?, pairs.to_vec(), stored)?,
            stored,
        )));
    }
    Ok(None)
}

/// `offset,length,offset,length…`
fn parse_map(text: &[u8]) -> Result<Vec<(u64, u64)>> {
    let numbers: Option<Vec<u64>> = text.split(|byte| *byte == b',').map(decimal).collect();
    let numbers = numbers.filter(|numbers| numbers.len() % 2 == 0);
    let numbers = numbers.ok_or_else(|| corrupt("a sparse map is no list of numbers"))?;
    bounded(numbers.len() / 2)?;
    Ok(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// Decimal numbers, one a line, padded to whole blocks: the count, then each offset and length.
fn read_map(stored: u64, stream: &mut Stream<'_>) -> Result<(Vec<(u64, u64)>, u64)> {
    let mut lines = Lines {
        text: Vec::new(),
        at: 0,
        left: stored,
        read: 0,
    };
    let count = lines.next(stream)?;
    bounded(usize::try_from(count).unwrap_or(usize::MAX))?;
    let pieces = (0..count)
        .map(|_| Ok((lines.next(stream)?, lines.next(stream)?)))
        .collect::<Result<_>>()?;
    Ok((pieces, lines.read))
}

struct Lines {
    text: Vec<u8>,
    at: usize,
    left: u64,
    read: u64,
}

impl Lines {
    fn next(&mut self, stream: &mut Stream<'_>) -> Result<u64> {
        loop {
            let rest = &self.text[self.at..];
            if let Some(len) = rest.iter().position(|byte| *byte == b'\n') {
                let value =
                    decimal(&rest[..len]).ok_or_else(|| corrupt("a sparse map is no list of numbers"))?;
                self.at += len + 1;
                return Ok(value);
            }
            if rest.len() > 20 || self.left < 512 {
                return Err(corrupt("a sparse map does not end"));
            }
            self.text.drain(..self.at);
            self.at = 0;
            self.text.extend(stream.read_exact(512)?);
            (self.left, self.read) = (self.left - 512, self.read + 512);
        }
    }
}

fn bounded(pieces: usize) -> Result<()> {
    if pieces > MAX_PIECES {
        Err(corrupt("a sparse map has too many pieces"))
    } else {
        Ok(())
    }
}

fn positive(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| corrupt("a size is negative"))
}
