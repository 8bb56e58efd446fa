//! The content digest of a selection: what decides whether a COPY has to be run again.
//!
//! One SHA-256 over canonical records, every field either of fixed size or behind its length. What a copy does not bring
//! (mtimes, the owner and mode of a directory whose contents are taken) is not in it; what it brings is.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::content::Content;
use super::meta::{Kind, Meta};
use super::record::{Record, digest_records};
use super::resolve::read_link;
use super::rootfs::Rootfs;
use super::select::{Place, Selected, Selection, Selector, open_file};
use super::walk::{Entry, Visitor};
use super::xattr::{self, Scope, Xattrs};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

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
    let selected = selector.select_all(selection)?;
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
                collector.records.push(Record::contents_of_directory());
                selector.walk(one, &mut collector)?;
            }
            Place::Nothing => collector.records.push(Record::contents_of_directory()),
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
        let owner = if self.is_context {
            (0, 0)
        } else {
            (meta.uid, meta.gid)
        };
        self.records.push(Record::new(path, meta, owner, target));
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
    for one in hashed {
        let record = &mut records[one.record];
        record.xattrs = one.xattrs;
        record.content = one.sha256;
    }
    SelectionDigest {
        digest: digest_records(&records),
        entries: records.len() as u64,
        bytes: records.iter().map(Record::bytes).sum(),
    }
}
