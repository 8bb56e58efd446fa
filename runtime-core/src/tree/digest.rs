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
use super::select::{Place, Selected, Selection, Selector, Source, open_file};
use super::stat_index::{Index, Moment, Trust};
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

/// Call on a thread with the isolation that the source needs. Files of a context that `index` knows are not read; those that
/// are read are noted in it.
pub fn digest_selection(
    selection: &Selection,
    index: Option<&Index>,
    cancel: &CancelFlag,
) -> Result<SelectionDigest> {
    // The attributes of files count in full elsewhere, and an overlay's inodes are not its layers'.
    let index = index.filter(|_| selection.source.is_context);
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
        let collector = Collector::new(selection, index, sender);
        let records = collector.collect(&selector, &selected);
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
    note(index, &contents);
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
    /// Of a file that will look otherwise when it has changed.
    settled: Option<Meta>,
}

struct Collector<'a> {
    records: Vec<Record>,
    batch: Vec<Job>,
    sender: SyncSender<Vec<Job>>,
    index: Option<&'a Index>,
    source: &'a Source,
}

impl<'a> Collector<'a> {
    fn new(selection: &'a Selection, index: Option<&'a Index>, sender: SyncSender<Vec<Job>>) -> Self {
        Self {
            records: Vec::new(),
            batch: Vec::new(),
            sender,
            index,
            source: &selection.source,
        }
    }

    fn collect(mut self, selector: &Selector<'_>, selected: &[Selected]) -> Result<Vec<Record>> {
        for one in selected {
            match &one.place {
                Place::Directory { .. } => {
                    self.records.push(Record::contents_of_directory());
                    selector.walk(one, &mut self)?;
                }
                Place::Nothing => self.records.push(Record::contents_of_directory()),
                Place::Other { parent, name, meta } => self.add(&one.name, parent, name, meta)?,
            }
        }
        self.flush()?;
        Ok(self.records)
    }

    fn add(&mut self, path: &[u8], parent: &Arc<OwnedFd>, name: &[u8], meta: &Meta) -> Result<()> {
        let target = if meta.kind == Kind::Symlink {
            read_link(parent, name)?
        } else {
            Vec::new()
        };
        let known = if meta.kind == Kind::File {
            self.known_content(parent, name, meta)
        } else {
            None
        };
        let mut record = Record::new(path, &self.source.shown(meta), target);
        record.content = known.unwrap_or_default();
        self.records.push(record);
        if self.batch.len() >= BATCH_FILES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// From the index; else it is somebody's job.
    fn known_content(&mut self, parent: &Arc<OwnedFd>, name: &[u8], meta: &Meta) -> Option<[u8; 32]> {
        let known = self.index.and_then(|index| index.find(meta));
        if known.is_none() {
            self.batch.push(Job {
                record: self.records.len(),
                parent: parent.clone(),
                name: name.to_vec(),
                expected: *meta,
            });
        }
        known
    }

    fn flush(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        self.sender.send(batch).map_err(|_| panicked())
    }
}

impl Visitor for Collector<'_> {
    fn enter(&mut self, entry: &Entry<'_>, directory: &Arc<OwnedFd>) -> Result<()> {
        self.add(entry.path, entry.parent, entry.name, entry.meta)?;
        if !self.source.is_context {
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
    let mut trust = Trust::default();
    let mut hashed = Vec::new();
    loop {
        let batch = receiver.lock().map_err(|_| panicked())?.recv();
        let Ok(batch) = batch else { return Ok(hashed) };
        for job in batch {
            hashed.push(hash_file(&job, scope, &mut content, &mut trust)?);
        }
    }
}

fn hash_file(job: &Job, scope: Scope, content: &mut Content<'_>, trust: &mut Trust) -> Result<Hashed> {
    let began = Moment::now();
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
    let xattrs = xattr::read(&file, scope)?;
    // The index knows contents only: the few files with capabilities are read each time.
    let is_settled = xattrs.is_empty() && trust.allows(began, &file, &meta);
    Ok(Hashed {
        record: job.record,
        sha256: sha.finalize().into(),
        xattrs,
        settled: is_settled.then_some(meta),
    })
}

fn note(index: Option<&Index>, hashed: &[Hashed]) {
    if let Some(index) = index {
        index.note(hashed.iter().filter_map(|one| Some((one.settled?, one.sha256))));
    }
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
