//! The content digest of a selection: what decides whether a COPY has to be run again.
//!
//! One SHA-256 over canonical records, every field either of fixed size or behind its length. What a copy does not bring
//! (mtimes, the owner and mode of a directory whose contents are taken) is not in it; what it brings is.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::content::Content;
use super::meta::{Kind, Meta};
use super::resolve::read_link;
use super::rootfs::Rootfs;
use super::select::{Place, Selected, Selection, Selector, open_file};
use super::walk::{Entry, Visitor};
use super::xattr::{self, Scope, Xattrs};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Names the format: a change of it changes every digest.
const FORMAT: &[u8] = b"tsbuild.selection.v1";
const BATCH_FILES: usize = 32;
const QUEUED_BATCHES: usize = 16;

pub struct SelectionDigest {
    /// `sha256:…`
    pub digest: String,
    pub entries: u64,
    pub bytes: u64,
}

/// Call on a thread with the isolation that the source needs.
pub fn digest_selection(selection: &Selection, cancel: &CancelFlag) -> Result<SelectionDigest> {
    let rootfs = Rootfs::view(&selection.source.layers)?;
    let selector = Selector::new(&rootfs, selection, cancel)?;
    let selected = selector.select(&selection.paths, selection.wildcards)?;
    let scope = scope_of(selection);
    let (records, contents) = std::thread::scope(|threads| {
        let (sender, receiver) = sync_channel(QUEUED_BATCHES);
        let receiver = Arc::new(Mutex::new(receiver));
        let workers: Vec<_> = (0..worker_count())
            .map(|_| {
                let receiver = receiver.clone();
                threads.spawn(move || hash_batches(&receiver, scope, cancel))
            })
            .collect();
        drop(receiver);
        let records = collect(&selector, &selected, selection.source.is_context, sender);
        let contents: Vec<_> = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|_| Err(panicked())))
            .collect();
        // A worker's failure closes the queue: it is the cause, the walk's is the consequence.
        let mut hashed = Vec::new();
        for content in contents {
            hashed.extend(content?);
        }
        Ok((records?, hashed))
    })?;
    Ok(finish(records, contents))
}

fn scope_of(selection: &Selection) -> Scope {
    if selection.source.is_context {
        Scope::Capability
    } else {
        Scope::CapabilityAndUser
    }
}

fn worker_count() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(16)
}

fn panicked() -> Error {
    Error::new("INTERNAL", "digest", "a worker panicked")
}

/// Everything about an entry but the bytes of a file.
struct Record {
    name: Vec<u8>,
    meta: Meta,
    target: Vec<u8>,
    xattrs: Xattrs,
}

/// A file whose bytes are to be hashed, and where its result belongs.
struct Job {
    record: usize,
    parent: Arc<OwnedFd>,
    name: Vec<u8>,
    expected: Meta,
}

struct Hashed {
    record: usize,
    sha256: [u8; 32],
    xattrs: Xattrs,
}

fn collect(
    selector: &Selector<'_>,
    selected: &[Selected],
    is_context: bool,
    sender: SyncSender<Vec<Job>>,
) -> Result<Vec<Record>> {
    let mut collector = Collector {
        records: Vec::new(),
        batch: Vec::new(),
        sender,
        is_context,
    };
    for one in selected {
        match &one.place {
            Place::Directory { .. } => {
                collector.contents_of_directory();
                selector.walk(one, &mut collector)?;
            }
            Place::Other { parent, name, meta } => collector.add(&one.name, parent, name, meta)?,
        }
    }
    collector.flush()?;
    Ok(collector.records)
}

struct Collector {
    records: Vec<Record>,
    batch: Vec<Job>,
    sender: SyncSender<Vec<Job>>,
    is_context: bool,
}

impl Collector {
    /// The directory whose contents are taken: it is there, and nothing of it is copied.
    fn contents_of_directory(&mut self) {
        self.records.push(Record {
            name: Vec::new(),
            meta: Meta {
                kind: Kind::Directory,
                mode: 0,
                uid: 0,
                gid: 0,
                size: 0,
                rdev: 0,
                links: 1,
                identity: (0, 0),
                mtime: rustix::fs::Timespec {
                    tv_sec: 0,
                    tv_nsec: 0,
                },
            },
            target: Vec::new(),
            xattrs: Vec::new(),
        });
    }

    fn add(&mut self, path: &[u8], parent: &Arc<OwnedFd>, name: &[u8], meta: &Meta) -> Result<()> {
        let target = if meta.kind == Kind::Symlink {
            read_link(parent, name)?
        } else {
            Vec::new()
        };
        if meta.kind == Kind::File {
            self.batch.push(Job {
                record: self.records.len(),
                parent: parent.clone(),
                name: name.to_vec(),
                expected: *meta,
            });
        }
        let mut meta = *meta;
        if self.is_context {
            (meta.uid, meta.gid) = (0, 0);
        }
        self.records.push(Record {
            name: path.to_vec(),
            meta,
            target,
            xattrs: Vec::new(),
        });
        if self.batch.len() >= BATCH_FILES {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.sender.send(batch).map_err(|_| panicked())
    }
}

impl Visitor for Collector {
    fn enter(&mut self, entry: &Entry<'_>, directory: &Arc<OwnedFd>) -> Result<()> {
        self.add(entry.path, entry.parent, entry.name, entry.meta)?;
        if !self.is_context {
            let record = self.records.last_mut().expect("added above");
            record.xattrs = xattr::read(directory, Scope::CapabilityAndUser)?;
        }
        Ok(())
    }

