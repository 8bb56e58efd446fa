//! The tar inside a file, whatever it is compressed with. The first bytes say so, not the name.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};

use super::blob::is_zstd;

/// What an xz stream may ask of memory: its largest preset takes 65 MiB, and a hostile header 4 GiB.
const MAX_XZ_MEMORY: u64 = 1 << 30;

/// gzip (RFC 1952), bzip2, xz and zstd (RFC 8878), each with any number of members, or the file as it is. From its start.
pub fn decode(mut file: File) -> io::Result<Box<dyn Read + Send>> {
    file.rewind()?;
    let mut reader = BufReader::with_capacity(256 << 10, file);
    let magic = reader.fill_buf()?;
    if magic.starts_with(&[0x1f, 0x8b, 0x08]) {
        return Ok(Box::new(MultiGzDecoder::new(reader)));
    }
    if magic.starts_with(b"BZh") {
        return Ok(Box::new(MultiBzDecoder::new(reader)));
    }
    if magic.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
        let stream = Stream::new_stream_decoder(MAX_XZ_MEMORY, CONCATENATED)?;
        return Ok(Box::new(XzDecoder::new_stream(reader, stream)));
    }
    if is_zstd(magic) {
        return Ok(Box::new(zstd::stream::read::Decoder::with_buffer(reader)?));
    }
    Ok(Box::new(reader))
}
