//! Paths are bytes. They are text only where a pattern has to match them.

/// The components of `path`, without empty ones and `.`.
pub fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

/// `parent/name`; `name` where the parent is the root of the path.
pub fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parent.len() + name.len() + 1);
    out.extend_from_slice(parent);
    if !out.is_empty() {
        out.push(b'/');
    }
    out.extend_from_slice(name);
    out
}

/// The text that patterns match: each byte that is not UTF-8 is one U+FFFD, as Go's range over a string has it.
pub fn to_text(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

/// For messages only.
pub fn display(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_dot_components_are_nothing() {
        let parts: Vec<_> = components(b"//a/./b/../c/").collect();
        assert_eq!(parts, [&b"a"[..], b"b", b"..", b"c"]);
    }

    #[test]
    fn bytes_that_are_not_text_are_one_replacement_each() {
        assert_eq!(to_text(b"a\xff\xfeb"), "a\u{fffd}\u{fffd}b");
    }
}
