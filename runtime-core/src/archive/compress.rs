//! Compressors whose bytes depend on nothing but their input: a chunk becomes a gzip member or a zstd frame of its own.

use libdeflater::{CompressionLvl, Compressor};

use super::Compression;
use crate::error::{Error, Result};

const MIB: usize = 1 << 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    None,
    Gzip(i32),
    Zstd(i32),
}

impl Codec {
    pub fn of(compression: &Compression) -> Result<Self> {
        match (compression.kind.as_str(), compression.level) {
            ("none", _) => Ok(Self::None),
            ("gzip", level) => in_range(level.unwrap_or(6), 0, 12).map(Self::Gzip),
            ("zstd", level) => in_range(level.unwrap_or(3), -7, 22).map(Self::Zstd),
            (kind, _) => Err(invalid(format!("unknown compression {kind}"))),
        }
    }

    /// gzip's window is 32 KiB, so small members cost nothing; zstd wants 4 MiB to find its matches.
    pub fn chunk_len(self) -> usize {
        match self {
            Self::None | Self::Gzip(_) => MIB,
            Self::Zstd(_) => 4 * MIB,
        }
    }

    pub fn encoder(self) -> Result<Encoder> {
        match self {
            Self::None => Ok(Encoder::None),
            Self::Gzip(level) => Ok(Encoder::Gzip {
                deflate: deflater(level)?,
                stored: deflater(0)?,
            }),
            Self::Zstd(level) => Ok(Encoder::Zstd(level)),
        }
    }
}

pub enum Encoder {
    None,
    Gzip { deflate: Compressor, stored: Compressor },
    Zstd(i32),
}

impl Encoder {
    /// Makes `out` the compressed form of `chunk`.
    pub fn encode(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<()> {
        match self {
            Self::None => {
                out.clear();
                out.extend_from_slice(chunk);
                Ok(())
            }
            Self::Gzip { deflate, stored } => gzip(
                if is_incompressible(chunk)? {
                    stored
                } else {
                    deflate
                },
                chunk,
                out,
            ),
            Self::Zstd(level) => zstd(*level, chunk, out),
        }
    }
}

/// RFC 1952. libdeflate writes MTIME 0, no name, OS 255, and the same bytes on every CPU.
fn gzip(compressor: &mut Compressor, chunk: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.resize(compressor.gzip_compress_bound(chunk.len()), 0);
    let len = compressor
        .gzip_compress(chunk, out)
        .map_err(|error| failed(error.to_string()))?;
    out.truncate(len);
    Ok(())
}

/// RFC 8878. A fresh context for each frame: nothing of the frame before can show in this one.
fn zstd(level: i32, chunk: &[u8], out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    out.reserve(zstd::zstd_safe::compress_bound(chunk.len()));
    let mut compressor = zstd::bulk::Compressor::new(level).map_err(|error| failed(error.to_string()))?;
    compressor
        .compress_to_buffer(chunk, out)
        .map_err(|error| failed(error.to_string()))?;
    Ok(())
}

/// libdeflate spends 12 ms on a MiB of noise to find nothing. zstd's fastest level says so on eight samples in 0.2 ms.
fn is_incompressible(chunk: &[u8]) -> Result<bool> {
    const SAMPLES: usize = 8;
    const SAMPLE_LEN: usize = 8 << 10;
    if chunk.len() < SAMPLES * SAMPLE_LEN {
        return Ok(false);
    }
    let step = chunk.len() / SAMPLES;
    let sample: Vec<u8> = (0..SAMPLES)
        .flat_map(|i| &chunk[i * step..i * step + SAMPLE_LEN])
        .copied()
        .collect();
    let mut packed = Vec::new();
    zstd(1, &sample, &mut packed)?;
    Ok(packed.len() * 100 > sample.len() * 97)
}

fn deflater(level: i32) -> Result<Compressor> {
    CompressionLvl::new(level)
        .map(Compressor::new)
        .map_err(|_| invalid(format!("no gzip level {level}")))
}

fn in_range(level: i32, least: i32, most: i32) -> Result<i32> {
    if (least..=most).contains(&level) {
        return Ok(level);
    }
    Err(invalid(format!(
        "compression level {level} is not in {least}..{most}"
    )))
}

fn invalid(message: String) -> Error {
    Error::new("COMPRESSION_INVALID", "compression", message)
}

fn failed(message: String) -> Error {
    Error::new("INTERNAL", "compress", message)
}
