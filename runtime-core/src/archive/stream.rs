//! The uncompressed tar as it arrives from the decompressor's thread: digested, counted and bounded.

use std::sync::mpsc::Receiver;

use super::digest::Digester;
use super::pool::Pool;
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// What the decompressor sends.
pub enum Piece {
    Bytes(Vec<u8>),
    End,
}

pub struct Stream<'a> {
    pieces: Receiver<Piece>,
    pool: &'a Pool,
    cancel: &'a CancelFlag,
    digester: Digester,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    /// Bytes received.
    len: u64,
    limit: u64,
}

impl<'a> Stream<'a> {
    pub fn new(
        pieces: Receiver<Piece>,
        pool: &'a Pool,
        digester: Digester,
        limit: u64,
        cancel: &'a CancelFlag,
    ) -> Self {
        Self {
            pieces,
            pool,
            cancel,
            digester,
            piece: Vec::new(),
            at: 0,
            ended: false,
            len: 0,
            limit,
        }
    }

    /// The bytes at hand, after waiting for some; empty at the end.
    pub fn peek(&mut self) -> Result<&[u8]> {
        while self.at == self.piece.len() && !self.ended {
            self.receive()?;
        }
        Ok(&self.piece[self.at..])
    }

    pub fn consume(&mut self, len: usize) {
        self.at += len;
    }

    fn receive(&mut self) -> Result<()> {
        self.cancel.check()?;
        match self.pieces.recv() {
            Ok(Piece::Bytes(bytes)) => self.accept(bytes),
            Ok(Piece::End) => {
                self.ended = true;
                Ok(())
            }
            // The other thread failed; its error is the one that counts.
            Err(_) => Err(Error::new("INTERNAL", "read tar", "the decompressor stopped")),
        }
    }

    fn accept(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.digester.update(&bytes);
        self.len += bytes.len() as u64;
        if self.len > self.limit {
            let message = format!("the tar is larger than {} bytes", self.limit);
            return Err(Error::new("LAYER_TOO_LARGE", "read tar", message));
        }
        self.pool.give(std::mem::replace(&mut self.piece, bytes));
        self.at = 0;
        Ok(())
    }

    /// Fills `block`, or gives false when the stream ends before its first byte.
    pub fn read_block(&mut self, block: &mut [u8]) -> Result<bool> {
        let mut filled = 0;
        while filled < block.len() {
            let bytes = self.peek()?;
            if bytes.is_empty() {
                return if filled == 0 { Ok(false) } else { Err(truncated()) };
            }
            let len = bytes.len().min(block.len() - filled);
            block[filled..filled + len].copy_from_slice(&bytes[..len]);
            self.consume(len);
            filled += len;
        }
        Ok(true)
    }

    pub fn read_exact(&mut self, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        if len > 0 && !self.read_block(&mut bytes)? {
            return Err(truncated());
        }
        Ok(bytes)
    }

    /// Hands `len` bytes to `sink`, piece by piece.
    pub fn copy(&mut self, mut len: u64, mut sink: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while len > 0 {
            let bytes = self.peek()?;
            if bytes.is_empty() {
                return Err(truncated());
            }
            let take = bytes.len().min(usize::try_from(len).unwrap_or(usize::MAX));
            sink(&bytes[..take])?;
            self.consume(take);
            len -= take as u64;
        }
        Ok(())
    }

    pub fn skip(&mut self, len: u64) -> Result<()> {
        self.copy(len, |_| Ok(()))
    }

    /// What lies behind the end of the archive belongs to the diffId too.
    pub fn drain(&mut self) -> Result<()> {
        loop {
            let len = self.peek()?.len();
            if len == 0 {
                return Ok(());
            }
            self.consume(len);
        }
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn digest(self) -> String {
        self.digester.finish()
    }
}

pub fn truncated() -> Error {
    Error::new(
        "LAYER_CORRUPT",
        "read tar",
        "the tar ends in the middle of an entry",
    )
}
