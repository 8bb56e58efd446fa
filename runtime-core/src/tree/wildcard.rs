//! Wildcards in the source of a COPY: names matched directory by directory, symlinks on the way not followed.

use super::glob::PathPattern;
use super::meta::{Kind, Meta};
use super::path::{components, display, join};
use super::resolve::{Dirs, Found, look_up, open_directory, resolve};
use super::select::{Selected, Selector};
use super::walk::sorted_names;
use crate::error::{Error, Result};

impl Selector<'_> {
    /// One match of a pattern, unless it is ignored.
    fn matched(&self, name: Vec<u8>, path: &[u8], meta: &Meta) -> Result<Option<Selected>> {
        let Some(root) = self.root else { return Ok(None) };
        match self.resolve(root, path)? {
            Some(place) => Ok(Some(Selected { name, place })),
            None if meta.kind != Kind::Symlink || self.ignore.check_from_root(components(path)).0 => Ok(None),
            None => Err(
                Error::new("NOT_FOUND", "find source", "the symlink leads nowhere")
                    .with_subject(display(&join(b"/", path))),
            ),
        }
    }

    /// Adds what a pattern matches, sorted. Errors: `NOT_FOUND` for a symlink that leads nowhere.
    pub(super) fn matches(&self, pattern: &PathPattern, selected: &mut Vec<Selected>) -> Result<()> {
        let Some(root) = self.root else { return Ok(()) };
        if let Found::Directory(dirs) = resolve(root, &pattern.literal.join(&b'/'))?.found {
            self.match_below(&dirs, pattern, 0, selected)?;
        }
        Ok(())
    }

    fn match_below(
        &self,
        dirs: &Dirs,
        pattern: &PathPattern,
        index: usize,
        selected: &mut Vec<Selected>,
    ) -> Result<()> {
        let is_last = index + 1 == pattern.patterns.len();
        for name in sorted_names(dirs.last())? {
            self.cancel.check()?;
            if !pattern.patterns[index].matches(&name) {
                continue;
            }
            let Some(meta) = look_up(dirs.last(), &name)? else {
                continue;
            };
            if is_last {
                let path = join(&dirs.path(), &name);
                selected.extend(self.matched(name, &path, &meta)?);
            } else if meta.kind == Kind::Directory {
                let mut below = dirs.clone();
                below.push(name.clone(), open_directory(dirs.last(), &name)?);
                self.match_below(&below, pattern, index + 1, selected)?;
            }
        }
        Ok(())
    }
}