    fn leave(&mut self, _: &Entry<'_>, _: &Arc<OwnedFd>) -> Result<()> {
        Ok(())
    }

    fn visit(&mut self, entry: &Entry<'_>) -> Result<()> {
        self.add(entry.path, entry.parent, entry.name, entry.meta)
    }
}

fn hash_batches(
    receiver: &Mutex<Receiver<Vec<Job>>>,
    scope: Scope,
    cancel: &CancelFlag,
) -> Result<Vec<Hashed>> {
    let mut content = Content::new(cancel);
    let mut hashed = Vec::new();
    loop {
        let batch = receiver.lock().map_err(|_| panicked())?.recv();
        let Ok(batch) = batch else { return Ok(hashed) };
        for job in batch {
            hashed.push(hash_file(&job, scope, &mut content)?);
        }
    }
}

fn hash_file(job: &Job, scope: Scope, content: &mut Content<'_>) -> Result<Hashed> {
    let (file, meta) = open_file(&job.parent, &job.name)?;
    if meta.identity != job.expected.identity || meta.size != job.expected.size {
        return Err(
            Error::new("SOURCE_CHANGED", "read file", "it was replaced while it was read")
                .with_subject(super::path::display(&job.name)),
        );
    }
    let mut sha = Sha256::new();
    content.read(&file, &job.name, meta.size, |chunk| {
        sha.update(chunk);
        Ok(())
    })?;
    Ok(Hashed {
        record: job.record,
        sha256: sha.finalize().into(),
        xattrs: xattr::read(&file, scope)?,
    })
}

fn finish(mut records: Vec<Record>, hashed: Vec<Hashed>) -> SelectionDigest {
    let mut contents = HashMap::with_capacity(hashed.len());
    for one in hashed {
        records[one.record].xattrs = one.xattrs;
        contents.insert(one.record, one.sha256);
    }
    let groups = hardlink_groups(&records);
    let mut sha = Sha256::new();
    field(&mut sha, FORMAT);
    let mut bytes = 0;
    for (index, record) in records.iter().enumerate() {
        bytes += if record.meta.kind == Kind::File {
            record.meta.size
        } else {
            0
        };
        let group = groups.get(&index).copied().unwrap_or(0);
        hash_record(&mut sha, record, contents.get(&index).unwrap_or(&[0; 32]), group);
    }
    SelectionDigest {
        digest: format!("sha256:{}", hex(&sha.finalize())),
        entries: records.len() as u64,
        bytes,
    }
}

/// Names of one file within the selection share an ordinal, in order of appearance from 1. A name whose others are
/// elsewhere is a plain file: that is what the copy makes of it.
fn hardlink_groups(records: &[Record]) -> HashMap<usize, u64> {
    let mut members: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for (index, record) in records.iter().enumerate() {
        if record.meta.is_hardlinked() {
            members.entry(record.meta.identity).or_default().push(index);
        }
    }
    let mut groups: Vec<_> = members.into_values().filter(|group| group.len() > 1).collect();
    groups.sort_unstable();
    let numbered = (1..).zip(groups);
    numbered
        .flat_map(|(ordinal, group)| group.into_iter().map(move |index| (index, ordinal)))
        .collect()
}

fn hash_record(sha: &mut Sha256, record: &Record, content: &[u8; 32], group: u64) {
    let Record {
        name,
        meta,
        target,
        xattrs,
    } = record;
    field(sha, name);
    sha.update([kind_byte(meta.kind)]);
    // What chmod(2) and stat(2) say of a symlink's mode means nothing; the size of what is not a file neither.
    let mode = if meta.kind == Kind::Symlink { 0 } else { meta.mode };
    let size = if meta.kind == Kind::File { meta.size } else { 0 };
    for number in [
        mode.into(),
        meta.uid.into(),
        meta.gid.into(),
        meta.rdev,
        size,
        group,
    ] {
        sha.update(u64::to_be_bytes(number));
    }
    field(sha, target);
    sha.update((xattrs.len() as u64).to_be_bytes());
    for (name, value) in xattrs {
        field(sha, name);
        field(sha, value);
    }
    sha.update(content);
}

fn field(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_be_bytes());
    sha.update(bytes);
}

/// The letters of `find -type`.
fn kind_byte(kind: Kind) -> u8 {
    match kind {
        Kind::File => b'f',
        Kind::Directory => b'd',
        Kind::Symlink => b'l',
        Kind::CharDevice => b'c',
        Kind::BlockDevice => b'b',
        Kind::Fifo => b'p',
        Kind::Socket => b's',
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
