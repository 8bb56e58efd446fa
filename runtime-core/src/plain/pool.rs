//! The trees of this process: made when one is first needed, and handed on from a step to the next of its chain, so that a stage
//! is copied once and not before every instruction.

use std::fs::{create_dir_all, remove_dir_all};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::changes;
use super::merge::{Links, merge};
use super::record::Record;
use crate::archive::lower::Lowers;
use crate::archive::sys::open_root;
use crate::error::{Error, Result};
use crate::task::CancelFlag;
use crate::tree::remove::remove_tree;

/// More are removed, the one that was not used for longest first: each is a copy of a whole root.
const MOST_TREES: usize = 4;

/// What a tree shows: its layers by device and inode, lowest first. A snapshot keeps them when it gets its name.
type Key = Vec<(u64, u64)>;

/// The merged files of some layers.
struct Tree {
    /// A directory of its own, with `root` and `aside` in it.
    place: PathBuf,
    root: Arc<OwnedFd>,
    links: Links,
    had_links: bool,
}

struct Kept {
    trees: String,
    key: Key,
    tree: Arc<Tree>,
    record: Option<Record>,
}

/// The most recently used last.
static POOL: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
/// Of two that want to read the same tree, one makes it.
static MAKING: Mutex<()> = Mutex::new(());
static REMOVING: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// A tree that is only read, and may be read by others.
pub struct Shared(Arc<Tree>);

impl Shared {
    pub fn root(&self) -> &Arc<OwnedFd> {
        &self.0.root
    }

    pub fn path(&self) -> PathBuf {
        self.0.place.join("root")
    }
}

/// A tree that nobody else has, to be written. Dropped without `commit` it is removed.
pub struct Held {
    trees: String,
    key: Key,
    tree: Arc<Tree>,
    record: Record,
}

/// What `lowers` show, to read. Trees are kept in the directory `trees`.
pub fn share(trees: &str, lowers: &[String], cancel: &CancelFlag) -> Result<Shared> {
    let key = key_of(lowers)?;
    if let Some(tree) = find(trees, &key) {
        return Ok(Shared(tree));
    }
    let _making = lock(&MAKING);
    if let Some(tree) = find(trees, &key) {
        return Ok(Shared(tree));
    }
    let tree = Arc::new(Tree::make(trees, lowers, Links::Kept, cancel)?);
    keep(Kept {
        trees: trees.into(),
        key,
        tree: Arc::clone(&tree),
        record: None,
    });
    Ok(Shared(tree))
}

/// What `lowers` show, to write.
pub fn take(trees: &str, lowers: &[String], cancel: &CancelFlag) -> Result<Held> {
    let key = key_of(lowers)?;
    let kept = take_kept(trees, &key);
    let (tree, record) = match kept {
        Some(kept) => (kept.tree, kept.record),
        None => (Arc::new(Tree::make(trees, lowers, Links::Broken, cancel)?), None),
    };
    let record = match record {
        Some(record) => record,
        None => Record::of(&tree.root)?,
    };
    record.let_time_pass();
    Ok(Held {
        trees: trees.into(),
        key,
        tree,
        record,
    })
}

/// Removes every tree in `trees`, and waits for those that are being removed.
pub fn release(trees: &str) {
    lock(&POOL).retain(|kept| kept.trees != trees);
    let removing = std::mem::take(&mut *lock(&REMOVING));
    for thread in removing {
        let _ = thread.join();
    }
}

impl Held {
    pub fn root(&self) -> &Arc<OwnedFd> {
        &self.tree.root
    }

    pub fn root_path(&self) -> PathBuf {
        self.tree.place.join("root")
    }

    /// A directory beside the root, on the same filesystem.
    pub fn aside_path(&self) -> PathBuf {
        self.tree.place.join("aside")
    }

    /// Puts what was changed into `upper`, an empty directory, and keeps the tree for whoever builds on that.
    pub fn commit(self, upper: &str, cancel: &CancelFlag) -> Result<()> {
        let Self {
            trees,
            mut key,
            tree,
            record,
        } = self;
        let directory = open_root(upper, "open upper")?;
        let after = changes::collect(&tree.root, &record, &directory, cancel)?;
        // Names of one file would stay together when the next step writes to one of them; overlayfs parts them.
        if after.has_links {
            return Ok(());
        }
        key.push(identity(upper)?);
        let (tree, record) = (tree, Some(after.record));
        keep(Kept {
            trees,
            key,
            tree,
            record,
        });
        Ok(())
    }
}

impl Tree {
    fn make(trees: &str, lowers: &[String], links: Links, cancel: &CancelFlag) -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let place = Path::new(trees).join(COUNT.fetch_add(1, Ordering::Relaxed).to_string());
        let io = |error: std::io::Error| Error::io("make tree", place.display().to_string(), &error);
        create_dir_all(trees).map_err(io)?;
        let made = std::fs::DirBuilder::new().mode(0o700).create(&place);
        made.and_then(|()| std::fs::create_dir(place.join("aside")))
            .map_err(io)?;
        std::fs::create_dir(place.join("root")).map_err(io)?;
        let root = open_root(&place.join("root").display().to_string(), "make tree")?;
        let mut tree = Self {
            place: place.clone(),
            root: Arc::new(root),
            links,
            had_links: false,
        };
        tree.had_links = merge(&Lowers::open(lowers)?, &tree.root, links, cancel)?;
        Ok(tree)
    }

    fn serves(&self, links: Links) -> bool {
        self.links == links || !self.had_links
    }
}

/// In the background: a root has tens of thousands of files.
impl Drop for Tree {
    fn drop(&mut self) {
        let place = self.place.clone();
        let remove = move || {
            let path = place.display().to_string();
            if remove_tree(&path, &CancelFlag::default()).is_err() {
                let _ = remove_dir_all(&place);
            }
        };
        if let Ok(thread) = std::thread::Builder::new()
            .name("tsbuild-tree".into())
            .spawn(remove)
        {
            lock(&REMOVING).push(thread);
        }
    }
}

fn find(trees: &str, key: &Key) -> Option<Arc<Tree>> {
    let mut pool = lock(&POOL);
    let is_it = |kept: &Kept| kept.trees == trees && kept.key == *key && kept.tree.serves(Links::Kept);
    let at = pool.iter().position(is_it)?;
    let kept = pool.remove(at);
    let tree = Arc::clone(&kept.tree);
    pool.push(kept);
    Some(tree)
}

/// One that nobody reads.
fn take_kept(trees: &str, key: &Key) -> Option<Kept> {
    let mut pool = lock(&POOL);
    let is_free = |kept: &Kept| {
        kept.trees == trees
            && kept.key == *key
            && kept.tree.serves(Links::Broken)
            && Arc::strong_count(&kept.tree) == 1
    };
    let at = pool.iter().position(is_free)?;
    Some(pool.remove(at))
}

fn keep(kept: Kept) {
    let dropped: Vec<Kept> = {
        let mut pool = lock(&POOL);
        pool.push(kept);
        let surplus = pool.len().saturating_sub(MOST_TREES);
        pool.drain(..surplus).collect()
    };
    drop(dropped);
}

fn key_of(lowers: &[String]) -> Result<Key> {
    lowers.iter().map(|path| identity(path)).collect()
}

fn identity(path: &str) -> Result<(u64, u64)> {
    let metadata = std::fs::metadata(path).map_err(|error| Error::io("open root", path, &error))?;
    Ok((metadata.dev(), metadata.ino()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
