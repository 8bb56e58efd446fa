//! Overlay upper → blob in one pass: lay out, fill and compress in parallel, digest and write in order.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::compress::{Codec, Encoder};
use super::digest::Digester;
use super::layout::{Filler, Layout};
use super::lower::Lowers;
use super::pool::{Pool, Reorder, caught};
use super::sys::open_root;
use super::walk::{WalkOptions, walk};
use super::{PackRequest, PackResult};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Below this one thread is done before a second has woken up.
const INLINE_BYTES: u64 = 4 << 20;
/// What the buffers may take, raw and compressed together.
const BUFFER_BYTES: usize = 80 << 20;

pub fn pack(request: &PackRequest, cancel: &CancelFlag) -> Result<PackResult> {
    let codec = Codec::of(&request.compression)?;
    let upper = open_root(&request.upper, "open upper")?;
    let lowers = Lowers::open(&request.lowers)?;
    let options = WalkOptions {
        source_date_epoch: request.source_date_epoch,
        user_xattrs: request.user_xattrs.unwrap_or(false),
        cancel,
    };
    let listing = walk(&upper, &lowers, &options)?;
    let layout = Layout::new(&listing, &upper);
    let mut blob = Blob::create(&request.output, codec)?;
    let job = Job {
        codec,
        layout: &layout,
        cancel,
    };
    let diff_id = job.run(thread_count(request, codec), &mut blob);
    let result = diff_id.map(|diff_id| PackResult {
        digest: blob.finish_digest().unwrap_or_else(|| diff_id.clone()),
        diff_id,
        size_bytes: blob.len as i64,
        tar_size_bytes: layout.size as i64,
        entries: listing.entries.len() as i64,
    });
    if result.is_err() {
        blob.remove();
    }
    result
}

fn thread_count(request: &PackRequest, codec: Codec) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from).min(16);
    let wanted = request.threads.map_or_else(cores, |threads| threads as usize);
    wanted.clamp(1, window(usize::MAX / 4, codec) - 1)
}

/// How many chunks may be under way.
fn window(threads: usize, codec: Codec) -> usize {
    (2 * threads + 2).min(BUFFER_BYTES / (2 * codec.chunk_len()))
}

/// The output under way: written, digested, and gone again when something fails.
struct Blob<'a> {
    path: &'a str,
    file: File,
    /// None where the blob is the tar itself, which has its digest already.
    digester: Option<Digester>,
    len: u64,
}

impl<'a> Blob<'a> {
    fn create(path: &'a str, codec: Codec) -> Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path);
        let file = file.map_err(|error| Error::io("create blob", path, &error))?;
        let digester = (codec != Codec::None).then(Digester::sha256);
        Ok(Self {
            path,
            file,
            digester,
            len: 0,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digester
            .iter_mut()
            .for_each(|digester| digester.update(bytes));
        self.len += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .map_err(|error| Error::io("write blob", self.path, &error))
    }

    fn finish_digest(&mut self) -> Option<String> {
        self.digester.take().map(Digester::finish)
    }

    fn remove(&self) {
        // The error that brought us here is the one to report.
        let _ = std::fs::remove_file(self.path);
    }
}

struct Job<'a> {
    codec: Codec,
    layout: &'a Layout<'a>,
    cancel: &'a CancelFlag,
}

/// A chunk that a worker is done with: the tar's bytes, and the blob's unless they are the same.
struct Chunk {
    number: u64,
    packed: Packed,
}

enum Packed {
    Compressed(Vec<u8>),
    Plain(Arc<Vec<u8>>),
}

impl Job<'_> {
    /// Writes the blob and gives the diffId.
    fn run(&self, threads: usize, blob: &mut Blob<'_>) -> Result<String> {
        if threads == 1 || self.layout.size < INLINE_BYTES {
            return self.run_inline(blob);
        }
        self.run_threads(threads, blob)
    }

    fn chunks(&self) -> u64 {
        self.layout.size.div_ceil(self.codec.chunk_len() as u64)
    }

    fn run_inline(&self, blob: &mut Blob<'_>) -> Result<String> {
        let mut filler = Filler::new(self.layout);
        let mut encoder = self.codec.encoder()?;
        let mut diff = Digester::sha256();
        let (mut raw, mut packed) = (Vec::new(), Vec::new());
        for number in 0..self.chunks() {
            self.cancel.check()?;
            self.fill(&mut filler, number, &mut raw)?;
            diff.update(&raw);
            encoder.encode(&raw, &mut packed)?;
            blob.write(&packed)?;
        }
        Ok(diff.finish())
    }

