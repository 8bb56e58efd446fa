//! Go's filepath.Match on one path component (pkg.go.dev/path/filepath#Match).

use super::path::{components, to_text};
use crate::error::{Error, Result};

enum Token {
    Any,
    One,
    Literal(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// The pattern of one component.
pub struct Pattern(Vec<Token>);

/// A path whose components may be patterns.
pub struct PathPattern {
    /// Components before the first pattern, unescaped.
    pub literal: Vec<Vec<u8>>,
    /// From the first pattern on.
    pub patterns: Vec<Pattern>,
}

impl PathPattern {
    /// Errors: `BAD_PATTERN`.
    pub fn parse(path: &str) -> Result<Self> {
        let mut parsed = Self {
            literal: Vec::new(),
            patterns: Vec::new(),
        };
        for part in components(path.as_bytes()) {
            let pattern = Pattern::parse(&to_text(part)).map_err(|error| error.with_subject(path))?;
            match pattern.literal() {
                Some(name) if parsed.patterns.is_empty() => parsed.literal.push(name.into_bytes()),
                _ => parsed.patterns.push(pattern),
            }
        }
        Ok(parsed)
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self> {
        let mut chars = text.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' => Token::Any,
                '?' => Token::One,
                '[' => parse_class(&mut chars)?,
                '\\' => Token::Literal(chars.next().ok_or_else(|| bad("it ends in a backslash"))?),
                c => Token::Literal(c),
            });
        }
        Ok(Self(tokens))
    }

    fn literal(&self) -> Option<String> {
        self.0
            .iter()
            .map(|token| match token {
                Token::Literal(c) => Some(*c),
                _ => None,
            })
            .collect()
    }

    /// Linear in practice and quadratic at worst: only the last `*` is ever tried again.
    pub fn matches(&self, name: &[u8]) -> bool {
        let name: Vec<char> = to_text(name).chars().collect();
        let (mut at, mut token) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < name.len() || token < self.0.len() {
            match self.0.get(token) {
                Some(Token::Any) => {
                    retry = Some((at, token));
                    token += 1;
                    continue;
                }
                Some(one) if at < name.len() && one.accepts(name[at]) => {
                    at += 1;
                    token += 1;
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((start, star)) if start < name.len() => {
                    retry = Some((start + 1, star));
                    at = start + 1;
                    token = star + 1;
                }
                _ => return false,
            }
        }
        true
    }
}

impl Token {
    fn accepts(&self, c: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Literal(literal) => *literal == c,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| *low <= c && c <= *high) != *negated
            }
        }
    }
}

/// `[` [ `^` ] { character-range } `]`
fn parse_class(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<Token> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Ok(Token::Class { negated, ranges });
        }
        let low = class_char(chars)?;
        let high = match chars.next_if_eq(&'-') {
            Some(_) => class_char(chars)?,
            None => low,
        };
        ranges.push((low, high));
    }
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars>) -> Result<char> {
    match chars.next() {
        None => Err(bad("a class is not closed")),
        Some('-' | ']') => Err(bad("a class holds an unescaped '-' or ']'")),
        Some('\\') => chars.next().ok_or_else(|| bad("it ends in a backslash")),
        Some(c) => Ok(c),
    }
}

fn bad(why: &str) -> Error {
    Error::new("BAD_PATTERN", "match source", format!("malformed pattern: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_matches_them() {
        let table = [
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abcd", false),
            ("*.t?t", "x.y.txt", true),
            ("a*b*c", "aXbYbZc", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[!a]x", "!x", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("?", "\u{e9}", true),
            ("a", "ab", false),
            ("[\\]]", "]", true),
        ];
        for (pattern, name, expected) in table {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(name.as_bytes()), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in ["[", "[]", "[]a]", "[a", "[a-]", "[-a]", "a\\", "[x\\"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
