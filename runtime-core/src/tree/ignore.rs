//! The .dockerignore language, as a walk applies it (moby/patternmatcher, `MatchesUsingParentResults`).

use regex::Regex;

use super::path::to_text;
use crate::error::{Error, Result};

/// One rule as TypeScript compiled it.
#[derive(Clone, Debug)]
pub struct RuleText {
    pub negated: bool,
    pub kind: String,
    pub text: String,
}

enum Matcher {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Regexp(Box<Regex>),
}

struct Rule {
    negated: bool,
    matcher: Matcher,
}

/// Compiled rules. Without rules nothing is ignored.
#[derive(Default)]
pub struct Rules(Vec<Rule>);

/// Which rules matched a directory: its children inherit them.
#[derive(Clone, Default)]
pub struct Matched(Vec<bool>);

impl Rules {
    pub fn compile(rules: &[RuleText]) -> Result<Self> {
        rules.iter().map(compile).collect::<Result<Vec<_>>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `path`, relative to the root of the rules, is ignored, given what matched its parent.
    /// A rule that was skipped at the parent is not tried on the parent again.
    pub fn check(&self, path: &[u8], parent: &Matched) -> (bool, Matched) {
        if self.is_empty() {
            return (false, Matched::default());
        }
        let text = to_text(path);
        let mut ignored = false;
        let mut matched = vec![false; self.0.len()];
        for (index, rule) in self.0.iter().enumerate() {
            let inherited = parent.0.get(index).copied().unwrap_or(false);
            if !inherited && rule.negated != ignored {
                continue;
            }
            if inherited || rule.matcher.matches(&text) {
                matched[index] = true;
                ignored = !rule.negated;
            }
        }
        (ignored, Matched(matched))
    }

    /// `check` for a path whose parents were not walked.
    pub fn check_from_root<'a>(&self, components: impl Iterator<Item = &'a [u8]>) -> (bool, Matched) {
        let mut path = Vec::new();
        let mut state = (false, Matched::default());
        for name in components {
            path = super::path::join(&path, name);
            state = self.check(&path, &state.1);
        }
        state
    }

    /// Whether something below the ignored directory `path` may be taken back in. What matched the directory matches all
    /// below it, so that only exceptions after the last such rule count.
    pub fn may_reinclude_below(&self, path: &[u8], matched: &Matched) -> bool {
        let below = to_text(path) + "/";
        let last = self.last_ignoring(matched);
        self.0[last..]
            .iter()
            .filter(|rule| rule.negated)
            .any(|rule| match &rule.matcher {
                Matcher::Exact(text) | Matcher::Prefix(text) => text.starts_with(&below),
                Matcher::Suffix(_) | Matcher::Regexp(_) => true,
            })
    }

    /// The last rule that ignored a directory, 0 where none did.
    fn last_ignoring(&self, matched: &Matched) -> usize {
        (0..self.0.len())
            .rev()
            .find(|&index| !self.0[index].negated && matched.0.get(index) == Some(&true))
            .unwrap_or(0)
    }
}

impl Matcher {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()),
            Self::Regexp(regex) => regex.is_match(path),
        }
    }
}

fn compile(rule: &RuleText) -> Result<Rule> {
    let text = rule.text.clone();
    let matcher = match rule.kind.as_str() {
        "exact" => Matcher::Exact(text),
        "prefix" => Matcher::Prefix(text),
        "suffix" => Matcher::Suffix(text),
        "regexp" => Matcher::Regexp(Box::new(compile_regexp(&text)?)),
        other => {
            return Err(Error::new(
                "BAD_PATTERN",
                "compile ignore rule",
                format!("unknown kind {other}"),
            ));
        }
    };
    Ok(Rule {
        negated: rule.negated,
        matcher,
    })
}

fn compile_regexp(text: &str) -> Result<Regex> {
    Regex::new(&format!("^(?:{text})$")).map_err(|error| {
        Error::new("BAD_PATTERN", "compile ignore rule", error.to_string()).with_subject(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> RuleText {
        RuleText {
            negated: text.starts_with('!'),
            kind: "exact".into(),
            text: text.trim_start_matches('!').into(),
        }
    }

    #[test]
    fn a_rule_skipped_at_the_parent_is_not_tried_again() {
        let rules = Rules::compile(&[exact("a/b"), exact("!a")]).unwrap();
        let (_, parent) = rules.check(b"a", &Matched::default());
        assert!(rules.check(b"a/b", &parent).0);
        assert!(!rules.check(b"a/c", &parent).0);
    }

    #[test]
    fn a_directory_is_entered_only_when_something_below_may_come_back() {
        let rules = Rules::compile(&[exact("a"), exact("b"), exact("!a/keep")]).unwrap();
        let below = |path: &[u8]| rules.may_reinclude_below(path, &rules.check(path, &Matched::default()).1);
        assert!(below(b"a"));
        assert!(!below(b"b"));
        assert!(!below(b"a/k"));
    }

    #[test]
    fn an_exception_before_the_rule_that_ignores_a_directory_takes_nothing_back() {
        let anything = RuleText {
            negated: true,
            kind: "regexp".into(),
            text: ".*".into(),
        };
        let rules = Rules::compile(&[anything, exact("store")]).unwrap();
        let (is_ignored, matched) = rules.check(b"store", &Matched::default());
        assert!(is_ignored);
        assert!(!rules.may_reinclude_below(b"store", &matched));
        assert!(rules.check(b"store/blobs", &matched).0);
    }
}