    fn fill(&self, filler: &mut Filler<'_>, number: u64, raw: &mut Vec<u8>) -> Result<()> {
        let len = self.codec.chunk_len();
        filler.fill(number * len as u64, len, raw)
    }

    fn run_threads(&self, threads: usize, blob: &mut Blob<'_>) -> Result<String> {
        let window = window(threads, self.codec);
        let line = Line {
            next: AtomicU64::new(0),
            raw: Pool::new(window),
            packed: Pool::new(window),
        };
        thread::scope(|scope| {
            let (to_blob, from_workers) = channel();
            let (to_diff, raw_chunks) = channel();
            for _ in 0..threads {
                let (to_blob, to_diff, line) = (to_blob.clone(), to_diff.clone(), &line);
                scope.spawn(move || {
                    if let Err(error) = caught(|| self.work(line, &to_blob, &to_diff)) {
                        // Nobody listens any more when another failed first.
                        let _ = to_blob.send(Err(error));
                    }
                });
            }
            drop((to_blob, to_diff));
            let diff = scope.spawn(|| line.digest_in_order(raw_chunks));
            let written = line.write_in_order(from_workers, blob);
            line.close();
            let diff_id = diff
                .join()
                .map_err(|_| Error::new("INTERNAL", "digest", "the digest thread panicked"))?;
            written.map(|()| diff_id)
        })
    }

    /// Takes buffers first and the chunk's number then: whoever has the lowest number can always finish.
    fn work(
        &self,
        line: &Line,
        to_blob: &Sender<Result<Chunk>>,
        to_diff: &Sender<(u64, Arc<Vec<u8>>)>,
    ) -> Result<()> {
        let mut filler = Filler::new(self.layout);
        let mut encoder = self.codec.encoder()?;
        while let (Some(mut raw), Some(mut packed)) = (line.raw.take(), line.packed.take()) {
            let number = line.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.chunks() {
                line.put_back(raw, packed);
                return Ok(());
            }
            self.cancel.check()?;
            self.fill(&mut filler, number, &mut raw)?;
            let raw = Arc::new(raw);
            if to_diff.send((number, Arc::clone(&raw))).is_err() {
                return Ok(());
            }
            let packed = match &mut encoder {
                Encoder::None => {
                    line.packed.give(packed);
                    Packed::Plain(raw)
                }
                encoder => {
                    encoder.encode(&raw, &mut packed)?;
                    line.give_raw(raw);
                    Packed::Compressed(packed)
                }
            };
            if to_blob.send(Ok(Chunk { number, packed })).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What the threads of one pack share.
struct Line {
    next: AtomicU64,
    raw: Pool,
    packed: Pool,
}

impl Line {
    fn digest_in_order(&self, chunks: Receiver<(u64, Arc<Vec<u8>>)>) -> String {
        let mut digester = Digester::sha256();
        let mut order = Reorder::new();
        for (number, raw) in chunks {
            for raw in order.push(number, raw) {
                digester.update(&raw);
                self.give_raw(raw);
            }
        }
        digester.finish()
    }

    fn write_in_order(&self, chunks: Receiver<Result<Chunk>>, blob: &mut Blob<'_>) -> Result<()> {
        let mut order = Reorder::new();
        for chunk in chunks {
            let chunk = chunk?;
            for packed in order.push(chunk.number, chunk.packed) {
                match packed {
                    Packed::Compressed(bytes) => {
                        blob.write(&bytes)?;
                        self.packed.give(bytes);
                    }
                    Packed::Plain(bytes) => {
                        blob.write(&bytes)?;
                        self.give_raw(bytes);
                    }
                }
            }
        }
        Ok(())
    }

    /// The last of those who share a raw chunk gives its buffer back.
    fn give_raw(&self, raw: Arc<Vec<u8>>) {
        if let Some(buffer) = Arc::into_inner(raw) {
            self.raw.give(buffer);
        }
    }

    fn put_back(&self, raw: Vec<u8>, packed: Vec<u8>) {
        self.raw.give(raw);
        self.packed.give(packed);
    }

    fn close(&self) {
        self.raw.close();
        self.packed.close();
    }
}
