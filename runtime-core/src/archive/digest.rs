//! Digests as OCI writes them: image-spec descriptor.md, "Digests".

use std::fs::File;
use std::io::Read;

use sha2::{Digest, Sha256, Sha512};

use super::FileDigest;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// A running digest of one algorithm.
pub enum Digester {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
    /// For what nobody asks the digest of.
    None,
}

impl Digester {
    pub fn sha256() -> Self {
        Self::Sha256(Sha256::new())
    }

    pub fn none() -> Self {
        Self::None
    }

    /// The algorithm that `expected`, `sha256:…` or `sha512:…`, was made with.
    pub fn of(expected: &str) -> Result<Self> {
        match expected.split_once(':') {
            Some(("sha256", hex)) if is_hex(hex, 64) => Ok(Self::sha256()),
            Some(("sha512", hex)) if is_hex(hex, 128) => Ok(Self::Sha512(Box::new(Sha512::new()))),
            _ => Err(
                Error::new("DIGEST_INVALID", "digest", "not a sha256 or sha512 digest")
                    .with_subject(expected),
            ),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Sha512(hasher) => hasher.update(bytes),
            Self::None => {}
        }
    }

    pub fn finish(self) -> String {
        match self {
            Self::Sha256(hasher) => format!("sha256:{}", hex(&hasher.finalize())),
            Self::Sha512(hasher) => format!("sha512:{}", hex(&hasher.finalize())),
            Self::None => String::new(),
        }
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// sha256 and size of a file, read once.
pub fn digest_file(path: &str, cancel: &CancelFlag) -> Result<FileDigest> {
    let failed = |error: std::io::Error| Error::io("digest file", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut digester = Digester::sha256();
    let mut buffer = vec![0u8; 1 << 20];
    let mut size_bytes = 0;
    loop {
        cancel.check()?;
        let len = match file.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            done => done.map_err(failed)?,
        };
        if len == 0 {
            return Ok(FileDigest {
                digest: digester.finish(),
                size_bytes,
            });
        }
        digester.update(&buffer[..len]);
        size_bytes += len as i64;
    }
}
