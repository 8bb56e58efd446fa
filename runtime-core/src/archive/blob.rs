//! A blob on disk as the tar inside it: digested as it is read, decompressed by what its first bytes say.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use super::ApplyRequest;
use super::digest::Digester;
use crate::error::{Error, Result};

/// The blob, digesting what is read from it.
pub struct Blob {
    path: String,
    reader: BufReader<Digesting>,
}

struct Digesting {
    file: File,
    digester: Digester,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        self.digester.update(&buffer[..len]);
        Ok(len)
    }
}

impl Blob {
    /// A size other than the descriptor's is told before anything is read.
    pub fn open(request: &ApplyRequest) -> Result<Self> {
        let failed = |error: io::Error| Error::io("read blob", &request.blob, &error);
        let digester = Digester::of(&request.digest)?;
        let file = File::open(&request.blob).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        if i64::try_from(len) != Ok(request.size_bytes) {
            let message = format!(
                "the blob has {len} bytes, its descriptor says {}",
                request.size_bytes
            );
            return Err(Error::new("SIZE_MISMATCH", "read blob", message).with_subject(&request.digest));
        }
        let reader = BufReader::with_capacity(256 << 10, Digesting { file, digester });
        Ok(Self {
            path: request.blob.clone(),
            reader,
        })
    }

    /// The tar. gzip with any number of members (RFC 1952), zstd with any number of frames (RFC 8878), or as it is.
    pub fn tar(&mut self) -> Result<Box<dyn Read + '_>> {
        let path = self.path.clone();
        let magic = self
            .reader
            .fill_buf()
            .map_err(|error| read_error(&path, &error))?;
        if magic.starts_with(&[0x1f, 0x8b]) {
            return Ok(Box::new(MultiGzDecoder::new(&mut self.reader)));
        }
        if is_zstd(magic) {
            let decoder = zstd::stream::read::Decoder::with_buffer(&mut self.reader);
            return Ok(Box::new(decoder.map_err(|error| read_error(&path, &error))?));
        }
        Ok(Box::new(&mut self.reader))
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads what is left and gives the digest of the whole blob.
    pub fn digest(mut self) -> Result<String> {
        let path = self.path;
        io::copy(&mut self.reader, &mut io::sink()).map_err(|error| read_error(&path, &error))?;
        Ok(self.reader.into_inner().digester.finish())
    }
}

/// RFC 8878 sections 3.1.1 and 3.1.2: a frame, or a skippable one before it.
pub(super) fn is_zstd(magic: &[u8]) -> bool {
    magic.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || magic.len() >= 4 && magic[0] & 0xf0 == 0x50 && magic[1..4] == [0x2a, 0x4d, 0x18]
}

/// What the kernel says is its own error; what a decompressor says is the blob's.
pub fn read_error(path: &str, error: &io::Error) -> Error {
    if error.raw_os_error().is_some() {
        return Error::io("read blob", path, error);
    }
    Error::new("LAYER_CORRUPT", "decompress", error.to_string()).with_subject(path)
}
