//! What a COPY takes: literal paths and patterns of one source, without what its rules ignore.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, openat};

use super::filter::{Filter, Include, Position};
use super::glob::PathPattern;
use super::ignore::{Matched, RuleText, Rules};
use super::meta::{Kind, Meta};
use super::path::{components, display, join};
use super::resolve::{Dirs, Found, resolve};
use super::rootfs::{Layers, Rootfs};
use super::walk::{Entry, Visitor, walk};
use crate::error::{Error, Result};
use crate::task::CancelFlag;

/// Files to read, as TypeScript names them.
#[derive(Clone, Debug)]
pub struct Source {
    pub layers: Layers,
    pub ignore: Vec<RuleText>,
    /// A local context: owners are 0:0, and only what a layer keeps is read.
    pub is_context: bool,
    /// Modes are 0644 and 0755, whatever they are on disk.
    pub normalize_modes: bool,
}

impl Source {
    /// A file as a copy without flags brings it: its mode and owner.
    pub fn shown(&self, meta: &Meta) -> Meta {
        let meta = if self.normalize_modes {
            meta.with_git_mode()
        } else {
            *meta
        };
        let (uid, gid) = if self.is_context {
            (0, 0)
        } else {
            (meta.uid, meta.gid)
        };
        Meta { uid, gid, ..meta }
    }
}

#[derive(Clone, Debug)]
pub struct Selection {
    pub source: Source,
    pub paths: Vec<String>,
    pub wildcards: bool,
    pub exclude: Vec<RuleText>,
    /// `--parents`: of a directory only this, relative to it. Empty: everything.
    pub include: Vec<RuleText>,
    /// Directories that something of `include` may lie in.
    pub ancestors: Vec<RuleText>,
    /// Literal paths that must be there beside `paths`.
    pub required: Vec<String>,
}

impl Selection {
    /// Literal paths, and everything that is in them.
    pub fn of(source: Source, paths: Vec<String>) -> Self {
        Self {
            source,
            paths,
            wildcards: false,
            exclude: Vec::new(),
            include: Vec::new(),
            ancestors: Vec::new(),
            required: Vec::new(),
        }
    }
}

/// One thing that was selected.
pub struct Selected {
    /// The last component of the path as it was asked for: a followed symlink keeps its own name. Empty for the root.
    pub name: Vec<u8>,
    pub place: Place,
}

pub enum Place {
    /// Its contents are taken.
    Directory {
        directory: Arc<OwnedFd>,
        /// Relative to the root of the source.
        path: Vec<u8>,
        ignore: Matched,
    },
    /// The root of an empty source: a directory without contents.
    Nothing,
    Other {
        parent: Arc<OwnedFd>,
        name: Vec<u8>,
        meta: Meta,
    },
}

/// A selection on an open root.
pub struct Selector<'a> {
    pub(super) root: Option<&'a Arc<OwnedFd>>,
    pub(super) ignore: Rules,
    exclude: Rules,
    include: Option<Include>,
    pub(super) cancel: &'a CancelFlag,
}

impl<'a> Selector<'a> {
    pub fn new(rootfs: &'a Rootfs, selection: &Selection, cancel: &'a CancelFlag) -> Result<Self> {
        Ok(Self {
            root: rootfs.directory(),
            ignore: Rules::compile(&selection.source.ignore)?,
            exclude: Rules::compile(&selection.exclude)?,
            include: Include::compile(&selection.include, &selection.ancestors)?,
            cancel,
        })
    }

    /// What a whole selection takes. Errors: as `select`, and `NOT_FOUND` for a path that is required.
    pub fn select_all(&self, selection: &Selection) -> Result<Vec<Selected>> {
        for path in &selection.required {
            self.literal(path.as_bytes(), path)?;
        }
        self.select(&selection.paths, selection.wildcards)
    }

    /// In the order of the paths, matches of a pattern sorted. Errors: `NOT_FOUND` for a literal, `BAD_PATTERN`.
    pub fn select(&self, paths: &[String], wildcards: bool) -> Result<Vec<Selected>> {
        let mut selected = Vec::new();
        for path in paths {
            let parsed = if wildcards {
                Some(PathPattern::parse(path)?)
            } else {
                None
            };
            match parsed {
                Some(pattern) if !pattern.patterns.is_empty() => self.matches(&pattern, &mut selected)?,
                Some(literal) => selected.push(self.literal(&literal.literal.join(&b'/'), path)?),
                None => selected.push(self.literal(path.as_bytes(), path)?),
            }
        }
        selected.retain(|one| !self.is_excluded_file(one));
        Ok(selected)
    }

