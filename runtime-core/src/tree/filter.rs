//! What a walk leaves out, decided name by name on the way down.

use super::ignore::{Matched, RuleText, Rules};
use super::path::join;
use crate::error::Result;

/// What a walk leaves out. `ignore` sees paths relative to the root of the source, the others relative to the walk.
pub struct Filter<'a> {
    pub ignore: &'a Rules,
    pub exclude: &'a Rules,
    pub include: Option<&'a Include>,
}

/// The only paths that a walk keeps, with all that is below them.
pub struct Include {
    rules: Rules,
    /// Directories that something kept may lie in: no other is entered.
    ancestors: Rules,
}

impl Include {
    /// Without rules everything is kept.
    pub fn compile(rules: &[RuleText], ancestors: &[RuleText]) -> Result<Option<Self>> {
        if rules.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            rules: Rules::compile(rules)?,
            ancestors: Rules::compile(ancestors)?,
        }))
    }

    /// Whether `path` is kept, and whether something below it may be.
    fn check(&self, path: &[u8], parent: &Matched) -> (bool, bool, Matched) {
        let (is_kept, state) = self.rules.check(path, parent);
        let may_keep_below = is_kept || self.ancestors.check(path, &Matched::default()).0;
        (is_kept, may_keep_below, state)
    }
}

/// A directory on the way, and which rules matched it.
#[derive(Clone, Default)]
pub struct Position {
    /// Relative to the root of the source; unknown while nothing needs it.
    pub source_path: Vec<u8>,
    /// Relative to the walk.
    pub path: Vec<u8>,
    pub ignore: Matched,
    pub exclude: Matched,
    pub include: Matched,
}

/// What the rules say of one name.
pub struct Verdict {
    pub is_kept: bool,
    /// Nothing below it can be kept.
    pub is_pruned: bool,
    pub at: Position,
}

impl Filter<'_> {
    /// Judges `name` in the directory `parent`.
    pub fn judge(&self, parent: &Position, name: &[u8]) -> Verdict {
        let path = join(&parent.path, name);
        let source_path = if self.ignore.is_empty() {
            Vec::new()
        } else {
            join(&parent.source_path, name)
        };
        let (is_ignored, ignore) = self.ignore.check(&source_path, &parent.ignore);
        let (is_excluded, exclude) = self.exclude.check(&path, &parent.exclude);
        let (is_included, may_include_below, include) = match self.include {
            Some(include) => include.check(&path, &parent.include),
            None => (true, true, Matched::default()),
        };
        Verdict {
            is_kept: is_included && !is_ignored && !is_excluded,
            is_pruned: !may_include_below
                || (is_ignored && !self.ignore.may_reinclude_below(&source_path, &ignore))
                || (is_excluded && !self.exclude.may_reinclude_below(&path, &exclude)),
            at: Position {
                source_path,
                path,
                ignore,
                exclude,
                include,
            },
        }
    }
}