    /// Walks one selected directory.
    pub fn walk(&self, selected: &Selected, visitor: &mut dyn Visitor) -> Result<()> {
        let Place::Directory {
            directory,
            path,
            ignore,
        } = &selected.place
        else {
            return Ok(());
        };
        let at = Position {
            source_path: path.clone(),
            ignore: ignore.clone(),
            ..Position::default()
        };
        let filter = Filter {
            ignore: &self.ignore,
            exclude: &self.exclude,
            include: self.include.as_ref(),
        };
        walk(directory, at, filter, self.cancel, visitor)
    }

    fn literal(&self, path: &[u8], asked: &str) -> Result<Selected> {
        let missing =
            || Error::new("NOT_FOUND", "find source", "no such file or directory").with_subject(asked);
        if self.root.is_none() && components(path).next().is_none() {
            return Ok(Selected {
                name: Vec::new(),
                place: Place::Nothing,
            });
        }
        let root = self.root.ok_or_else(missing)?;
        let name = components(path).next_back().unwrap_or_default().to_vec();
        let place = self.resolve(root, path)?.ok_or_else(missing)?;
        Ok(Selected { name, place })
    }

    /// `None` when it is missing or ignored.
    pub(super) fn resolve(&self, root: &Arc<OwnedFd>, path: &[u8]) -> Result<Option<Place>> {
        let resolved = resolve(root, path)?;
        let is_ignored = |path: &Vec<u8>| self.ignore.check_from_root(components(path)).0;
        if resolved.symlinks.iter().any(is_ignored) {
            return Ok(None);
        }
        match resolved.found {
            Found::Directory(dirs) => self.directory(&dirs),
            Found::Other { parent, name, meta } => {
                let path = join(&parent.path(), &name);
                let parent = parent.last().clone();
                Ok((!is_ignored(&path)).then_some(Place::Other { parent, name, meta }))
            }
            Found::Missing { .. } | Found::NotADirectory(_) => Ok(None),
        }
    }

    fn directory(&self, dirs: &Dirs) -> Result<Option<Place>> {
        let path = dirs.path();
        let (is_ignored, ignore) = self.ignore.check_from_root(dirs.names());
        if is_ignored && !self.has_kept_below(dirs.last(), &path, &ignore)? {
            return Ok(None);
        }
        let directory = dirs.last().clone();
        Ok(Some(Place::Directory {
            directory,
            path,
            ignore,
        }))
    }

    /// An ignored directory is there only for the sake of what is kept in it.
    fn has_kept_below(&self, directory: &Arc<OwnedFd>, path: &[u8], ignore: &Matched) -> Result<bool> {
        let mut any = Any(false);
        let at = Position {
            source_path: path.to_vec(),
            ignore: ignore.clone(),
            ..Position::default()
        };
        let filter = Filter {
            ignore: &self.ignore,
            exclude: &Rules::default(),
            include: None,
        };
        walk(directory, at, filter, self.cancel, &mut any)?;
        Ok(any.0)
    }

    fn is_excluded_file(&self, selected: &Selected) -> bool {
        matches!(selected.place, Place::Other { .. })
            && self.exclude.check(&selected.name, &Matched::default()).0
    }
}

struct Any(bool);

impl Visitor for Any {
    fn enter(&mut self, _: &Entry<'_>, _: &Arc<OwnedFd>) -> Result<()> {
        self.0 = true;
        Ok(())
    }
    fn leave(&mut self, _: &Entry<'_>, _: &Arc<OwnedFd>) -> Result<()> {
        Ok(())
    }
    fn visit(&mut self, _: &Entry<'_>) -> Result<()> {
        self.0 = true;
        Ok(())
    }
}

/// Opens a regular file by its name, and nothing else: a FIFO put in its place does not block.
pub fn open_file(parent: &OwnedFd, name: &[u8]) -> Result<(OwnedFd, Meta)> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let failed = |error: rustix::io::Errno| Error::io("open file", display(name), &error.into());
    let file = openat(parent, name, flags, Mode::empty()).map_err(failed)?;
    let stat = rustix::fs::fstat(&file).map_err(failed)?;
    match Meta::of(&stat) {
        Some(meta) if meta.kind == Kind::File => Ok((file, meta)),
        _ => Err(
            Error::new("SOURCE_CHANGED", "open file", "it is not a regular file any more")
                .with_subject(display(name)),
        ),
    }
}
